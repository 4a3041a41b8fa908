//go:build linux

package e2e

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/pgserver"
)

// ownServer is a PostgreSQL that a test may stop, pause and promote.
type ownServer struct {
	*pgserver.Server
	dir string
}

// startServer starts the server of a folder, which is given data first where it
// has none.
func startServer(t *testing.T, dir string) *ownServer {
	t.Helper()
	server, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &ownServer{Server: server, dir: dir}
	t.Cleanup(func() {
		s.proceed(t)
		s.stop(t)
	})
	return s
}

// newServer is a server with af-auth's schema in its database "postgres".
func newServer(t *testing.T) *ownServer {
	t.Helper()
	s := startServer(t, filepath.Join(openFolder(t), "pg"))
	cmd := exec.CommandContext(t.Context(), program, "db", "migrate", "deploy", "--yes")
	cmd.Dir, cmd.Env = t.TempDir(), append(cleanEnv(), "DATABASE_URL="+s.URL("postgres"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s
}

func (s *ownServer) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// crash is pg_ctl stop -m immediate: what was committed comes back by recovery.
func (s *ownServer) crash(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(s.PID(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
}

// pause stops all of the server's processes where they are: connections stay,
// and nothing is answered.
func (s *ownServer) pause(t *testing.T) {
	t.Helper()
	// The postmaster first: then it has no more children than are seen.
	signal(t, syscall.SIGSTOP, s.PID())
	signal(t, syscall.SIGSTOP, childrenOf(t, s.PID())...)
}

func (s *ownServer) proceed(t *testing.T) {
	t.Helper()
	select {
	case <-s.Done(): // its numbers may be others' by now
		return
	default:
	}
	signal(t, syscall.SIGCONT, append(childrenOf(t, s.PID()), s.PID())...)
}

// signal signals processes, some of which may have ended.
func signal(t *testing.T, sig syscall.Signal, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && err != syscall.ESRCH {
			t.Fatalf("%v to %d: %v", sig, pid, err)
		}
	}
}

// standby copies the server and lets the copy follow it, through the wire.
func (s *ownServer) standby(t *testing.T) (copied *ownServer, way *wire) {
	t.Helper()
	way = newWireTo(t, s.URL("postgres"))
	dir := filepath.Join(openFolder(t), "pg")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	bin, err := pgserver.Find()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "postgres")
	backup := exec.CommandContext(t.Context(), filepath.Join(bin.Dir, "pg_basebackup"), "--pgdata="+data, "--dbname="+way.url(t, s.URL("postgres")),
		"--checkpoint=fast", "--write-recovery-conf", "--no-sync")
	backup.Env = cleanEnv()
	if out, err := backup.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	likeFolder(t, s.Dir(), dir)
	likeFolder(t, filepath.Join(s.Dir(), "postgres"), data)
	password, err := os.ReadFile(filepath.Join(s.Dir(), "password"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "password"), password, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return startServer(t, dir), way
}

// likeFolder gives a folder, and what is in it, the owner and the mode of another:
// as root, PostgreSQL runs under an account of its own.
func likeFolder(t *testing.T, pattern, dir string) {
	t.Helper()
	info, err := os.Stat(pattern)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
	if err == nil {
		err = os.Chmod(dir, info.Mode().Perm())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestLeaseOfAServerInTrouble: PostgreSQL that is paused, started again or
// killed, with the servers' connections to it.
func TestLeaseOfAServerInTrouble(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	again := func(_ *testing.T, _ *scene) { server = startServer(t, server.dir) } // it outlives the part of the test
	for _, c := range []struct {
		name string
		fault
	}{
		{"paused", fault{begin: func(t *testing.T, _ *scene) { server.pause(t) }, end: func(t *testing.T, _ *scene) { server.proceed(t) }}},
		{"started again", fault{begin: func(t *testing.T, _ *scene) { server.stop(t) }, end: again}},
		{"killed", fault{begin: func(t *testing.T, _ *scene) { server.crash(t) }, end: again}},
	} {
		c.answers, c.late = http.StatusServiceUnavailable, true
		t.Run(c.name, func(t *testing.T) {
			s := stage(t, server.URL("postgres"))
			s.suffer(t, c.fault)
			s.w.exec(t, `TRUNCATE users, sessions, instances CASCADE`)
		})
	}
}

// TestLeaseAfterPromotion: another server takes the primary's place. What was
// remembered of the former one is dropped, and what its connections say is not
// kept, even where it lives on.
func TestLeaseAfterPromotion(t *testing.T) {
	t.Parallel()
	for name, livesOn := range map[string]bool{"the former one is dead": false, "the former one lives on": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			former := newServer(t)
			s := stage(t, former.URL("postgres"))
			follower, way := former.standby(t)
			eventually(t, "the standby follows", 10*time.Second, func() bool {
				return s.w.value(t, `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()`) == "1"
			})
			s.w.remembering(t, "before")
			way.set(torn)
			begun := time.Now()
			// The former primary alone knows of it. That is lost with it, as a
			// standby that lags is: here the person may come in again, by the word
			// of the new primary and not by memory.
			s.revoke(t)
			if !livesOn {
				former.crash(t)
			}
			s.w.database = follower.URL("postgres")
			s.w.exec(t, `SELECT pg_promote()`)
			s.listen.lead(t, s.w.database)
			s.pool.lead(t, s.w.database)
			// Connections of the pool to a living former primary stay open.
			s.listen.set(torn)
			s.listen.set(whole)
			for door, d := range s.w.doors {
				eventually(t, "the other server is noticed", 30*time.Second, func() bool {
					return strings.Contains(d.log.String(), "another server or timeline") && s.w.state(t, door).leased
				})
			}
			t.Logf("both decide by the new primary %s after the promotion began", time.Since(begun).Round(time.Millisecond))
			s.w.remembering(t, "after")
			s.obeys(t)
		})
	}
}

// obeys fails unless a revocation by the server that is the primary now is
// obeyed by all.
func (s *scene) obeys(t *testing.T) {
	t.Helper()
	s.w.exec(t, `UPDATE users SET is_whitelisted = false WHERE github_user_id = $1`, s.stays.githubID)
	s.revoke(t)
	if silent := s.w.mark(t, len(s.w.doors)); silent > 0 {
		t.Errorf("%d servers do not confirm", silent)
	}
	confirmed := time.Now()
	for door := range s.w.doors {
		eventually(t, "some answers", 10*time.Second, func() bool { return s.askers.answeredSince(door, confirmed) >= 20 })
	}
	s.askers.stop()
	for _, r := range s.askers.read() {
		if r.start.After(confirmed) && r.status == http.StatusOK {
			t.Errorf("server %d lets somebody in %s after the confirmation", r.door, r.start.Sub(confirmed))
		}
	}
}
