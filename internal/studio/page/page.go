// Package page draws studio's pages: templates, style, script, and the content
// security policy that they live under.
//
// A page is whole at every address, with and without script. Where htmx is at
// work it replaces <main id="view"> by the same part of the page that a full
// load would bring, so that no handler answers the same address in two ways.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/url"
	"slices"
)

//go:embed templates/*.html
var templates embed.FS

// CSP is the Content-Security-Policy of every answer: nothing leaves, and
// nothing comes from elsewhere.
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Renderer turns views into HTML. It is safe for concurrent use.
type Renderer struct{ pages map[string]*template.Template }

// New parses the templates.
func New() (*Renderer, error) {
	r := &Renderer{pages: make(map[string]*template.Template)}
	for _, name := range []string{"home", "grid", "diagram", "sql", "import", "review", "conflict", "failure"} {
		t, err := template.New("layout.html").ParseFS(templates, "templates/layout.html", "templates/icons.html",
			"templates/parts.html", "templates/edit.html", "templates/transfer.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse the page %s: %w", name, err)
		}
		r.pages[name] = t
	}
	return r, nil
}

// Render writes the whole page to w. It draws into memory first: when it fails
// nothing has been written.
func (r *Renderer) Render(w io.Writer, v View) error {
	var b bytes.Buffer
	if err := r.pages[v.page()].Execute(&b, v); err != nil {
		return fmt.Errorf("draw the page %s: %w", v.page(), err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func sortedKeys(values url.Values) []string { return slices.Sorted(maps.Keys(values)) }
