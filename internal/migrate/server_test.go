package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgserver"
)

// ownServer is a server of the test's own, which may be killed and filled.
type ownServer struct {
	*pgserver.Server
	t   *testing.T
	dir string
}

func newServer(t *testing.T) *ownServer {
	t.Helper()
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = os.TempDir()
	}
	dir, err := os.MkdirTemp(parent, "af-auth-test-migrate-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server's account must pass through
		t.Fatal(err)
	}
	s := &ownServer{t: t, dir: filepath.Join(dir, "own")}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *ownServer) start() {
	s.t.Helper()
	server, err := pgserver.Start(s.t.Context(), pgserver.Options{Dir: s.dir, Ephemeral: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Server = server
}

func (s *ownServer) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = s.Stop(ctx) // it may be killed already
}

// kill ends the postmaster with -9, and then the process of a session, which
// would otherwise work on until it next waits for its client.
func (s *ownServer) kill(session *pgx.Conn) {
	for _, pid := range []int{s.PID(), int(session.PgConn().PID())} {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// owner returns the account that the server runs under.
func (s *ownServer) owner() (uid, gid uint32) {
	s.t.Helper()
	data, err := os.Stat(filepath.Join(s.Dir(), "postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	stat, ok := data.Sys().(*syscall.Stat_t)
	if !ok {
		s.t.Fatal("the data has no owner")
	}
	return stat.Uid, stat.Gid
}

// database makes an empty one and returns its URL.
func (s *ownServer) database(name string) string {
	s.t.Helper()
	conn := connect(s.t, s.URL("postgres"))
	run(s.t, conn, "CREATE DATABASE "+name+" TEMPLATE template0")
	_ = conn.Close(s.t.Context())
	return s.URL(name)
}

// TestServerKilledAtEveryPoint kills the server just after each message of a
// migrator, while it works on it. After its recovery the next deployment ends as
// one that nobody disturbed.
func TestServerKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	end, messages := undisturbed(t, "every")
	files := loadFS(t, folder(everyKind()...))
	s := newServer(t)
	kills, unfinished := 0, 0
	for n := 1; n <= messages; n++ {
		name := fmt.Sprintf("d%d", n)
		cfg, err := pgx.ParseConfig(s.database(name))
		if err != nil {
			t.Fatal(err)
		}
		var conn *pgx.Conn
		counter := intercept(cfg, func(at int, moment string) {
			if at == n && moment == "after" {
				s.kill(conn)
			}
		})
		conn, err = pgx.ConnectConfig(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		counter.Store(1)
		_, err = migrate.Deploy(t.Context(), conn, files, migrate.Options{Pause: -1})
		// The last three messages give the lock and the settings back, and their
		// errors change nothing. The answer to the one before them may have left
		// the server before the kill came: both ends are right there.
		last := messages - 3
		if n != last && (err == nil) != (n > last) || err != nil && hint(err) == "" {
			t.Errorf("message %d: %v (hint: %s)", n, err, hint(err))
		}
		_ = conn.Close(context.Background())
		<-s.Done()
		kills++
		s.start()
		again := connect(t, s.URL(name))
		if st, err := migrate.Read(t.Context(), again, files); err == nil {
			unfinished += len(st.Unfinished)
		}
		if _, err := migrate.Deploy(t.Context(), again, files, migrate.Options{Pause: -1}); err != nil {
			t.Fatalf("message %d: the next one: %v (hint: %s)", n, err, hint(err))
		}
		sameEnd(t, again, end)
		_ = again.Close(context.Background())
	}
	t.Logf("%d messages, %d kills of the server; left unfinished %d", messages, kills, unfinished)
}

// A disk without room, by a limit on the size of files: the file is taken back,
// and goes through once there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	url := s.database("d")
	files := load(t, "CREATE TABLE a (x text)", "INSERT INTO a SELECT repeat(md5(g::text), 20) FROM generate_series(1, 100000) g", "CREATE TABLE c ()")
	limit := func(size string) {
		t.Helper()
		cmd := exec.Command("prlimit", "--pid", strconv.Itoa(s.PID()), "--fsize="+size+":") //nolint:gosec // our own server
		if uid, gid := s.owner(); int(uid) != os.Getuid() {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("prlimit: %v: %s", err, out)
		}
	}
	limit(strconv.Itoa(20 << 20)) // a segment of the WAL has 16 MB
	conn := connect(t, url)
	res, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{})
	var se *migrate.SQLError
	if !errors.As(err, &se) || applied(res) != "1" || !strings.Contains(se.Message, "could not extend file") || !strings.Contains(hint(err), "nothing of this file was kept") ||
		!strings.Contains(hint(err), "Check free disk space") || !strings.Contains(hint(err), "deploy again") {
		t.Fatalf("%+v, %v (hint: %s)", res, err, hint(err))
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || len(st.Failed) != 1 || st.Failed[0].Line != 3 {
		t.Errorf("state %+v, %v", st, err)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM a"); n != 0 {
		t.Errorf("%d rows stayed", n)
	}
	limit("unlimited")
	if res, err := migrate.Deploy(t.Context(), connect(t, url), files, migrate.Options{}); err != nil || applied(res) != "2 3" {
		t.Errorf("with room: %+v, %v", res, err)
	}
}

// A replica can be looked at, and is not migrated.
func TestReplica(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	url := s.database("d")
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()")
	conn := connect(t, url)
	if _, err := migrate.Deploy(t.Context(), conn, files[:1], migrate.Options{Shape: shape}); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
	s.stop()
	signal := filepath.Join(s.Dir(), "postgres", "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if uid, gid := s.owner(); int(uid) != os.Getuid() {
		if err := os.Chown(signal, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	conn = connect(t, url)
	if !ask[bool](t, conn, "SELECT pg_is_in_recovery()") {
		t.Fatal("the server is no replica")
	}
	if st, err := migrate.Read(t.Context(), conn, files); err != nil || len(st.Applied) != 1 || len(st.Pending) != 1 {
		t.Errorf("Read: %+v, %v", st, err)
	}
	if _, err := migrate.Deploy(t.Context(), conn, files[:1], migrate.Options{Shape: shape}); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	for name, try := range map[string]func() error{
		"deploy":   func() error { _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); return err },
		"rollback": func() error { _, err := migrate.Rollback(t.Context(), conn, files, "", migrate.Options{}); return err },
		"resolve": func() error {
			_, err := migrate.Resolve(t.Context(), conn, files, migrate.Claim{Which: "m2", Mark: migrate.MarkApplied, Force: true}, migrate.Options{})
			return err
		},
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), "read-only replica") || !strings.Contains(hint(err), "connect to the primary") {
			t.Errorf("%s: %v (hint: %s)", name, err, hint(err))
		}
	}
}
