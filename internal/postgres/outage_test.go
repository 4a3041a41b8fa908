package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// remote is a data layer that meets its server through a proxy, and would wait
// for minutes if it ever retried inside a request.
func remote(t *testing.T, change ...func(*postgres.Options)) (*postgres.DB, *proxy) {
	t.Helper()
	p := newProxy(t, pgtest.New(t))
	patient := func(o *postgres.Options) { o.Retry = postgres.Retry{Max: 3, Base: time.Minute} }
	return openDB(t, p.url(""), append(change, patient)...), p
}

// find is a request of the gate's kind: it has two seconds.
func find(t *testing.T, db *postgres.DB) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	begun := time.Now()
	_, err := db.FindSession(ctx, afauth.NewToken().Hash(), ownHost, idle)
	return time.Since(begun), err
}

// refused fails unless the answer was an error that means "not now".
func refused(t *testing.T, took time.Duration, err error) {
	t.Helper()
	if err == nil || errors.Is(err, afauth.ErrNotSignedIn) || afauth.CodeOf(err) != afauth.CodeUnavailable {
		t.Errorf("error %v", err)
	}
	if took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

// back waits until the database answers again, which must be soon.
func back(t *testing.T, db *postgres.DB) {
	t.Helper()
	begun := time.Now()
	eventually(t, "the database is back", func() bool {
		_, err := find(t, db)
		return errors.Is(err, afauth.ErrNotSignedIn)
	})
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s until requests were answered again", took)
	}
}

func TestServerGone(t *testing.T) {
	t.Parallel()
	db, p := remote(t)
	back(t, db)
	p.refuse()
	p.cut()
	for range 5 {
		took, err := find(t, db)
		refused(t, took, err)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a server that refuses was waited for: %v", err)
		}
	}
	p.accept()
	back(t, db)
}

// A connection that is open at our side and goes nowhere: the answer is no,
// within three seconds, and the pool recovers when the network does.
func TestHalfOpenConnections(t *testing.T) {
	t.Parallel()
	db, p := remote(t, func(o *postgres.Options) { o.PoolMin = 4 })
	eventually(t, "four connections", func() bool { return len(p.startups()) >= 4 })
	back(t, db)
	p.freeze()
	took, err := find(t, db)
	refused(t, took, err)
	back(t, db)
}

// Nor does opening wait longer than it was told to.
func TestHalfOpenWhileOpening(t *testing.T) {
	t.Parallel()
	db, p := remote(t)
	p.cut()
	p.refuse()
	silence := newStandIn(t, silent)
	u := "postgresql://af@" + silence.Addr().String() + "/af_auth?sslmode=disable"
	o := options(t, u)
	o.Timeout = 100 * time.Millisecond
	begun := time.Now()
	if _, err := postgres.Open(t.Context(), o); err == nil || time.Since(begun) > 3*time.Second {
		t.Errorf("after %s: %v", time.Since(begun), err)
	}
	if err := db.Ping(t.Context()); afauth.CodeOf(err) != afauth.CodeUnavailable {
		t.Errorf("ping: %v", err)
	}
}

func TestConnectionsAllBusy(t *testing.T) {
	t.Parallel()
	db := newWorld(t, func(o *postgres.Options) { o.PoolMax, o.Wait = 2, 50*time.Millisecond }).db
	release, held := make(chan struct{}), make(chan error)
	for range 2 {
		go func() {
			held <- db.WithConn(t.Context(), func(*pgx.Conn) error {
				held <- nil
				<-release
				return nil
			})
		}()
		if err := <-held; err != nil {
			t.Fatal(err)
		}
	}
	for name, ask := range map[string]func() error{
		"one row":       func() error { _, err := find(t, db); return err },
		"rows":          func() error { _, err := db.Users(t.Context(), postgres.UserFilter{Limit: 1}); return err },
		"no rows":       func() error { return db.Ping(t.Context()) },
		"a transaction": func() error { _, err := db.EndUserSessions(t.Context(), postgres.Actor{}, afauth.ID{}); return err },
		"a connection":  func() error { return db.WithConn(t.Context(), func(*pgx.Conn) error { return nil }) },
	} {
		var e *afauth.Error
		err := ask()
		if !errors.As(err, &e) || e.Code != afauth.CodeUnavailable ||
			e.Message != "all 2 database connections were busy for 50ms" || !strings.Contains(e.Hint, "DB_POOL_MAX") {
			t.Errorf("%s: %v", name, err)
		}
	}
	close(release)
	for range 2 {
		if err := <-held; err != nil {
			t.Error(err)
		}
	}
	back(t, db)
}

// Each kind of query gives its connection back, whether it goes well or not:
// with one connection, the next would wait in vain.
func TestConnectionsComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *postgres.Options) { o.PoolMax, o.Wait = 1, 5*time.Second })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	user := w.signIn(octocat(afauth.NewToken())).User.ID
	ask := func(ctx context.Context) {
		_ = w.db.Ping(ctx)
		_, _ = w.db.User(ctx, user)
		_, _ = w.db.User(ctx, afauth.ID{})
		_, _ = w.db.Users(ctx, postgres.UserFilter{Limit: 1})
		_, _ = w.db.Users(ctx, postgres.UserFilter{Limit: -1}) // the server refuses this one
		_, _ = w.db.Events(ctx, postgres.EventFilter{Limit: 10})
		_, _ = w.db.Instances(ctx)
		_, _ = w.db.Sessions(ctx, user, idle)
		_, _ = w.db.EndSession(ctx, postgres.Actor{}, afauth.TokenHash{}, ownHost)
		_, _ = w.db.Revoke(ctx, postgres.Actor{}, afauth.ID{}, idle)
		_ = w.db.Sweep(ctx)
	}
	for range 3 {
		ask(t.Context())
		ask(gone)
	}
	if err := w.db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// A database that answers, and cannot serve.
func TestQueryFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, sql     string
		message, hint string
	}{
		{"table missing", "DROP TABLE sessions CASCADE", "looking up the session: the database's schema is not this release's", "af-auth db migrate status"},
		{"column missing", "ALTER TABLE sessions DROP COLUMN seen_at", "looking up the session: the database's schema is not this release's", "af-auth db migrate deploy"},
		{"right missing", `REVOKE ALL ON sessions FROM "{role}"`, "looking up the session: the database role may not do this", "docs/database.md"},
		{"query ended", `ALTER ROLE "{role}" SET statement_timeout = 1; ALTER FUNCTION now() RENAME TO old_now;
			CREATE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT clock_timestamp() FROM pg_sleep(10)'`,
			"looking up the session: the database cannot serve this now", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			p := newProbe(t, url)
			c := scene{role: p.account("PASSWORD '" + planted + "'")}
			p.run(c.words(`GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"`))
			through := newProxy(t, url)
			through.config.User, through.config.Password = c.role, planted
			db := openDB(t, through.url(""))
			p.run(c.words(tt.sql))
			p.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + c.role + "'")
			var e *afauth.Error
			eventually(t, "the fault shows", func() bool {
				_, err := find(t, db)
				cut := strings.Contains(err.Error(), "57P01") || strings.Contains(err.Error(), "does not answer")
				return errors.As(err, &e) && !cut
			})
			code := afauth.CodeUnavailable
			if strings.Contains(tt.hint, "migrate") {
				code = afauth.CodeSchema
			}
			if e.Code != code || e.Message != tt.message || !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("%s: %s\nhint: %s\ncause: %v", e.Code, e.Message, e.Hint, e.Err)
			}
		})
	}
}
