package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// keep keeps a server's row until stop, which waits for its end.
func keep(t *testing.T, db *postgres.DB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		db.KeepInstance(ctx, afauth.NewID(), "1.2.3", "127.0.0.1:8080")
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

const itsRow = "FROM instances WHERE release = '1.2.3' AND address = '127.0.0.1:8080'"

// A server's row: there while it runs, with a heartbeat, and gone at the end.
// Old rows of others are swept.
func TestInstance(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.run(`INSERT INTO instances (release, address, started_at, heartbeat_at) VALUES
			('0.9.0', 'gone:8080', now() - interval '1 day', now() - interval '2 hours'), ('0.9.0', 'silent:8080', now() - interval '1 day', now() - interval '1 minute')`)
		stop := keep(t, w.db)
		w.waitFor("the row is written", "SELECT count(*) = 1 "+itsRow)
		w.waitFor("a server that is gone is swept", "SELECT count(*) = 0 FROM instances WHERE address = 'gone:8080'")
		list, err := w.db.Instances(t.Context())
		if err != nil || len(list) != 2 || list[0].Address != "silent:8080" {
			t.Fatalf("%+v, %v", list, err)
		}
		mine := list[1]
		if mine.ID.IsZero() || mine.Release != "1.2.3" || mine.StartedAt.IsZero() || mine.HeartbeatAt.Before(mine.StartedAt) {
			t.Errorf("%+v", mine)
		}
		w.waitFor("a heartbeat", "SELECT heartbeat_at > started_at "+itsRow)
		stop()
		if got := w.lines("SELECT address FROM instances"); !slices.Equal(got, []string{"silent:8080"}) {
			t.Errorf("at the end: %q", got)
		}
	})
}

// A row that somebody took away is written anew.
func TestInstanceRowTakenAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keep(t, w.db)
	w.waitFor("the row is written", "SELECT count(*) = 1 "+itsRow)
	id := w.lines("DELETE FROM instances RETURNING id::text")[0]
	w.waitFor("the row is written anew", "SELECT count(*) = 1 "+itsRow+" AND id = '"+id+"'")
}

// A database that is away does not end the process, nor hold up its end.
func TestInstanceWithoutDatabase(t *testing.T) {
	t.Parallel()
	p := newProxy(t, pgtest.New(t))
	var log journal
	db := openDB(t, p.url(""), func(o *postgres.Options) { o.Logger = log.logger() })
	p.refuse()
	p.cut()
	stop := keep(t, db)
	eventually(t, "it is logged", func() bool {
		entries := log.entries(t)
		return len(entries) > 0 && entries[0]["msg"] == "heartbeat not written"
	})
	p.accept()
	eventually(t, "the row is written", func() bool {
		list, err := db.Instances(t.Context())
		return err == nil && len(list) == 1
	})
	p.refuse()
	p.cut()
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("its end took %s", took)
	}
}

// An hour between the clocks is the database's hour.
func TestClock(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	p := newProbe(t, url)
	ahead := func(by string) string {
		return "CREATE OR REPLACE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + interval ''" + by + "''';" +
			"CREATE OR REPLACE FUNCTION ahead.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now() + interval ''" + by + "'''"
	}
	p.run("CREATE SCHEMA ahead; " + ahead("1 hour") + `; ALTER DATABASE "` + p.lines("SELECT current_database()::text")[0] + `" SET search_path = ahead, public, pg_catalog`)
	db := openDB(t, url)
	near := func(want time.Duration) bool {
		off := time.Until(db.Now()) - want
		return off.Abs() < 10*time.Second
	}
	if !near(time.Hour) {
		t.Errorf("the database is an hour ahead, and Now says %s", db.Now())
	}
	// Each heartbeat measures anew.
	p.run(ahead("-3 hours"))
	keep(t, db)
	eventually(t, "Now follows", func() bool { return near(-3 * time.Hour) })
}

// The question's way and the answer's are taken for equally long.
func TestClockRoundTrip(t *testing.T) {
	t.Parallel()
	db := newWorld(t).db
	asked := time.Now().Add(-2 * time.Second)
	db.SetClock(asked, asked.Add(time.Second)) // as it would be with equal clocks
	if off := time.Until(db.Now()); off.Abs() > 500*time.Millisecond {
		t.Errorf("equal clocks, a slow answer: off by %s", off)
	}
}
