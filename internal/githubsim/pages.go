package githubsim

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

//go:embed pages
var files embed.FS

// pages renders HTML. Templates carry no inline styles and no scripts.
type pages struct {
	t   *template.Template
	css []byte
}

func newPages() *pages {
	css, err := files.ReadFile("pages/style.css")
	if err != nil {
		panic(err) // embedded: only a broken build can fail here
	}
	return &pages{t: template.Must(template.ParseFS(files, "pages/*.html")), css: css}
}

func (p *pages) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(p.css)
}

// render writes a page under a CSP that lets the forms lead to formTargets and
// nowhere else.
func (p *pages) render(w http.ResponseWriter, status int, name, formTargets string, data any) {
	var b bytes.Buffer
	if err := p.t.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// same-origin, not no-referrer: the latter makes the forms' Origin null.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'"+
		formTargets+"; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// problem is a page that leads nowhere: what happened, and the next step.
func (p *pages) problem(w http.ResponseWriter, status int, title, text string) {
	p.render(w, status, "problem.html", "", map[string]any{"Title": title, "Text": text})
}

// picker is the authorize page.
type picker struct {
	Typed, TypedName string // what was sent, shown again when it was refused
	Problem          string
	Confirm          bool // Typed had ten tokens in an hour and has to confirm

	App, Callback, Host string
	Scopes              []string
	NoScopes, PKCE      bool
	NoSignup            bool
	People              []User
	More                int // people who are not shown
}

// sentence is an error as a page says it.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// pickerPeople is how many people the page shows; the others can be typed.
const pickerPeople = 12

func (s *Sim) showPicker(w http.ResponseWriter, status int, a request, p picker) {
	p.App, p.Callback, p.Host = s.o.AppName, a.callback.String(), a.callback.Host
	p.Scopes, p.NoScopes, p.PKCE, p.NoSignup = a.scopes, len(a.scopes) == 0, a.challenge != "", a.noSignup
	if p.Typed == "" {
		p.Typed = a.hint
	}
	s.mu.Lock()
	// The suggested person first, then octocat and hubot, then the newest.
	var first, rest []User
	for i, q := range s.people {
		switch {
		case strings.EqualFold(q.Login, a.hint):
			first = append([]User{q.User}, first...)
		case i < 2:
			first = append(first, q.User)
		default:
			rest = append([]User{q.User}, rest...)
		}
	}
	s.mu.Unlock()
	p.People = append(first, rest...)
	if len(p.People) > pickerPeople {
		p.More = len(p.People) - pickerPeople
		p.People = p.People[:pickerPeople]
	}
	if p.Problem == "" && !p.Confirm && len(p.People) > 0 && strings.EqualFold(p.People[0].Login, p.Typed) {
		p.Typed = "" // the suggested person has a button already
	}
	s.page.render(w, status, "authorize.html", formTargets(a.callback), p)
}

func (s *Sim) home(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/_sim", http.StatusSeeOther)
}

func (s *Sim) noSuchPage(w http.ResponseWriter, _ *http.Request) {
	s.page.problem(w, http.StatusNotFound, "There is no such page", "This simulator has the sign-in page, the REST calls that af-auth makes, and its own page for people and faults.")
}

// avatar draws the person's initials: no request leaves the machine, and
// nobody's real picture is shown for an id that was made up.
func (s *Sim) avatar(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	s.mu.Lock()
	p := s.byID(id)
	initials := "?"
	if p != nil {
		initials = p.Initials()
	}
	s.mu.Unlock()
	if p == nil {
		s.noSuchPage(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#e5e3dd"/>`+
		`<text x="32" y="41" text-anchor="middle" font-family="sans-serif" font-size="25" fill="#1c1b18">%s</text></svg>`,
		template.HTMLEscapeString(initials))
}
