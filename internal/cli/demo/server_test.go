package demo

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// authServer answers as af-auth's contract says. The session cookie's value is
// the state of the person: "mona" may come in, "waiting" may not.
type authServer struct {
	*httptest.Server
	mu        sync.Mutex
	questions []*http.Request
	others    []*http.Request
	// verify replaces the contract's answer where it is set before the first
	// request.
	verify http.HandlerFunc
	// folder replaces the answers of /.af-auth/ likewise.
	folder http.HandlerFunc
}

const sessionCookie = "af_auth_8081"

func newAuthServer(t *testing.T) *authServer {
	t.Helper()
	a := &authServer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/verify", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.questions = append(a.questions, r)
		a.mu.Unlock()
		if a.verify != nil {
			a.verify(w, r)
			return
		}
		contractVerify(w, r)
	})
	mux.HandleFunc("/.af-auth/", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.others = append(a.others, r)
		a.mu.Unlock()
		if a.folder != nil {
			a.folder(w, r)
			return
		}
		contractFolder(w, r)
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func contractVerify(w http.ResponseWriter, r *http.Request) {
	cookies := r.CookiesNamed(sessionCookie)
	switch {
	case len(cookies) == 1 && cookies[0].Value == "mona":
		sendIdentity(w)
	case len(cookies) == 1 && cookies[0].Value == "waiting":
		problem(w, http.StatusForbidden, `{"code":"not_whitelisted","access":"waiting"}`)
	default:
		problem(w, http.StatusUnauthorized, `{"code":"not_signed_in"}`)
	}
}

func contractFolder(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/.af-auth/start":
		to := r.Header.Get("X-Original-URI")
		if to == "" {
			to = r.URL.Query().Get("return_to")
		}
		http.SetCookie(w, &http.Cookie{Name: "af_auth_nonce_8081", Value: "n", Path: "/", HttpOnly: true})
		w.Header().Set("Location", "http://own.test/auth/continue?return_to="+url.QueryEscape("http://"+r.Host+to))
		w.WriteHeader(http.StatusFound)
	case "/.af-auth/enter":
		http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: "mona", Path: "/", HttpOnly: true})
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

func sendIdentity(w http.ResponseWriter) {
	h := w.Header()
	h.Set("X-Auth-Request-User", "octocat")
	h.Set("X-Auth-Request-User-Id", "0193a1f2-7c11-7000-8000-00000000002a")
	h.Set("X-Auth-Request-Github-Id", "583231")
	h.Set("X-Auth-Request-Email", "")
	h.Set("X-Auth-Request-Name", "Mona%20Octocat")
}

func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// asked returns what af-auth was asked at /auth/verify so far.
func (a *authServer) asked() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*http.Request(nil), a.questions...)
}

// folderRequests returns what came to /.af-auth/ so far.
func (a *authServer) folderRequests() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*http.Request(nil), a.others...)
}

// demoServer is the demo on a port. Its application is our own unless another
// is given; served counts what reaches it.
type demoServer struct {
	*httptest.Server
	served atomic.Int64
}

func newDemoServer(t *testing.T, auth *authServer, application http.Handler) *demoServer {
	t.Helper()
	u, err := url.Parse(auth.URL)
	if err != nil {
		t.Fatal(err)
	}
	if application == nil {
		application = newApplication(u, "")
	}
	d := &demoServer{}
	site := newSite(Options{AuthURL: u}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.served.Add(1)
		application.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	d.Server = httptest.NewServer(site)
	t.Cleanup(d.Close)
	return d
}

// do sends text as it stands, but for "\n", which becomes CRLF, and reads one
// answer. Requests that Go's client would tidy up can be sent this way.
func (d *demoServer) do(t *testing.T, text string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", d.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(text, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// get sends a GET with the cookie "mona" and the header lines given.
func (d *demoServer) get(t *testing.T, target string, lines ...string) (*http.Response, string) {
	t.Helper()
	return d.do(t, request("GET", target, append(lines, "Cookie: "+sessionCookie+"=mona")...))
}

func request(method, target string, lines ...string) string {
	head := fmt.Sprintf("%s %s HTTP/1.1\nHost: app.test:8081\n", method, target)
	for _, l := range lines {
		head += l + "\n"
	}
	return head + "\n"
}
