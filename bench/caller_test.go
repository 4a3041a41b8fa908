package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// One connection takes one answer after another, whatever they hold.
func TestCaller(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(cookieName)
		if err != nil || r.Host != host || r.URL.Path != "/auth/verify" {
			t.Errorf("%s %s, %v", r.Host, r.URL, err)
			return
		}
		if c.Value == "no" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(strings.Repeat("HTTP/1.1 200 OK\r\n\r\n", 50)))
		}
	}))
	defer server.Close()
	c, err := dial(t.Context(), server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.conn.Close() }()
	for _, ask := range []struct {
		session string
		want    int
	}{{"yes", 200}, {"no", 401}, {"yes", 200}, {"no", 401}} {
		if got, err := c.verify(ask.session); err != nil || got != ask.want {
			t.Errorf("%s: %d, %v", ask.session, got, err)
		}
	}
}

// What we are measured beside does the work that it is there for.
func TestSignedTokens(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"HS256", "RS256"} {
		handler, token, err := signedTokens(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		_, other, err := signedTokens(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		cut := strings.LastIndexByte(token, '.')
		for name, ask := range map[string]struct {
			token string
			want  int
		}{
			"own": {token, 200}, "signed by another key": {other, 401}, "unsigned": {token[:cut+1], 401},
			"another's signature": {token[:cut] + other[strings.LastIndexByte(other, '.'):], 401}, "none": {"", 401},
		} {
			r := httptest.NewRequest(http.MethodGet, "/auth/verify", nil)
			r.AddCookie(&http.Cookie{Name: cookieName, Value: ask.token})
			out := httptest.NewRecorder()
			handler.ServeHTTP(out, r)
			login, _, _ := profile(1)
			if out.Code != ask.want || (out.Header().Get("X-Auth-Request-User") == login) != (ask.want == 200) {
				t.Errorf("%s, %s: %d, %v", algorithm, name, out.Code, out.Header())
			}
		}
	}
}
