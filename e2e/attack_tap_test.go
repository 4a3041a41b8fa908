package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// tap stands before the simulator. It notes the secrets that pass, so that a
// test can look for them elsewhere, and can hold one door shut.
type tap struct {
	sim http.Handler

	mu    sync.Mutex
	notes map[string]string // what it is → value
	shut  map[string]*shut
}

// shut is a door of GitHub's that does not answer.
type shut struct {
	arrived chan struct{} // closed when somebody waits there
	open    chan struct{} // close it to go on
	once    sync.Once
}

func newTap(sim http.Handler) *tap {
	return &tap{sim: sim, notes: map[string]string{}, shut: map[string]*shut{}}
}

// close lets nobody through at path until the returned channel is closed.
func (p *tap) close(path string) *shut {
	s := &shut{arrived: make(chan struct{}), open: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut[path] = s
	return s
}

// noted is the last secret of a kind that passed.
func (p *tap) noted(kind string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.notes[kind]
}

func (p *tap) note(kind, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if value != "" {
		p.notes[kind] = value
	}
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	door := p.shut[r.URL.Path]
	p.mu.Unlock()
	if door != nil {
		door.once.Do(func() { close(door.arrived) })
		select {
		case <-door.open:
		case <-r.Context().Done():
			return
		}
	}
	if r.URL.Path != "/login/oauth/access_token" {
		p.sim.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if form, err := url.ParseQuery(string(body)); err == nil {
		p.note("code", form.Get("code"))
		p.note("verifier", form.Get("code_verifier"))
	}
	out := &copied{ResponseWriter: w}
	p.sim.ServeHTTP(out, r)
	var token struct {
		Access string `json:"access_token"`
	}
	if json.Unmarshal(out.body.Bytes(), &token) == nil {
		p.note("access token", token.Access)
	}
}

// copied keeps a copy of the answer.
type copied struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copied) Write(b []byte) (int, error) {
	c.body.Write(b)
	return c.ResponseWriter.Write(b)
}
