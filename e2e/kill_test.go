//go:build linux

// Processes are found in /proc. Elsewhere internal/pgserver's own tests kill the
// private PostgreSQL.

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// backWithin is how soon sign-ins work again after a blow.
	backWithin = 30 * time.Second
	// orphansWithin is how long PostgreSQL may outlive a killed af-auth.
	orphansWithin = 10 * time.Second
	// crowd is how many people sign in at once.
	crowd = 4
)

// TestSoakKilled kills af-auth and its private PostgreSQL with SIGKILL, again
// and again, at random moments while people sign in. Every sign-in that was
// acknowledged, by a redirect with a session cookie, must still be known;
// PostgreSQL must not outlive af-auth; and nothing has to be mended by hand.
func TestSoakKilled(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano()) // #nosec G115 -- any number does
	if given, err := strconv.ParseUint(os.Getenv("KILL_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("KILL_SEED=%d chooses these blows again", seed)
	v := newVictim(t, rand.New(rand.NewPCG(seed, 0))) // #nosec G404 -- it has to be repeatable
	v.start(t)
	people := v.crowdIn()
	t.Cleanup(people.leave)
	blows := []struct {
		name   string
		strike func(*testing.T)
	}{
		{"af-auth", v.killProgram},
		{"the postmaster", v.killPostmaster},
		{"af-auth, and again while it starts", v.killStarting},
		{"a backend", v.killBackend},
	}
	for n := range rounds(t, 20, 50) {
		v.awaitMore(t, people, 1+v.dice.IntN(30))
		<-time.After(time.Duration(v.dice.Int64N(int64(15 * time.Millisecond)))) // between any two steps
		blow := blows[n%len(blows)]
		before := len(people.acknowledged())
		began := time.Now()
		blow.strike(t)
		// Those who were under way may still come in by the old server.
		v.awaitMore(t, people, crowd+1)
		all := people.acknowledged()
		t.Logf("%2d: killed %s after %d sign-ins; works again after %v", n+1, blow.name, before, time.Since(began).Round(time.Millisecond))
		v.remembers(t, all[max(0, len(all)-100):]) // all of them at the end
	}
	people.leave()
	all := people.acknowledged()
	v.remembers(t, all)
	v.stop(t)
	t.Logf("%d sign-ins were acknowledged, and none was lost", len(all))
}

// victim is an `af-auth dev` that is killed and started again on the same ports.
type victim struct {
	data   string
	port   int
	dice   *rand.Rand
	log    *syncBuffer
	client *http.Client

	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd is gone
}

func newVictim(t *testing.T, dice *rand.Rand) *victim {
	t.Helper()
	v := &victim{data: filepath.Join(openFolder(t), ".af-auth"), dice: dice, log: &syncBuffer{}, client: plainClient()}
	v.port = v.freePorts(t, 3)
	t.Cleanup(func() {
		if v.cmd != nil {
			v.kill()
			eventually(t, "the end of PostgreSQL", orphansWithin, func() bool { return len(postgresIn(t, v.data)) == 0 })
		}
		if t.Failed() {
			t.Logf("af-auth dev wrote:\n%s", lastLines(v.log.String(), 12))
		}
	})
	return v
}

// freePorts returns the first of n neighbouring ports that are free. They lie
// below those that the kernel gives away by itself, so that nobody, and not our
// own clients either, takes one while its server is dead.
func (v *victim) freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		first := 20_000 + v.dice.IntN(10_000)
		free := 0
		for ; free < n; free++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+free))
			if err != nil {
				break
			}
			_ = l.Close()
		}
		if free == n {
			return first
		}
	}
	t.Fatal("found no free ports")
	return 0
}

func (v *victim) url() string { return fmt.Sprintf("http://127.0.0.1:%d", v.port) }

// launch starts the program; ready is closed when it says that it is, and stays
// open when it ends before.
func (v *victim) launch(t *testing.T) (ready <-chan product) {
	t.Helper()
	v.cmd = exec.Command(program, "dev", "--data", v.data, "--port", strconv.Itoa(v.port), "--json")
	v.cmd.Dir, v.cmd.Stderr = filepath.Dir(v.data), v.log
	v.cmd.Env = append(cleanEnv(), "AF_AUTH_SIGN_IN_RATE=10000")
	v.cmd.WaitDelay = stopWithin
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, ended := make(chan product, 1), make(chan struct{})
	v.ended = ended
	go func(cmd *exec.Cmd) {
		defer close(ended)
		var links product
		if line, err := bufio.NewReader(out).ReadBytes('\n'); err == nil && json.Unmarshal(line, &links) == nil {
			said <- links
		}
		_ = cmd.Wait()
	}(v.cmd)
	return said
}

// start starts the program and waits until it is ready, on the same port.
func (v *victim) start(t *testing.T) {
	t.Helper()
	ready := v.launch(t)
	select {
	case links := <-ready:
		if trimSlash(links.AuthURL) != v.url() {
			t.Fatalf("af-auth dev is at %s, want %s", links.AuthURL, v.url())
		}
	case <-v.ended:
		t.Fatalf("af-auth dev does not start again: %v", v.cmd.ProcessState)
	case <-time.After(startWithin):
		t.Fatalf("af-auth dev is not ready after %v", startWithin)
	}
}

// kill ends the program with SIGKILL and waits for it, but not for its children.
func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	<-v.ended
}

// stop is Ctrl-C.
func (v *victim) stop(t *testing.T) {
	t.Helper()
	if err := v.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-v.ended:
	case <-time.After(stopWithin):
		t.Fatalf("af-auth dev still runs %v after an interrupt", stopWithin)
	}
	if code := v.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("af-auth dev: exit code %d", code)
	}
	if left := postgresIn(t, v.data); len(left) > 0 {
		t.Errorf("PostgreSQL outlives af-auth dev: processes %v", left)
	}
}

// killProgram kills af-auth. Half of the time the end of its PostgreSQL is
// awaited; otherwise the next start finds it still shutting down.
func (v *victim) killProgram(t *testing.T) {
	t.Helper()
	v.kill()
	if v.dice.IntN(2) == 0 {
		eventually(t, "the end of the killed af-auth's PostgreSQL", orphansWithin, func() bool { return len(postgresIn(t, v.data)) == 0 })
	}
	v.start(t)
}

// killStarting kills af-auth, starts it, and kills it before it is ready.
func (v *victim) killStarting(t *testing.T) {
	t.Helper()
	v.kill()
	ready := v.launch(t)
	select {
	case <-ready:
	case <-time.After(time.Duration(v.dice.Int64N(int64(400 * time.Millisecond)))):
	}
	v.killProgram(t)
}

// killPostmaster kills PostgreSQL's first process. af-auth starts it again.
func (v *victim) killPostmaster(t *testing.T) {
	t.Helper()
	former := v.postmaster(t)
	strike(t, former)
	eventually(t, "another PostgreSQL", backWithin, func() bool {
		pid := v.postmaster(t)
		return pid != 0 && pid != former
	})
	v.lives(t)
}

// killBackend kills one of PostgreSQL's children, at which it ends the others
// and recovers by itself.
func (v *victim) killBackend(t *testing.T) {
	t.Helper()
	postmaster := v.postmaster(t)
	former := childrenOf(t, postmaster)
	if len(former) == 0 {
		t.Fatal("PostgreSQL has no children")
	}
	eventually(t, "the end of PostgreSQL's other processes", backWithin, func() bool {
		there := childrenOf(t, postmaster)
		former = slices.DeleteFunc(former, func(pid int) bool { return !slices.Contains(there, pid) })
		if len(former) == 0 {
			return true
		}
		// One that had just ended by itself was no blow: the next one is.
		strike(t, former[v.dice.IntN(len(former))])
		return false
	})
	if pid := v.postmaster(t); pid != postmaster {
		t.Errorf("PostgreSQL's first process is %d now, and was %d", pid, postmaster)
	}
	v.lives(t)
}

// lives fails when af-auth has ended.
func (v *victim) lives(t *testing.T) {
	t.Helper()
	select {
	case <-v.ended:
		t.Fatalf("af-auth dev ended with its PostgreSQL: %v", v.cmd.ProcessState)
	default:
	}
}

// postmaster reads the process id from the data folder; 0 while there is none.
func (v *victim) postmaster(t *testing.T) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(v.data, "postgres", "postmaster.pid"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// remembers asks for each session: its owner must still be known, as waiting.
// While PostgreSQL still recovers the gate answers 503, which says nothing.
func (v *victim) remembers(t *testing.T, sessions []session) {
	t.Helper()
	for _, s := range sessions {
		var status int
		var answer string
		eventually(t, "an answer of the gate", backWithin, func() bool {
			status, answer = v.ask(t, s)
			return status != http.StatusServiceUnavailable
		})
		if status != http.StatusForbidden || !strings.Contains(answer, `"access":"waiting"`) {
			t.Errorf("the sign-in of %s was acknowledged, and is lost: %d %s", s.login, status, answer)
		}
	}
}

func (v *victim) ask(t *testing.T, s session) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url()+"/auth/verify", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(s.cookie)
	res, err := v.client.Do(r)
	if err != nil {
		t.Fatalf("asking for %s: %v", s.login, err)
	}
	return res.StatusCode, body(t, res)
}

// awaitMore waits until n more sign-ins are acknowledged.
func (v *victim) awaitMore(t *testing.T, c *people, n int) {
	t.Helper()
	target := len(c.acknowledged()) + n
	eventually(t, "more sign-ins", backWithin, func() bool {
		v.lives(t)
		return len(c.acknowledged()) >= target
	})
}
