package demo

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed pages
var files embed.FS

// ownFile returns the file of the proxy's own pages that path names, "" for
// every other path. Two files only are outside the gate, because the pages that
// need them are shown when nobody can be asked.
func ownFile(path string) string {
	switch path {
	case "/.gate/style.css":
		return "style.css"
	case "/.gate/mark.svg":
		return "mark.svg"
	}
	return ""
}

// notice is a page, or a JSON problem, that the proxy answers by itself.
type notice struct {
	Status int
	Code   string
	Title  string
	Detail string
	Action string // text of the one link; empty: none
	Href   string
}

func unavailable() notice {
	return notice{
		Status: http.StatusServiceUnavailable, Code: "unavailable",
		Title:  "Access cannot be checked",
		Detail: "af-auth does not answer, so nobody is let in. Nothing was changed. Look at the terminal where af-auth runs.",
		Action: "Try again",
	}
}

func badGateway() notice {
	return notice{
		Status: http.StatusBadGateway, Code: "application_unavailable",
		Title:  "The application does not answer",
		Detail: "You may come in, but the application behind the gate gave no answer. Look at the terminal where af-auth runs.",
		Action: "Try again",
	}
}

func badTarget() notice {
	return notice{
		Status: http.StatusBadRequest, Code: "invalid",
		Title:  "This address is not in its plain form",
		Detail: "It has dots, double slashes or encoded characters that a gate and an application may read differently. It was not passed on.",
		Action: "Go to the first page", Href: "/",
	}
}

// errAuthFailed is a 5xx of af-auth, by its status.
type errAuthFailed int

func (e errAuthFailed) Error() string { return fmt.Sprintf("af-auth answered %d", int(e)) }

// answer sends the notice as a page to browsers and as RFC 9457 JSON otherwise.
func (p *proxy) answer(w http.ResponseWriter, r *http.Request, n notice) {
	if n.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if !acceptsHTML(r) {
		sendJSON(w, "application/problem+json", n.Status, map[string]any{
			"type": "about:blank", "title": n.Title, "status": n.Status, "detail": n.Detail, "code": n.Code,
		})
		return
	}
	if n.Href == "" && canonicalTarget(r) {
		n.Href = r.RequestURI
	}
	sendPage(w, n.Status, "gate.html", n)
}

// sendPage renders one page of the folder pages. The policy forbids everything
// but our own stylesheet and mark.
func sendPage(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	t, err := template.ParseFS(files, "pages/"+name)
	if err == nil {
		err = t.Execute(&page, data)
	}
	if err != nil {
		// The pages are embedded and tested; only a fault of ours comes here.
		status = http.StatusInternalServerError
		page.Reset()
		page.WriteString("<!doctype html><title>Error</title><p>This page could not be made.")
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// sendJSON sends v, which is always a value that encodes.
func sendJSON(w http.ResponseWriter, media string, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// serveFile sends one embedded file with the type its name says.
func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, files, "pages/"+name)
}
