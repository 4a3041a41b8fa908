package main

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/af-auth/af-auth/internal/web/page"
)

// index lists the samples; plain links, so that e2e/shots can follow them.
const index = `<!DOCTYPE html><html lang="en"><title>Pages of af-auth</title><link rel="icon" href="data:,"><h1>Pages of af-auth</h1>
<ul>{{range .}}<li><a href="/page/{{.Name}}">{{.Name}}</a></li>{{end}}</ul></html>`

// newPreview routes the start page, one path a sample, and the few paths that
// the pages themselves lead to.
func newPreview() (http.Handler, error) {
	renderer, err := page.New()
	if err != nil {
		return nil, err
	}
	list, err := template.New("index").Parse(index)
	if err != nil {
		return nil, fmt.Errorf("parse the list of pages: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := list.Execute(w, samples(page.Chrome{})); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /page/{name}", func(w http.ResponseWriter, r *http.Request) {
		for _, s := range samples(chromeOf(r)) {
			if s.Name == r.PathValue("name") {
				send(w, renderer, s.View)
				return
			}
		}
		http.NotFound(w, r)
	})
	mux.Handle("/auth/assets/", page.Assets())
	mux.HandleFunc("POST /auth/theme", setTheme)
	mux.HandleFunc("GET /auth/about", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/page/about", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /auth/waiting/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, "event: access\ndata: {\"access\":\"waiting\"}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("GET /auth/people/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, "event: waiting\ndata: {\"more\":3,\"newest\":\"octocat\"}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	return mux, nil
}

func send(w http.ResponseWriter, renderer *page.Renderer, v page.View) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", page.CSP())
	if err := renderer.Render(w, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// chromeOf reads the theme from the query, else from the cookie.
func chromeOf(r *http.Request) page.Chrome {
	theme := r.URL.Query().Get("theme")
	if c, err := r.Cookie("theme"); theme == "" && err == nil {
		theme = c.Value
	}
	return page.Chrome{
		Host:    "auth.example.com",
		Place:   "Production",
		Theme:   theme,
		Path:    r.URL.Path,
		Contact: &page.Contact{Label: "Grace Hopper", Href: "mailto:grace@example.com"},
	}
}

func setTheme(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: r.FormValue("theme"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	back := r.FormValue("back")
	if !strings.HasPrefix(back, "/page/") {
		back = "/"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}
