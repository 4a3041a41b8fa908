package e2e

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// lease is how long a server may decide from memory without hearing.
const lease = time.Second

// person is somebody allowed with a session on the application.
type person struct {
	githubID int64
	cookie   string
}

// hash is what the database keeps of the cookie.
func (p person) hash() []byte {
	sum := sha256.Sum256([]byte(p.cookie))
	return sum[:]
}

// newPerson is not in the database yet.
func newPerson(githubID int64) person {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return person{githubID, base64.RawURLEncoding.EncodeToString(b[:])}
}

// come lets somebody in who has not been there before: allowed, and signed in
// on the application.
func (p person) come(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `WITH u AS (INSERT INTO users (github_user_id, login, is_whitelisted) VALUES ($1::bigint, 'p' || $1::bigint::text, true) RETURNING id)
		INSERT INTO sessions (token_hash, user_id, host, expires_at) SELECT $2, id, $3, now() + interval '1 day' FROM u`,
		p.githubID, p.hash(), hostOf(appOrigin))
	return err
}

// reading is one question to a server and its answer.
type reading struct {
	door       int
	cookie     string
	start, end time.Time
	status     int
}

// ask asks a server's gate for a person. An answer that does not come is status 0.
func (w *world) ask(ctx context.Context, client *http.Client, door int, cookie string) (r reading) {
	r = reading{door: door, cookie: cookie}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.doors[door].address+"/auth/verify", nil)
	if err != nil {
		return r
	}
	req.Host = hostOf(appOrigin)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cookie", "__Host-af_auth="+cookie)
	r.start = time.Now()
	res, err := client.Do(req)
	r.end = time.Now()
	if err != nil {
		return r
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	r.status = res.StatusCode
	return r
}

// pollers ask all servers without end, and keep each answer.
type pollers struct {
	stop func()

	mu   sync.Mutex
	list []reading
}

// asking lets one client a person and server ask until stop.
func (w *world) asking(t *testing.T, people ...person) *pollers {
	t.Helper()
	a := &pollers{}
	ctx, cancel := context.WithCancel(t.Context())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second}
	var all sync.WaitGroup
	for door := range w.doors {
		for _, p := range people {
			all.Go(func() {
				pace := time.NewTicker(2 * time.Millisecond)
				defer pace.Stop()
				for ctx.Err() == nil {
					// A question that was asked is heard to its end.
					r := w.ask(context.WithoutCancel(ctx), client, door, p.cookie)
					a.mu.Lock()
					a.list = append(a.list, r)
					a.mu.Unlock()
					<-pace.C
				}
			})
		}
	}
	a.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(a.stop)
	return a
}

// read returns the answers so far.
func (a *pollers) read() []reading {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.list)
}

// answeredSince counts the answers to questions that were asked to a server
// after a moment.
func (a *pollers) answeredSince(door int, at time.Time) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range slices.Backward(a.list) {
		if r.door == door && r.start.After(at) {
			n++
		}
	}
	return n
}

// state is what a server tells of its gate.
type state struct {
	memory, database, sessions float64
	leased                     bool
	// asked is when it was asked for: the state is of this moment or a later one.
	asked time.Time
}

func (w *world) state(t *testing.T, door int) state {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.doors[door].address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = hostOf(ownOrigin)
	req.Header.Set("Authorization", "Bearer "+w.metricsToken)
	s := state{asked: time.Now()}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text := body(t, res)
	value := func(name string) (n float64) {
		for line := range strings.Lines(text) {
			if v, ok := strings.CutPrefix(line, name+" "); ok {
				_, _ = fmt.Sscan(v, &n)
				return n
			}
		}
		t.Fatalf("server %d has no %s: %d %.200s", door, name, res.StatusCode, text)
		return 0
	}
	s.memory, s.database = value(`af_auth_gate_answers_total{from="memory"}`), value(`af_auth_gate_answers_total{from="database"}`)
	s.sessions, s.leased = value("af_auth_gate_memory_sessions"), value("af_auth_gate_memory_leased") == 1
	return s
}

// remembering waits until all servers answer from memory, and returns how long
// that took.
func (w *world) remembering(t *testing.T, what string) time.Duration {
	t.Helper()
	begun := time.Now()
	for door := range w.doors {
		before := w.state(t, door).memory
		eventually(t, fmt.Sprintf("%s: server %d answers from memory", what, door), 30*time.Second, func() bool {
			s := w.state(t, door)
			return s.leased && s.memory > before
		})
	}
	return time.Since(begun)
}
