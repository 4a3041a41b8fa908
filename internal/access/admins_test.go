package access_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/github"
)

// answers is a GitHub on no network: it answers by login, and takes note.
type answers struct {
	by    map[string]string // JSON by login; none: 404
	down  atomic.Bool
	calls atomic.Int32
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.calls.Add(1)
	login := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	status, body := http.StatusOK, a.by[login]
	switch {
	case a.down.Load():
		status, body = http.StatusBadGateway, "{}"
	case body == "":
		status, body = http.StatusNotFound, `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`
	}
	w := &memory{header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}}
	_, _ = w.body.WriteString(body)
	return &http.Response{StatusCode: status, Header: w.header, Body: w, Request: r, ContentLength: int64(len(body)), ProtoMajor: 1, ProtoMinor: 1}, nil
}

type memory struct {
	header http.Header
	body   bytes.Buffer
}

func (m *memory) Read(p []byte) (int, error) { return m.body.Read(p) }
func (m *memory) Close() error               { return nil }

// Logins count once GitHub has said whose they are, and never before; a login
// that nobody has is not asked for again.
func TestAdmins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gh := &answers{by: map[string]string{
			"octocat": `{"id":583231,"login":"octocat","type":"User"}`, "acme": `{"id":9,"login":"acme","type":"Organization"}`,
		}}
		gh.down.Store(true)
		client, err := github.New(github.Options{BaseURL: "https://github.example.test", ClientID: "id", ClientSecret: "secret", HTTP: &http.Client{Transport: gh}})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		admins, err := access.NewAdmins(client, slog.New(slog.NewTextHandler(&log, nil)), []string{"octocat", "acme", "nobody", "#42"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		defer end()
		done := make(chan struct{})
		go func() { defer close(done); admins.Run(ctx) }()
		synctest.Wait()
		if !admins.Is(42) || admins.Is(583231) || admins.Is(0) || admins.Is(9) || gh.calls.Load() != 3 {
			t.Errorf("while GitHub is down: #42 %v, octocat %v, %d calls", admins.Is(42), admins.Is(583231), gh.calls.Load())
		}
		gh.down.Store(false)
		<-done // by the clock of the bubble, after the retry
		if !admins.Is(583231) || admins.Is(9) || !admins.Is(42) {
			t.Errorf("afterwards: octocat %v, acme %v, #42 %v", admins.Is(583231), admins.Is(9), admins.Is(42))
		}
		if n := gh.calls.Load(); n != 6 {
			t.Errorf("GitHub was asked %d times, want 6", n)
		}
		for _, want := range []string{"github_id=42", "login=octocat github_id=583231", "is an organization", "knows nobody of this login", "no administrator yet"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, &log)
			}
		}
	})
}

func TestNobodyIsAdministrator(t *testing.T) {
	t.Parallel()
	var none *access.Admins
	empty, err := access.NewAdmins(nil, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*access.Admins{none, empty} {
		if a.Is(583231) || a.Is(0) {
			t.Errorf("%v knows an administrator", a)
		}
	}
	for _, ref := range []string{"", "#0", "00000000-0000-4000-8000-000000000001", "a b"} {
		if _, err := access.NewAdmins(nil, slog.New(slog.DiscardHandler), []string{ref}); err == nil {
			t.Errorf("%q is taken", ref)
		}
	}
}
