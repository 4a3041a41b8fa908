package postgres_test

import (
	"context"

	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// diary is a Hearer that keeps what it is told, in order.
type diary struct {
	mu    sync.Mutex
	lines []note
	// changed, if set, is called in Changed.
	changed func()
}

// note is one thing told: users of a change, a beat, or the loss.
type note struct {
	users []afauth.ID
	beat  *postgres.Beat
	lost  bool
}

func (d *diary) add(l note) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, l)
}

func (d *diary) Renewed(b postgres.Beat) { d.add(note{beat: &b}) }
func (d *diary) Lost()                   { d.add(note{lost: true}) }
func (d *diary) Changed(users []afauth.ID) {
	if d.changed != nil {
		d.changed()
	}
	d.add(note{users: slices.Clone(users)})
}

// read returns what was told so far.
func (d *diary) read() []note {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// beats counts the heartbeats told.
func (d *diary) beats() (n int) {
	for _, l := range d.read() {
		if l.beat != nil {
			n++
		}
	}
	return n
}

// where returns the number of the line that tells of the person, or -1.
func (d *diary) where(id afauth.ID) int {
	return slices.IndexFunc(d.read(), func(l note) bool { return slices.Contains(l.users, id) })
}

// hearAt runs a Listener for an instance until the test ends, or stop.
func hearAt(t *testing.T, url string, instance afauth.ID, hearer postgres.Hearer) (stop func()) {
	t.Helper()
	d := options(t, url).Dialer
	d.Application = "af-auth listener"
	ctx, cancel := context.WithCancel(t.Context())
	l := postgres.NewListener(postgres.ListenerOptions{Dialer: d, Instance: instance, Hearer: hearer})
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// register writes an instance's row, as KeepInstance would, of the given age.
func (p probe) register(age string) afauth.ID {
	p.t.Helper()
	id := afauth.NewID()
	_, err := p.Exec(p.t.Context(), `INSERT INTO instances (id, release, address, started_at, heartbeat_at)
		VALUES ($1, '1.2.3', '192.0.2.1:' || (SELECT 8000 + count(*) FROM instances), now() - interval '1 day', now() - $2::text::interval)`, id, age)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// A heartbeat is told only after everything that was committed before it was
// asked for, whatever else goes on.
func TestRenewedAfterWhatWasCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var d diary
	hearAt(t, w.url, w.register("0"), &d)
	eventually(t, "the first heartbeat", func() bool { return d.beats() > 0 })
	committed := map[afauth.ID]time.Time{}
	for d.beats() < 8 {
		id := afauth.NewID()
		w.run(fmt.Sprintf(`NOTIFY af_auth_access, '{"users":["%s"]}'`, id))
		committed[id] = time.Now()
	}
	last := afauth.NewID()
	w.run(fmt.Sprintf(`NOTIFY af_auth_access, '{"users":["%s"]}'`, last))
	eventually(t, "the last change", func() bool { return d.where(last) >= 0 })
	told := map[afauth.ID]bool{}
	for _, l := range d.read() {
		for _, id := range l.users {
			told[id] = true
		}
		for id, at := range committed {
			if l.beat != nil && at.Before(l.beat.Asked) && !told[id] {
				t.Errorf("a heartbeat asked for %s after a change is told before it", l.beat.Asked.Sub(at))
			}
		}
	}
}

// What a heartbeat says: this server, this timeline, and its time.
func TestBeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var d diary
	hearAt(t, w.url, w.register("0"), &d)
	eventually(t, "two heartbeats", func() bool { return d.beats() > 1 })
	started := w.count(`SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint`)
	timeline := w.count(`SELECT timeline_id FROM pg_control_checkpoint()`)
	now := w.count(`SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`)
	for _, l := range d.read() {
		if l.beat == nil {
			continue
		}
		if l.beat.Server != (postgres.Server{Started: int64(started), Timeline: int64(timeline)}) || l.beat.Now.UnixMicro() >= int64(now) || l.beat.Asked.IsZero() {
			t.Errorf("%+v, on a server that started at %d with timeline %d, before %d", *l.beat, started, timeline, now)
		}
	}
}

// A connection that ends is told as lost, and the next one tells that anything
// may have changed before it tells of a heartbeat.
func TestLostIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var d diary
	hearAt(t, w.url, w.register("0"), &d)
	for round := range 3 {
		before := len(d.read())
		eventually(t, "a heartbeat", func() bool {
			return slices.ContainsFunc(d.read()[before:], func(l note) bool { return l.beat != nil })
		})
		w.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'af-auth listener'`)
		eventually(t, "the loss", func() bool { return slices.ContainsFunc(d.read()[before:], func(l note) bool { return l.lost }) })
		eventually(t, "a heartbeat after it", func() bool {
			lines := d.read()[before:]
			lost := slices.IndexFunc(lines, func(l note) bool { return l.lost })
			return slices.ContainsFunc(lines[lost:], func(l note) bool { return l.beat != nil })
		})
		lines := d.read()[before:]
		lost := slices.IndexFunc(lines, func(l note) bool { return l.lost })
		if next := lines[lost+1]; next.beat != nil || next.lost || len(next.users) > 0 {
			t.Errorf("round %d: after the loss comes %+v, want a change that concerns everybody", round, next)
		}
	}
}

// Without a fresh row in instances no heartbeat counts: a revocation would not
// wait for this server.
func TestBeatNeedsItsRow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, age string
		counts    bool
	}{
		{"fresh", "0", true},
		{"between two heartbeats", "6 seconds", true},
		// Confirm looks for rows of 15 s, and a lease that is given now ends in one.
		{"not for as long as the lease", "13.1 seconds", false},
		{"silent", "1 minute", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var d diary
			id := w.register(tt.age)
			hearAt(t, w.url, id, &d)
			// Its query has been seen twice: one was answered and heard.
			asked := func() int64 {
				return int64(w.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
					AND application_name = 'af-auth listener' AND query LIKE '%pg_walfile_name%'`))
			}
			eventually(t, "it asks", func() bool { return asked() == 1 })
			marker := afauth.NewID()
			w.run(fmt.Sprintf(`NOTIFY af_auth_access, '{"users":["%s"]}'`, marker))
			eventually(t, "it hears", func() bool { return d.where(marker) >= 0 })
			if tt.counts {
				eventually(t, "a heartbeat", func() bool { return d.beats() > 0 })
				return
			}
			if n := d.beats(); n > 0 {
				t.Errorf("%d heartbeats count", n)
			}
			w.run(`UPDATE instances SET heartbeat_at = now()`)
			eventually(t, "a heartbeat once the row is fresh", func() bool { return d.beats() > 0 })
			if !tt.counts && d.read()[0].beat != nil {
				t.Error("a heartbeat came first")
			}
			w.run(`DELETE FROM instances`)
			eventually(t, "no heartbeat counts any more", func() bool {
				before := d.beats()
				seen := w.lines(`SELECT query_start::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'af-auth listener'`)
				w.waitFor("another is asked for", `SELECT query_start::text <> $1 FROM pg_stat_activity
					WHERE datname = current_database() AND application_name = 'af-auth listener'`, seen[0])
				return d.beats() == before
			})
		})
	}
}

// Behind a connection on which nothing comes back, no heartbeat is told.
func TestHalfOpenIsLost(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	p := newProxy(t, url)
	w := newProbe(t, url)
	var d diary
	hearAt(t, p.url(""), w.register("0"), &d)
	eventually(t, "a heartbeat", func() bool { return d.beats() > 0 })
	p.freeze()
	frozen := time.Now()
	eventually(t, "the loss", func() bool { return slices.ContainsFunc(d.read(), func(l note) bool { return l.lost }) })
	for _, l := range d.read() {
		if l.lost {
			break
		}
		if l.beat != nil && l.beat.Asked.After(frozen) {
			t.Error("a heartbeat was heard through a frozen connection")
		}
	}
	eventually(t, "a heartbeat on a new connection", func() bool {
		lines := d.read()
		return lines[len(lines)-1].beat != nil && lines[len(lines)-1].beat.Asked.After(frozen)
	})
}
