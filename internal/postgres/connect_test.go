package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// The sequence of the documentation, to the millisecond: at once, then after
// 1,000, 2,000 and 4,000 ms. In the bubble time passes only in waiting.
func TestRetrySequenceExactly(t *testing.T) {
	t.Parallel()
	address := refusing(t)
	synctest.Test(t, func(t *testing.T) {
		var log journal
		var tries, retries []string
		begun := time.Now()
		o := options(t, "postgresql://af@"+address+"/af_auth?sslmode=disable")
		o.Retry = postgres.Retry{Max: 3, Base: time.Second}
		o.Logger = log.logger()
		o.Attempted = func(outcome string) { tries = append(tries, fmt.Sprint(time.Since(begun), " ", outcome)) }
		o.Retried = func() { retries = append(retries, fmt.Sprint(time.Since(begun))) }
		_, err := o.Connect(t.Context())
		if err == nil || !strings.Contains(err.Error(), "nothing listens at "+address+" (4 tries)") {
			t.Errorf("error %v", err)
		}
		if want := []string{"0s failed", "1s failed", "3s failed", "7s failed"}; !slices.Equal(tries, want) {
			t.Errorf("tries %q, want %q", tries, want)
		}
		if want := []string{"1s", "3s", "7s"}; !slices.Equal(retries, want) {
			t.Errorf("retries %q, want %q", retries, want)
		}
		entries := log.entries(t)
		if len(entries) != 3 {
			t.Fatalf("log:\n%s", log.text())
		}
		for i, e := range entries {
			if e["level"] != "WARN" || e["msg"] != "database connection failed" || e["try"] != float64(i+1) || e["of"] != 4.0 ||
				e["next_try_in"] != float64(time.Second<<i) || !strings.Contains(fmt.Sprint(e["error"]), "connection refused") {
				t.Errorf("line %d: %v", i, e)
			}
		}
	})
}

// The same from outside: when the dials come in.
func TestRetrySequenceFromOutside(t *testing.T) {
	t.Parallel()
	const base, timeout = 40 * time.Millisecond, 100 * time.Millisecond
	for _, tt := range []struct {
		name  string
		serve func(net.Conn)
		lasts time.Duration // each try, at least
	}{
		{"closed", closes, 0},
		{"reset", resets, 0},
		{"no answer", silent, timeout},
		{"an error that passes", says("57P03", "the database system is starting up"), 0},
	} {
		for _, most := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s, %d retries", tt.name, most), func(t *testing.T) {
				t.Parallel()
				s := newStandIn(t, tt.serve)
				o := options(t, "postgresql://af@"+s.Addr().String()+"/af_auth?sslmode=disable")
				o.Timeout, o.Retry = timeout, postgres.Retry{Max: most, Base: base}
				if _, err := o.Connect(t.Context()); err == nil {
					t.Fatal("no error")
				}
				came := s.came()
				if len(came) != most+1 {
					t.Fatalf("%d dials, want %d", len(came), most+1)
				}
				for n := range most {
					// A busy machine may be late, never early. A listener
					// notes an arrival a little late itself.
					gap, least := came[n+1].Sub(came[n]), tt.lasts+base<<n-10*time.Millisecond
					if gap < least || gap > least+2*time.Second {
						t.Errorf("between dials %d and %d: %s, want %s", n+1, n+2, gap, least)
					}
				}
			})
		}
	}
}

// A server that comes up between two tries is used at the next one.
func TestServerComesUp(t *testing.T) {
	t.Parallel()
	p := newProxy(t, pgtest.New(t))
	p.refuse()
	var log journal
	tries := 0
	o := options(t, p.url(""))
	o.Logger, o.Retry = log.logger(), postgres.Retry{Max: 3, Base: 5 * time.Millisecond}
	o.Attempted = func(string) {
		if tries++; tries == 2 {
			p.accept()
		}
	}
	conn, err := o.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	entries := log.entries(t)
	last := entries[len(entries)-1]
	if tries != 3 || len(entries) != 3 || last["msg"] != "database connection is back" || last["tries"] != 3.0 {
		t.Errorf("%d tries; log:\n%s", tries, log.text())
	}
}

// Whoever ends the program does not wait for the sequence.
func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	address := refusing(t)
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		time.AfterFunc(1500*time.Millisecond, func() { cancel(why) })
		begun := time.Now()
		o := options(t, "postgresql://af@"+address+"/af_auth?sslmode=disable")
		o.Retry = postgres.Retry{Max: 3, Base: time.Second}
		_, err := o.Connect(ctx)
		if took := time.Since(begun); !errors.Is(err, why) || took != 1500*time.Millisecond {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// Nor for a try under way.
func TestCancelledWhileTrying(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, silent)
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, "postgresql://af@"+s.Addr().String()+"/af_auth?sslmode=disable")
	o.Timeout, o.Retry = time.Minute, postgres.Retry{Max: 3, Base: time.Minute}
	done := make(chan error)
	go func() {
		_, err := o.Connect(ctx)
		done <- err
	}()
	eventually(t, "the dial comes in", func() bool { return len(s.came()) == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The pool is opened with the settings that were given.
func TestSettingsReachTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *postgres.Options) { o.PoolMin, o.PoolMax = 3, 3 })
	w.waitFor("three connections are open", `SELECT count(*) = 3 FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'af-auth test'`)
}

// What the session is told at its start, and what PgBouncer is not told.
func TestStartOfASession(t *testing.T) {
	t.Parallel()
	for parameter, want := range map[string]string{
		"":                      "application_name=af-auth test timezone=UTC",
		"schema=public":         "application_name=af-auth test search_path=public timezone=UTC",
		"socket_timeout=7":      "application_name=af-auth test statement_timeout=7000 timezone=UTC",
		"application_name=mine": "application_name=mine timezone=UTC",
		"pgbouncer=true":        "",
		"pgbouncer=true&schema=public&application_name=mine": "",
	} {
		t.Run(parameter, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, pgtest.New(t))
			openDB(t, p.url(parameter))
			for _, told := range p.startups() {
				delete(told, "user")
				delete(told, "database")
				var got []string
				for name, value := range told {
					got = append(got, name+"="+value)
				}
				slices.Sort(got)
				if strings.Join(got, " ") != want {
					t.Errorf("told %q, want %q", got, want)
				}
			}
		})
	}
}
