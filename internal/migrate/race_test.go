package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// named sets the application_name of a connection.
func named(name string) func(*pgx.ConnConfig) {
	return func(cfg *pgx.ConnConfig) { cfg.RuntimeParams["application_name"] = name }
}

// until asks again and again until the answer is yes.
func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !yes() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("30 s went by before %s", what)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 10} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			files := load(t, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (1)", "CREATE TABLE b ()", "INSERT INTO a VALUES (2)")
			conns := make([]*pgx.Conn, n)
			for i := range conns {
				conns[i] = connect(t, url)
			}
			results := make([]migrate.Result, n)
			fails := make([]error, n)
			var start, done sync.WaitGroup
			start.Add(1)
			for i := range conns {
				done.Go(func() {
					start.Wait()
					results[i], fails[i] = migrate.Deploy(t.Context(), conns[i], files, migrate.Options{})
				})
			}
			start.Done()
			done.Wait()
			applied := 0
			for i, res := range results {
				if fails[i] != nil || res.SchemaVersion != "1.3.0" {
					t.Errorf("migrator %d: %+v, %v", i, res, fails[i])
				}
				applied += len(res.Applied)
			}
			if applied != len(files) {
				t.Errorf("%d files applied by all together, want %d", applied, len(files))
			}
			if sum := ask[int](t, conns[0], "SELECT sum(x)::int FROM a"); sum != 3 {
				t.Errorf("sum %d, want 3", sum)
			}
		})
	}
}

// hold begins a deployment that stays in the middle of its first file until
// release is called, which returns how it ended.
func hold(t *testing.T, conn *pgx.Conn, files []migrate.File) (release func() error) {
	t.Helper()
	inside, leave, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := migrate.Deploy(context.Background(), conn, files, migrate.Options{Progress: func(e migrate.Event) {
			if e.Kind == migrate.Applying && e.Number == 1 {
				close(inside)
				<-leave
			}
		}})
		ended <- err
	}()
	select {
	case <-inside:
	case err := <-ended:
		t.Fatalf("it ended before its first file: %v", err)
	}
	free := sync.OnceFunc(func() { close(leave) })
	t.Cleanup(free)
	return func() error { free(); return <-ended }
}

func TestLockIsNamed(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	files := load(t, "CREATE TABLE a ()")
	first := connect(t, url, named("rollout 7"))
	release := hold(t, first, files)

	second := connect(t, url)
	var seen []migrate.Event
	_, err := migrate.Deploy(t.Context(), second, files, migrate.Options{
		LockWait: 200 * time.Millisecond,
		Progress: func(e migrate.Event) { seen = append(seen, e) },
	})
	var locked *migrate.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("got %v", err)
	}
	pid := int(first.PgConn().PID())
	if h := locked.Holder; h.PID != pid || h.ApplicationName != "rollout 7" || h.Role == "" || time.Since(h.Since).Abs() > time.Minute {
		t.Errorf("holder %+v, want process %d", h, pid)
	}
	if want := fmt.Sprintf("another migrator is at work: process %d (rollout 7) of role ", pid); !strings.HasPrefix(err.Error(), want) {
		t.Errorf("message %q", err)
	}
	if !strings.Contains(hint(err), fmt.Sprintf("pg_terminate_backend(%d)", pid)) {
		t.Errorf("hint %q", hint(err))
	}
	if len(seen) != 1 || seen[0].Kind != migrate.Waiting || seen[0].Holder.PID != pid {
		t.Errorf("events %+v, want one that names the holder", seen)
	}
	if locked.Waited < 200*time.Millisecond || locked.Waited > 10*time.Second {
		t.Errorf("waited %s", locked.Waited)
	}
	if _, err := migrate.Deploy(t.Context(), second, files, migrate.Options{LockWait: -1}); !errors.As(err, &locked) {
		t.Errorf("one try: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := migrate.Deploy(ctx, connect(t, url), files, migrate.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an end from outside: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if res, err := migrate.Deploy(t.Context(), second, files, migrate.Options{}); err != nil || len(res.Applied) != 0 {
		t.Errorf("afterwards: %+v, %v", res, err)
	}
}

// Two schemas of one database are two deployments that know nothing of each
// other.
func TestSchemasDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	files := load(t, "CREATE TABLE a ()")
	admin := connect(t, url)
	run(t, admin, "CREATE SCHEMA one; CREATE SCHEMA two")
	path := func(s string) func(*pgx.ConnConfig) {
		return func(cfg *pgx.ConnConfig) { cfg.RuntimeParams["search_path"] = s }
	}
	release := hold(t, connect(t, url, path("one")), files)
	res, err := migrate.Deploy(t.Context(), connect(t, url, path("two")), files, migrate.Options{LockWait: -1})
	if err != nil || res.Namespace != "two" || len(res.Applied) != 1 {
		t.Errorf("two: %+v, %v", res, err)
	}
	if err := release(); err != nil {
		t.Errorf("one: %v", err)
	}
	for _, s := range []string{"one", "two"} {
		if !ask[bool](t, admin, "SELECT to_regclass($1) IS NOT NULL", s+".a") {
			t.Errorf("%s.a is not there", s)
		}
	}
}
