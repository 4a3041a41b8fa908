package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestParentKilled kills the process that runs the server, again and again:
// each time the server ends by itself, and the next process finds everything
// that was acknowledged. In every other round that process does not wait for
// the former server to be gone.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	for round := range 6 {
		h := startHelper(t, helperTask{Dir: dir})
		a := h.answer(t)
		execute(t, a.URL, "create table if not exists acknowledged (round int)")
		if got := query(t, a.URL, "select count(*)::text from acknowledged"); got != strconv.Itoa(round) {
			t.Fatalf("round %d: %s rows are left", round, got)
		}
		conn := connect(t, a.URL)
		if _, err := conn.Exec(t.Context(), "insert into acknowledged values ($1)", round); err != nil {
			t.Fatal(err)
		}
		h.kill()
		if round%2 == 0 {
			eventually(t, "the server of a killed process ends", func() bool { return gone(a.PID) })
			if pids, err := serversOf(filepath.Join(dir, "postgres")); err != nil || len(pids) > 0 {
				t.Errorf("round %d: orphans %v, %v", round, pids, err)
			}
		}
	}
}

// TestServerKilled kills the postmaster while a client keeps a backend busy,
// which does not notice: it is ended before the data is used again.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	o := Options{Dir: dir, Ephemeral: true, patience: 100 * time.Millisecond}
	for round := range 3 {
		s := start(t, o)
		url := s.URL("postgres")
		execute(t, url, "create table if not exists acknowledged (round int)")
		if got := query(t, url, "select count(*)::text from acknowledged"); got != strconv.Itoa(round) {
			t.Fatalf("round %d: %s rows are left", round, got)
		}
		execute(t, url, fmt.Sprintf("insert into acknowledged values (%d)", round))
		connect(t, url).PgConn().Exec(t.Context(), busyQuery) // sent; the answer never comes
		eventually(t, "the backend is busy", func() bool {
			return query(t, url, "select count(*)::text from pg_stat_activity where state = 'active' and query like 'do %'") == "1"
		})
		if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-s.Done()
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), "killed") || !strings.Contains(err.Error(), strconv.Itoa(s.PID())) {
			t.Errorf("Err is %v", err)
		}
		if _, err := Lookup(dir); err == nil {
			t.Error("Lookup finds a dead server")
		}
	}
	start(t, o)
}

// busyQuery keeps a backend computing, with no moment of waiting in which it
// would notice that its postmaster is gone.
const busyQuery = `do $$ declare n bigint := 0; begin loop n := n + 1; end loop; end $$`

// TestInitdbKilled kills the process at several moments of making the cluster.
func TestInitdbKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	for _, moment := range []string{
		"init-*", "init-*/data/PG_VERSION", "init-*/data/global/pg_control", "init-*/data/base/1/112", "init-*/data/base/4",
	} {
		h := startHelper(t, helperTask{Dir: dir})
		eventually(t, moment+" is there", func() bool {
			found, err := filepath.Glob(filepath.Join(dir, moment))
			return err == nil && len(found) > 0
		})
		h.kill()
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			t.Errorf("%s: half a cluster is in place", moment)
		}
	}
	s := start(t, Options{Dir: dir, Ephemeral: true})
	if got := query(t, s.URL("postgres"), "select 'well'"); got != "well" {
		t.Errorf("got %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "init-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFormerServerHangs stops a server in its tracks before its parent is
// killed, so that it cannot heed any polite signal.
func TestFormerServerHangs(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	h := startHelper(t, helperTask{Dir: dir})
	a := h.answer(t)
	if err := syscall.Kill(a.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	h.kill()
	s := start(t, Options{Dir: dir, Ephemeral: true, patience: 50 * time.Millisecond})
	eventually(t, "the former server is gone", func() bool { return gone(a.PID) })
	if got := query(t, s.URL("postgres"), "select 'well'"); got != "well" {
		t.Errorf("got %q", got)
	}
}

// TestForeignServer has somebody else serve the data by hand: that server is
// named and left alone.
func TestForeignServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Ephemeral: true})
	stop(t, s)
	bin, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	cmd := s.home.command(bin, "postgres", "-D", s.home.data(), "-c", "listen_addresses=", "-c", "unix_socket_directories="+s.home.data())
	cmd.Dir = s.home.data()
	foreign, err := startChild(cmd, syscall.SIGQUIT)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(foreign.quit)
	eventually(t, "the foreign server is ready", func() bool {
		_, ready := readPostmasterPID(s.home.pidFile())
		return ready
	})
	_, err = Start(t.Context(), Options{Dir: dir, Ephemeral: true, patience: 50 * time.Millisecond})
	if pid := strconv.Itoa(cmd.Process.Pid); err == nil || !strings.Contains(err.Error(), pid) {
		t.Errorf("Start answers %v, want process %s named", err, pid)
	}
	if gone(cmd.Process.Pid) {
		t.Error("the foreign server was ended")
	}
}

// TestStalePID leaves a postmaster.pid whose process id belongs to somebody
// else by now, as after a restart of the machine. PostgreSQL alone refuses.
func TestStalePID(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Ephemeral: true})
	stop(t, s)
	other := s.home.command(Binaries{Dir: "/bin"}, "sleep", "1000")
	c, err := startChild(other, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	for name, content := range map[string]string{
		"somebody else's": fmt.Sprintf("%d\n%s\n1700000000\n5432\n/tmp\n\n  1 1\nready   \n", other.Process.Pid, s.home.data()),
		"half written":    "12",
		"empty":           "",
		"garbage":         "\x00\xff\n\n",
	} {
		if err := os.WriteFile(s.home.pidFile(), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := Start(t.Context(), Options{Dir: dir, Ephemeral: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		stop(t, again)
	}
	if gone(other.Process.Pid) {
		t.Error("an innocent process was ended")
	}
}

// TestGuard is the way of systems whose kernel does not end children.
func TestGuard(t *testing.T) {
	t.Parallel()
	h := startHelper(t, helperTask{Guard: true})
	pid := h.answer(t).PID
	if gone(pid) {
		t.Fatal("the child is gone too early")
	}
	h.kill()
	eventually(t, "the guard ends the child", func() bool { return gone(pid) })
}

// TestGuardLetsGo ends the child in good order: the guard ends too, and signals
// nobody.
func TestGuardLetsGo(t *testing.T) {
	t.Parallel()
	c := &child{cmd: exec.Command("sleep", "1000"), done: make(chan struct{})}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.guard(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
	close(c.done)
}

// TestEnvironment plants secrets and PostgreSQL's own variables around us.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"PGDATA", "PGHOST", "PGPASSWORD", "PGOPTIONS", "DATABASE_URL", "GITHUB_CLIENT_SECRET"} {
		t.Setenv(name, "planted")
	}
	allowed := []string{"PATH", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
	for _, entry := range environment() {
		if name, _, _ := strings.Cut(entry, "="); !slices.Contains(allowed, name) {
			t.Errorf("%s is handed on", entry)
		}
	}
}

func FuzzParsePostmasterPID(f *testing.F) {
	f.Add("4711\n/data\n1700000000\n5432\n/run\n\n  1 1\nready   \n")
	f.Add("-4711\n")
	f.Add("")
	f.Add("99999999999999999999\n\n\n\n\n\n\nready")
	f.Fuzz(func(t *testing.T, content string) {
		pid, ready := parsePostmasterPID(content)
		if pid < 0 || ready && pid == 0 {
			t.Errorf("%q: process %d, ready %v", content, pid, ready)
		}
	})
}
