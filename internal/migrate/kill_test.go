package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// These tell this test binary to be a migrator instead; see TestMain.
const (
	processURL    = "MIGRATE_TEST_URL"
	processFiles  = "MIGRATE_TEST_FILES"  // "slow", "every", "back", "adopt", or the text of one file
	processPoint  = "MIGRATE_TEST_POINT"  // the message at which it dies; 0: it lives
	processMoment = "MIGRATE_TEST_MOMENT" // before or after that is sent
)

// TestMain lets tests start a migrator that can be killed with -9.
func TestMain(m *testing.M) {
	if url := os.Getenv(processURL); url != "" {
		if err := migrator(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(pgtest.Main(m))
}

// moments at which a process ends: before a message leaves it, and just after,
// while the server works on it. The end of that work is before the next message.
func moments() []string { return []string{"before", "after"} }

func migrator(url string) error {
	ctx := context.Background()
	point, err := strconv.Atoi(os.Getenv(processPoint))
	if err != nil {
		return err
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	messages := intercept(cfg, func(n int, moment string) {
		if n == point && moment == os.Getenv(processMoment) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	})
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	messages.Store(1)
	files, err := migrate.Load(processFolder(os.Getenv(processFiles)))
	if err != nil {
		return err
	}
	act, ok := ways()[os.Getenv(processFiles)]
	if !ok {
		act = forward
	}
	if err := act(ctx, conn, files, nil); err != nil {
		return err
	}
	_, err = fmt.Println(messages.Load() - 1)
	return err
}

func forward(ctx context.Context, conn *pgx.Conn, files []migrate.File, progress func(migrate.Event)) error {
	_, err := migrate.Deploy(ctx, conn, files, migrate.Options{Pause: -1, Progress: progress})
	return err
}

func back(ctx context.Context, conn *pgx.Conn, files []migrate.File, progress func(migrate.Event)) error {
	_, err := migrate.Rollback(ctx, conn, files, version(1), migrate.Options{Progress: progress})
	return err
}

// adoption adopts what ready made by hand, and deploys the rest.
func adoption(ctx context.Context, conn *pgx.Conn, files []migrate.File, progress func(migrate.Event)) error {
	_, err := migrate.Adopt(ctx, conn, files, migrate.Adoption{Files: 1, From: "a test", Statements: []string{
		"ALTER TABLE a ALTER COLUMN x TYPE int USING x::int", "CREATE VIEW v AS SELECT x FROM a", "INSERT INTO log VALUES ('brought')"}}, migrate.Options{})
	if err != nil {
		return err
	}
	return forward(ctx, conn, files, progress)
}

// ways to work on a database.
func ways() map[string]func(context.Context, *pgx.Conn, []migrate.File, func(migrate.Event)) error {
	return map[string]func(context.Context, *pgx.Conn, []migrate.File, func(migrate.Event)) error{"every": forward, "back": back, "adopt": adoption}
}

func processFolder(which string) fs.FS {
	switch which {
	case "slow":
		return folder(killed(slow)...)
	case "adopt":
		return folder(everyKind()[:8]...)
	case "every", "back":
		return folder(everyKind()...)
	}
	return folder(version(1)+"_m.up.sql", which, version(1)+"_m.down.sql", "")
}

// intercept calls hook before and after each message that the first connection
// sends once messages is set to 1; from then on it is the next one's number.
func intercept(cfg *pgx.ConnConfig, hook func(n int, moment string)) (messages *atomic.Int64) {
	messages = &atomic.Int64{}
	dial := cfg.DialFunc
	var dialled atomic.Bool
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil || dialled.Swap(true) {
			return c, err // the one that looks who is in the way
		}
		return hooked{c, messages, hook}, nil
	}
	return messages
}

type hooked struct {
	net.Conn
	messages *atomic.Int64
	hook     func(n int, moment string)
}

func (h hooked) Write(b []byte) (int, error) {
	n := h.messages.Load()
	if n == 0 {
		return h.Conn.Write(b)
	}
	h.messages.Add(1)
	h.hook(int(n), "before")
	written, err := h.Conn.Write(b)
	h.hook(int(n), "after")
	return written, err
}

const slow = "INSERT INTO a VALUES (2); SELECT pg_sleep(600)"

func killed(second string) []string {
	return []string{
		version(1) + "_a.up.sql", header + "CREATE TABLE a (x int)", version(1) + "_a.down.sql", "",
		version(2) + "_b.up.sql", header + second, version(2) + "_b.down.sql", "",
	}
}

// everyKind is a folder with every way to run a file. What is done twice, or not
// at all, shows in the rows: log and hits count.
func everyKind() []string {
	ups := []string{
		"-- kind: expand\nCREATE TABLE a (id int PRIMARY KEY, x int, hits int);\nCREATE TABLE log (step text);\n" +
			"INSERT INTO a SELECT g, 100 - g FROM generate_series(1, 25) g;\nINSERT INTO log VALUES ('one');\nCREATE VIEW v AS SELECT x FROM a;",
		"-- kind: expand\nINSERT INTO log VALUES ('two');\nCREATE TYPE kind AS ENUM ('b');\nALTER TABLE a ADD COLUMN k kind;",
		"-- kind: expand\n-- transaction: none\nSET maintenance_work_mem = '8MB';\nCREATE INDEX CONCURRENTLY a_x ON a (x);\n" +
			"INSERT INTO log VALUES ('three');\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"a_Ids\" ON public.a (id, x);\n" +
			"ALTER TYPE kind ADD VALUE 'c';\nUPDATE a SET k = 'c';\nREINDEX INDEX CONCURRENTLY a_x;\n" +
			"DROP INDEX CONCURRENTLY \"a_Ids\";\nVACUUM a;",
		"-- kind: backfill\n-- batch: a by id 10\nUPDATE a SET hits = coalesce(hits, 0) + 1 WHERE id BETWEEN $1 AND $2",
		"-- kind: contract\nALTER TABLE a ALTER COLUMN hits SET NOT NULL;\nDROP VIEW v;",
	}
	downs := []string{
		"DROP VIEW v; DROP TABLE a, log",
		"ALTER TABLE a DROP k;\nDROP TYPE kind;\nINSERT INTO log VALUES ('back two')",
		"-- transaction: none\nINSERT INTO log VALUES ('back three');\nCREATE UNIQUE INDEX CONCURRENTLY \"a_Ids\" ON a (id, x);\nDROP INDEX CONCURRENTLY a_x;\nREINDEX TABLE CONCURRENTLY a",
		"UPDATE a SET hits = hits + 10",
		"CREATE VIEW v AS SELECT x FROM a; ALTER TABLE a ALTER COLUMN hits DROP NOT NULL",
	}
	var out []string
	for i, up := range ups {
		name := version(i+1) + "_m"
		out = append(out, name+".up.sql", fmt.Sprintf("-- schema: 1.%d.0\n%s\n", i, up), name+".down.sql", downs[i])
	}
	return out
}

// sameEnd fails unless a database is as an undisturbed deployment leaves it.
func sameEnd(t *testing.T, conn *pgx.Conn, want string) string {
	t.Helper()
	c, err := catalog.Read(t.Context(), conn, "public", migrate.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	got := ask[string](t, conn, `SELECT concat_ws('; ', (SELECT string_agg(step, ' ' ORDER BY step) FROM log),
		(SELECT string_agg(to_jsonb(a)::text, ' ' ORDER BY id) FROM a),
		(SELECT string_agg(version || checksum, ' ' ORDER BY version) FROM af_auth_migrations),
		(SELECT count(*) FROM af_auth_migrations_history WHERE outcome = 'started'),
		(SELECT max(n) FROM (SELECT count(*) n FROM af_auth_migrations_history WHERE outcome = 'done' GROUP BY version, action) x))`) + "\n" + c.Text()
	if want != "" && got != want {
		t.Errorf("ends as\n%s\nwant\n%s", got, want)
	}
	return got
}

// undisturbed goes forward, or back on what is deployed, and returns how that
// ends, and how many messages it took after the connection was made.
func undisturbed(t *testing.T, way string) (end string, messages int) {
	t.Helper()
	url := ready(t, way)
	out, err := migratorAt(t, url, way, 0, "").Output()
	if err != nil {
		t.Fatal(err)
	}
	messages, err = strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return sameEnd(t, connect(t, url), ""), messages
}

// byHand is what the first file of everyKind makes, made by somebody else,
// with a text for a number and without a view.
const byHand = `CREATE TABLE a (id int PRIMARY KEY, x text, hits int); CREATE TABLE log (step text);
INSERT INTO a SELECT g, 100 - g FROM generate_series(1, 25) g`

// ready makes a database to go forward on, or back, or to adopt.
func ready(t *testing.T, way string) (url string) {
	t.Helper()
	switch way {
	case "every":
		return pgtest.Empty(t)
	case "adopt":
		url := pgtest.Empty(t)
		conn := connect(t, url)
		run(t, conn, byHand)
		_ = conn.Close(t.Context())
		return url
	}
	return pgtest.Clone(t, pgtest.Template{Key: "migrate\n" + strings.Join(everyKind(), "\n"), Prepare: func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		files, err := migrate.Load(folder(everyKind()...))
		if err == nil {
			err = forward(ctx, conn, files, nil)
		}
		return errors.Join(err, conn.Close(ctx))
	}})
}

// TestKilledAtEveryPoint kills a migrator before and after each message that it
// sends, so before, within and after each statement of every file and of the
// engine's own. The next one ends as one that nobody disturbed.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	for way, act := range ways() {
		files := loadFS(t, processFolder(way))
		end, messages := undisturbed(t, way)
		var kills, unfinished, found, repaired atomic.Int64
		t.Cleanup(func() {
			t.Logf("%s: %d messages, %d kills; left unfinished %d, statements found done %d, indexes repaired %d",
				way, messages, kills.Load(), unfinished.Load(), found.Load(), repaired.Load())
		})
		point := func(t *testing.T, n int, moment string) {
			t.Parallel()
			url := ready(t, way)
			err := migratorAt(t, url, way, n, moment).Run()
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("it was not killed: %v", err)
			}
			kills.Add(1)
			conn := connect(t, url)
			if st, err := migrate.Read(t.Context(), conn, files); err == nil {
				unfinished.Add(int64(len(st.Unfinished)))
			}
			if err := act(t.Context(), conn, files, func(e migrate.Event) {
				switch e.Kind {
				case migrate.Found:
					found.Add(1)
				case migrate.Repairing:
					repaired.Add(1)
				}
			}); err != nil {
				t.Fatalf("the next one: %v (hint: %s)", err, hint(err))
			}
			sameEnd(t, conn, end)
		}
		for n := 1; n <= messages; n++ {
			for _, moment := range moments() {
				t.Run(fmt.Sprintf("%s %s %d", way, moment, n), func(t *testing.T) { point(t, n, moment) })
			}
		}
	}
}

// A migrator that is killed in the middle of a statement keeps the lock only
// until its backend notices; and it is told what it left.
func TestKilled(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn := connect(t, url)
	cmd := migratorAt(t, url, "slow", 0, "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	until(t, "the migrator sleeps in its second file", func() bool {
		return ask[int](t, conn, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event = 'PgSleep'`) == 1
	})
	files := loadFS(t, folder(killed("INSERT INTO a VALUES (3)")...))
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || len(st.Running) != 1 || len(st.Unfinished) != 0 || st.Running[0].FileName() != version(2)+"_b.up.sql" {
		t.Errorf("while it runs: %+v, %v", st, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed: the error is what was asked for
	start := time.Now()
	waited := false
	res, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{
		LockWait: 30 * time.Second,
		Progress: func(e migrate.Event) { waited = waited || e.Kind == migrate.Waiting },
	})
	if err != nil || applied(res) != "2" {
		t.Fatalf("the next one: %+v, %v", res, err)
	}
	took := time.Since(start)
	t.Logf("the lock was free %s after the kill", took.Round(time.Millisecond))
	if took > 5*time.Second || !waited {
		t.Errorf("waited: %t, took %s", waited, took)
	}
	if sum := ask[int](t, conn, "SELECT sum(x)::int FROM a"); sum != 3 {
		t.Errorf("sum %d: the killed file left something", sum)
	}
	history, err := migrate.History(t.Context(), conn)
	if err != nil || len(history) != 3 || history[1].Outcome != migrate.Lost || history[2].Outcome != migrate.Done || history[2].Number != 2 {
		t.Errorf("history %+v, %v", history, err)
	}
}

// migratorAt is a migrator that dies at a point; 0: it lives.
func migratorAt(t *testing.T, url, files string, point int, moment string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this test binary
	cmd.Env = append(os.Environ(), processURL+"="+url, processFiles+"="+files,
		processPoint+"="+strconv.Itoa(point), processMoment+"="+moment)
	cmd.Stderr = io.Writer(t.Output())
	return cmd
}
