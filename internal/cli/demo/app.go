package demo

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// application is a web application as anybody might write it. All it knows
// about sign-in is the names of five headers.
//
// It may trust them for one reason: the proxy is the only way to it, and the
// proxy sets each of them itself on every request.
type application struct {
	program string
	signOut string
	command *regexp.Regexp // logins that stand in a shell without quotes
}

func newApplication(authURL *url.URL, program string) http.Handler {
	a := &application{
		program: cmp.Or(program, "af-auth"),
		signOut: authURL.JoinPath("/auth/sign-out").String(),
		command: regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /api/me", a.me)
	mux.HandleFunc("/echo", a.echo)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, "style.css") })
	mux.HandleFunc("GET /mark.svg", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, "mark.svg") })
	mux.HandleFunc("/", a.notFound)
	return a.behindGate(mux)
}

// behindGate refuses requests that carry no identity. They cannot come through
// the proxy; they come when somebody exposes the application by mistake.
func (a *application) behindGate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Auth-Request-User-Id") == "" {
			sendJSON(w, "application/problem+json", http.StatusForbidden, map[string]any{
				"type": "about:blank", "title": "No identity", "status": http.StatusForbidden, "code": "no_identity",
				"detail": "this request did not come through the gate",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// person is what the headers say.
type person struct {
	Login, ID, GitHubID, Email, Name string
}

func personOf(h http.Header) person {
	p := person{
		Login:    h.Get("X-Auth-Request-User"),
		ID:       h.Get("X-Auth-Request-User-Id"),
		GitHubID: h.Get("X-Auth-Request-Github-Id"),
		Email:    h.Get("X-Auth-Request-Email"),
	}
	// The name is percent-encoded, because HTTP headers carry ASCII.
	if name, err := url.PathUnescape(h.Get("X-Auth-Request-Name")); err == nil {
		p.Name = strings.ToValidUTF8(name, "\uFFFD")
	}
	return p
}

// Greeting is the name, or for people without one their login.
func (p person) Greeting() string {
	for _, s := range []string{p.Name, p.Login} {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return "somebody without a name"
}

type header struct{ Name, Value string }

// home greets the person and shows the headers exactly as they came.
func (a *application) home(w http.ResponseWriter, r *http.Request) {
	p := personOf(r.Header)
	var headers []header
	for _, name := range identityHeaders() {
		headers = append(headers, header{name, r.Header.Get(name)})
	}
	user := p.Login
	if !a.command.MatchString(user) {
		user = p.ID
	}
	sendPage(w, http.StatusOK, "app.html", map[string]any{
		"Person": p, "Headers": headers, "Command": a.program + " revoke " + user, "SignOut": a.signOut,
	})
}

// me is what a script asks. Without a session it never arrives here: the gate
// answers 401 with a JSON problem.
func (a *application) me(w http.ResponseWriter, r *http.Request) {
	p := personOf(r.Header)
	sendJSON(w, "application/json", http.StatusOK, map[string]string{
		"login": p.Login, "id": p.ID, "github_id": p.GitHubID, "email": p.Email, "name": p.Name,
	})
}

// echo shows the request as the application received it, as plain text.
func (a *application) echo(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\nHost: %s\n", r.Method, r.RequestURI, r.Proto, r.Host)
	var lines []string
	for name, values := range r.Header {
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, "\n") + "\n")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(b.String()))
}

func (a *application) notFound(w http.ResponseWriter, r *http.Request) {
	if acceptsHTML(r) {
		sendPage(w, http.StatusNotFound, "notfound.html", map[string]any{
			"Person": personOf(r.Header), "Path": r.URL.Path, "SignOut": a.signOut,
		})
		return
	}
	sendJSON(w, "application/problem+json", http.StatusNotFound, map[string]any{
		"type": "about:blank", "title": "Not found", "status": http.StatusNotFound, "code": "not_found",
		"detail": "this application has no page at this address",
	})
}
