package githubsim_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/githubsim"
)

const (
	appID     = "Ov23liExample"
	appSecret = "5f0c8d7a6b5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a"
	callback  = "http://127.0.0.1:8080/auth/github/callback"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a simulator that is reached over HTTP, and the real client of it.
type world struct {
	*testing.T
	sim    *githubsim.Sim
	url    string
	client *github.Client
	clock  *clock
}

func newWorld(t *testing.T, change ...func(*githubsim.Options)) *world {
	t.Helper()
	w := &world{T: t, clock: &clock{at: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}}
	o := githubsim.Options{ClientID: appID, ClientSecret: appSecret, RedirectURIs: []string{callback}, Now: w.clock.now}
	for _, f := range change {
		f(&o)
	}
	w.sim = githubsim.New(o)
	s := httptest.NewServer(w.sim)
	t.Cleanup(s.Close)
	w.url = s.URL
	w.client = w.newClient(appSecret, 0)
	return w
}

func (w *world) newClient(secret string, timeout time.Duration) *github.Client {
	w.Helper()
	c, err := github.New(github.Options{BaseURL: w.url, ClientID: appID, ClientSecret: secret, Timeout: timeout})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorizeURL is where af-auth would send the browser.
func (w *world) authorizeURL(scopes ...string) string {
	return w.client.AuthorizeURL(github.Authorize{State: "st/a te", Challenge: challenge(verifier), RedirectURI: callback, Scopes: scopes})
}

// do sends a request without following redirects and reads the answer.
func (w *world) do(method, address string, form url.Values, header ...string) (*http.Response, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp, string(body)
}

// pick posts a choice to the authorize page and returns the callback's query.
func (w *world) pick(address string, form url.Values) url.Values {
	w.Helper()
	resp, body := w.do("POST", address, form)
	if resp.StatusCode != http.StatusFound {
		w.Fatalf("authorize answered %d: %s", resp.StatusCode, body)
	}
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(to.String(), callback+"?") {
		w.Fatalf("the way back is %q", resp.Header.Get("Location"))
	}
	return to.Query()
}

// code signs the person in as far as the callback.
func (w *world) code(login string, scopes ...string) string {
	w.Helper()
	q := w.pick(w.authorizeURL(scopes...), url.Values{"login": {login}})
	if q.Get("code") == "" {
		w.Fatalf("no code: %v", q)
	}
	return q.Get("code")
}

// signIn is the whole flow.
func (w *world) signIn(login string, scopes ...string) github.Token {
	w.Helper()
	tok, err := w.client.Exchange(w.Context(), w.code(login, scopes...), verifier, callback)
	if err != nil {
		w.Fatal(err)
	}
	return tok
}

func expiring(o *githubsim.Options) { o.TokensExpire = true }
