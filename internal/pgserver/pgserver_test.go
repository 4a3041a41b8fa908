package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestServer walks through a durable server's life, as af-auth dev leads it.
func TestServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	port := freePort(t)
	s := start(t, Options{Dir: dir, Port: port, Settings: map[string]string{"work_mem": "5MB"}})

	for setting, want := range map[string]string{
		"data_checksums":                   "on",
		"fsync":                            "on",
		"listen_addresses":                 "127.0.0.1",
		"port":                             strconv.Itoa(port),
		"shared_buffers":                   "64MB",
		"max_connections":                  "100",
		"TimeZone":                         "UTC",
		"server_encoding":                  "UTF8",
		"client_connection_check_interval": "500ms",
		"password_encryption":              "scram-sha-256",
		"work_mem":                         "5MB",
	} {
		if got := query(t, s.URL("postgres"), "select current_setting('"+setting+"')"); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := query(t, s.TCPURL("postgres"), "select host(inet_server_addr())"); got != "127.0.0.1" {
		t.Errorf("TCPURL leads to %s", got)
	}
	if group, err := syscall.Getpgid(s.PID()); err != nil || group != s.PID() {
		t.Errorf("process group %d of server %d (%v): Ctrl-C would reach it before us", group, s.PID(), err)
	}
	for _, u := range []string{s.URL("postgres"), s.TCPURL("postgres")} {
		refuseWithoutPassword(t, u)
	}
	checkModes(t, s.Dir())

	running, err := Lookup(dir)
	if err != nil {
		t.Fatal(err)
	}
	if running.URL("x") != s.URL("x") || running.TCPURL("x") != s.TCPURL("x") {
		t.Errorf("Lookup found %v, want %v", running, s.Address)
	}
	if text := fmt.Sprintf("%v %+v %s", running, running, running); strings.Contains(text, running.password) {
		t.Errorf("printed, an address shows its password: %s", text)
	}

	execute(t, s.URL("postgres"), "create table kept as select 'yes' as answer")
	stop(t, s)
	<-s.Done()
	if err := s.Err(); err != nil {
		t.Errorf("after Stop Err is %v", err)
	}
	stop(t, s) // again, without harm
	if _, err := Lookup(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Lookup after Stop: %v", err)
	}

	again := start(t, Options{Dir: dir})
	if got := query(t, again.URL("postgres"), "select answer from kept"); got != "yes" {
		t.Errorf("kept: %q", got)
	}
	if got := query(t, again.URL("postgres"), "show listen_addresses"); got != "" {
		t.Errorf("listens on %q, TCP was not asked for", got)
	}
	if again.TCPURL("postgres") != "" {
		t.Errorf("TCPURL is %q without TCP", again.TCPURL("postgres"))
	}
	if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
		_ = conn.Close()
		t.Error("the former TCP port still answers")
	}
}

func refuseWithoutPassword(t *testing.T, raw string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(superuser, "wrong")
	if err := pingURL(t, u.String()); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("with a wrong password %s answers %v, want SQLSTATE 28P01", u.Redacted(), err)
	}
}

func TestSecondStartNamesTheHolder(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := startHelper(t, helperTask{Dir: dir})
	url := first.answer(t).URL

	_, err := Start(t.Context(), Options{Dir: dir, Ephemeral: true})
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("the second start answers %v, want a LockedError", err)
	}
	if locked.PID != first.cmd.Process.Pid {
		t.Errorf("it names process %d, the holder is %d", locked.PID, first.cmd.Process.Pid)
	}
	if pid := strconv.Itoa(locked.PID); !strings.Contains(err.Error(), pid) || !strings.Contains(locked.Hint(), pid) {
		t.Errorf("error %q, hint %q: the process is not named", err, locked.Hint())
	}
	if got := query(t, url, "select 'well'"); got != "well" {
		t.Errorf("the first server answers %q", got)
	}
	if _, err := Lookup(dir); err != nil {
		t.Errorf("Lookup of another process's server: %v", err)
	}
}

func TestStopGivesUpWaiting(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{Dir: dir, Ephemeral: true})
	execute(t, s.URL("postgres"), "create table kept as select 'yes' as answer")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	// Either the fast shutdown was quicker, or the error says what happened.
	if err := s.Stop(over); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
	<-s.Done()
	again := start(t, Options{Dir: dir, Ephemeral: true})
	if got := query(t, again.URL("postgres"), "select answer from kept"); got != "yes" {
		t.Errorf("kept: %q", got)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for _, test := range []struct {
		name    string
		options Options
		files   map[string]string // in Dir, beforehand
		want    string            // part of the error
	}{
		{name: "no folder", want: "no folder"},
		{name: "port too big", options: Options{Dir: folder(t), Port: 65536}, want: "65536 is no TCP port"},
		{name: "negative port", options: Options{Dir: folder(t), Port: -1}, want: "-1 is no TCP port"},
		{name: "a setting of ours", want: "listen_addresses",
			options: Options{Dir: folder(t), Settings: map[string]string{"listen_addresses": "*"}}},
		{name: "an unknown setting", want: "no_such_setting",
			options: Options{Dir: folder(t), Ephemeral: true, Settings: map[string]string{"no_such_setting": "1"}}},
		{name: "port taken", want: "is taken by another program",
			options: Options{Dir: folder(t), Ephemeral: true, Port: taken.Addr().(*net.TCPAddr).Port}},
		{name: "another version's data", want: "made by PostgreSQL 13, but the programs in",
			options: Options{Dir: folder(t)}, files: map[string]string{"postgres/PG_VERSION": "13\n"}},
		{name: "ancient data", want: `PG_VERSION says "9.6`,
			options: Options{Dir: folder(t)}, files: map[string]string{"postgres/PG_VERSION": "9.6\n"}},
		{name: "files that are no data", want: "file exists",
			options: Options{Dir: folder(t), Ephemeral: true}, files: map[string]string{"postgres/mine": ""}},
		{name: "password lost", want: "password",
			options: Options{Dir: folder(t)}, files: map[string]string{"postgres/PG_VERSION": strconv.Itoa(major(t))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for name, content := range test.files {
				path := filepath.Join(test.options.Dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := Start(t.Context(), test.options)
			if err == nil {
				stop(t, s)
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want %q in it", err, test.want)
			}
			if hinted := (interface{ Hint() string })(nil); errors.As(err, &hinted) && hinted.Hint() == "" {
				t.Error("an empty hint")
			}
			for name := range test.files {
				if _, err := os.Stat(filepath.Join(test.options.Dir, name)); err != nil {
					t.Errorf("what was there is gone: %v", err)
				}
			}
		})
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Start(ctx, Options{Dir: dir, Ephemeral: true}); !errors.Is(err, context.Canceled) {
		if err == nil {
			stop(t, s)
		}
		t.Errorf("Start answers %v", err)
	}
	start(t, Options{Dir: dir, Ephemeral: true}) // nothing stands in the way
}
