package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Whatever af-auth does that is not its contract, nobody comes in.
func TestBrokenAnswersLetNobodyIn(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			sendIdentity(w)
			w.WriteHeader(code)
		}
	}
	for name, verify := range map[string]http.HandlerFunc{
		"500":        status(500),
		"503":        status(503),
		"204":        status(204),
		"206":        status(206),
		"404":        status(404),
		"421":        status(421),
		"no headers": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") },
		"redirect to a 200": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "" {
				http.Redirect(w, r, "/auth/verify?again", http.StatusFound)
				return
			}
			sendIdentity(w)
		},
		"one header missing": func(w http.ResponseWriter, _ *http.Request) {
			sendIdentity(w)
			w.Header().Del("X-Auth-Request-Email")
		},
		"one header twice": func(w http.ResponseWriter, _ *http.Request) {
			sendIdentity(w)
			w.Header().Add("X-Auth-Request-User", "admin")
		},
		"no id": func(w http.ResponseWriter, _ *http.Request) {
			sendIdentity(w)
			w.Header().Set("X-Auth-Request-User-Id", "")
		},
		"garbage instead of HTTP": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "SSH-2.0-OpenSSH_9.2\r\n")
		},
		"closed at once": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"body cut off": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nX-Auth-Request-User-Id: 1\r\nContent-Length: 100\r\n\r\nhalf")
		},
		"401 with a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(401)
			_, _ = io.WriteString(w, "<h1>Hotel network</h1>")
		},
		"403 with half a body": func(w http.ResponseWriter, _ *http.Request) { problem(w, 403, `{"code":`) },
		"401 with a giant body": func(w http.ResponseWriter, _ *http.Request) {
			problem(w, 401, `"`+strings.Repeat("x", 1<<20)+`"`)
		},
		"giant header": func(w http.ResponseWriter, _ *http.Request) {
			sendIdentity(w)
			w.Header().Set("X-Auth-Request-Name", strings.Repeat("x", 128<<10))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth := newAuthServer(t)
			auth.verify = verify
			refusedWith503(t, newDemoServer(t, auth, nil))
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	auth := newAuthServer(t)
	d := newDemoServer(t, auth, nil)
	auth.Close()
	refusedWith503(t, d)
	// The way to sign in is as closed as the rest.
	if res, _ := d.do(t, request("GET", "/.af-auth/start")); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/.af-auth/start: %d", res.StatusCode)
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"nothing": "", "headers only": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			auth := newAuthServer(t)
			auth.verify = func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					return
				}
				_, _ = io.WriteString(conn, first)
				<-done
				_ = conn.Close()
			}
			d := newDemoServer(t, auth, nil)
			defer close(done)
			began := time.Now()
			res, _ := d.get(t, "/")
			if took := time.Since(began); res.StatusCode != 503 || took < verifyTimeout || took > 2*verifyTimeout {
				t.Errorf("status %d after %v", res.StatusCode, took)
			}
			if d.served.Load() != 0 {
				t.Error("the application was reached")
			}
		})
	}
}

func TestBrokenStart(t *testing.T) {
	t.Parallel()
	auth := newAuthServer(t)
	auth.folder = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "leak=1")
		http.Error(w, "panic: stack", http.StatusInternalServerError)
	}
	d := newDemoServer(t, auth, nil)
	res, body := d.do(t, request("GET", "/", "Accept: text/html"))
	if res.StatusCode != 503 || strings.Contains(body, "panic") || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("status %d, cookie %q: %s", res.StatusCode, res.Header.Get("Set-Cookie"), body)
	}
}

func TestClosedApplication(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(newAuthServer(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	site, err := New(Options{AuthURL: u})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Close(); err != nil {
		t.Fatal(err)
	}
	if err := site.Close(); err != nil {
		t.Fatalf("second close: %v", err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: "mona"})
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), `"code":"application_unavailable"`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// refusedWith503 asks as a person and as a script, with a session that would
// otherwise do.
func refusedWith503(t *testing.T, d *demoServer) {
	t.Helper()
	for accept, want := range map[string]string{
		"text/html": "<h1>Access cannot be checked</h1>",
		"*/*":       `"code":"unavailable"`,
	} {
		res, body := d.get(t, "/api/me", "Accept: "+accept)
		if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, want) {
			t.Errorf("status %d: %s", res.StatusCode, body)
		}
		if res.Header.Get("Retry-After") == "" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", res.Header)
		}
	}
	if n := d.served.Load(); n != 0 {
		t.Errorf("the application saw %d requests", n)
	}
}

func hijack(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}
