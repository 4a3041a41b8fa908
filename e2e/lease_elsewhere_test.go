//go:build linux

package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestLeaseBesideAnotherServer: changes are heard from the primary, while
// questions reach a server that knows nothing of them. Its word lets nobody in
// whose revocation was confirmed.
func TestLeaseBesideAnotherServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// pool is the address of the pool, given the ways to both servers.
		pool func(t *testing.T, primary, follower *wire, database string) string
		// change is what happens once somebody is remembered.
		change func(t *testing.T, primary *wire, follower *ownServer)
		// answers is what somebody allowed is told, once nobody is remembered.
		answers int
	}{
		"several hosts, the first was gone for a while": {
			pool:    bothAddresses,
			change:  func(*testing.T, *wire, *ownServer) {},
			answers: http.StatusOK,
		},
		"one address that leads to a standby now": {
			pool: oneAddress,
			change: func(t *testing.T, primary *wire, follower *ownServer) {
				t.Helper()
				primary.lead(t, follower.URL("postgres"))
			},
			answers: http.StatusServiceUnavailable,
		},
		"one address that leads to another primary now": {
			pool: oneAddress,
			change: func(t *testing.T, primary *wire, follower *ownServer) {
				t.Helper()
				(&world{database: follower.URL("postgres")}).exec(t, `SELECT pg_promote()`)
				primary.lead(t, follower.URL("postgres"))
			},
			answers: http.StatusServiceUnavailable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			follower, _ := server.standby(t)
			toPrimary, toFollower := newWireTo(t, server.URL("postgres")), newWireTo(t, follower.URL("postgres"))
			s := stageOn(t, server.URL("postgres"), map[string]string{
				"DATABASE_URL": c.pool(t, toPrimary, toFollower, server.URL("postgres")), "DIRECT_URL": server.URL("postgres"),
			})
			eventually(t, "the standby follows", 10*time.Second, func() bool {
				return s.w.value(t, `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()`) == "1"
			})
			behind := world{database: follower.URL("postgres")}
			// From here on it lags, as behind a slow link or a long question.
			behind.exec(t, `SELECT pg_wal_replay_pause()`)
			c.change(t, toPrimary, follower)
			toPrimary.set(torn)
			// Nobody is remembered, so that all questions look for a server, and for
			// as long as somebody may want to wait for one.
			s.w.exec(t, `SELECT pg_notify('af_auth_access', '{"all":true}')`)
			until := time.Now().Add(lease)
			for door := range s.w.doors {
				eventually(t, "some answers", 10*time.Second, func() bool { return s.askers.answeredSince(door, until) >= 2 })
			}
			toPrimary.set(whole)
			s.revoke(t)
			if silent := s.w.mark(t, len(s.w.doors)); silent > 0 {
				t.Errorf("%d servers do not confirm", silent)
			}
			confirmed := time.Now()
			told := func(cookie string) (n map[int]int) {
				n = map[int]int{}
				for _, r := range s.askers.read() {
					if r.cookie == cookie && r.start.After(confirmed) {
						n[r.status]++
					}
				}
				return n
			}
			eventually(t, "somebody allowed is told what is so", 10*time.Second, func() bool { return told(s.stays.cookie)[c.answers] >= 50 })
			s.askers.stop()
			if goes := told(s.goes.cookie); goes[http.StatusOK] > 0 {
				t.Errorf("after the confirmation the answers are %v", goes)
			}
			if stays := told(s.stays.cookie); c.answers != http.StatusOK && stays[http.StatusOK] > 0 {
				t.Errorf("the other server's word lets somebody in: %v", stays)
			}
		})
	}
}

func oneAddress(t *testing.T, primary, _ *wire, database string) string {
	t.Helper()
	return primary.url(t, database)
}

// bothAddresses names both servers, and not which of the two is meant.
func bothAddresses(t *testing.T, primary, follower *wire, database string) string {
	t.Helper()
	u, err := url.Parse(primary.url(t, database))
	if err != nil {
		t.Fatal(err)
	}
	u.Host += "," + follower.listener.Addr().String()
	return u.String()
}
