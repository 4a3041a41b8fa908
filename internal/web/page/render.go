package page

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
)

//go:embed templates/*.html
var templates embed.FS

// shared are the templates that every page is made with.
var shared = [...]string{"templates/layout.html", "templates/parts.html", "templates/icons.html", "templates/console.html"}

// Renderer turns views into HTML. It is safe for use by many goroutines.
type Renderer struct {
	pages map[string]*template.Template
}

// New parses the embedded templates and draws each page once with an empty
// view, so that a mistake in a template fails here and not before a person.
func New() (*Renderer, error) {
	assets := loadAssets()
	layout, err := template.New("layout.html").Funcs(template.FuncMap{
		"asset":    assets.url,
		"iso":      iso,
		"utc":      utc,
		"utcDay":   utcDay,
		"utcClock": utcClock,
		"utcFull":  utcFull,
		"span":     span,
		"plain":    Plain,
	}).ParseFS(templates, shared[:]...)
	if err != nil {
		return nil, fmt.Errorf("parse the templates that all pages share: %w", err)
	}
	r := &Renderer{pages: make(map[string]*template.Template)}
	for _, v := range []View{Home{}, SignIn{}, Waiting{}, Refused{}, Failure{}, SignOut{}, SignedOut{}, About{},
		Message{}, People{}, PersonPage{}, AllowSomebody{}, Confirm{}} {
		name := v.page()
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(templates, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse the page %s: %w", name, err)
		}
		r.pages[name] = t
		if err := r.Render(io.Discard, v); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Render writes the whole page for v to w. It draws into memory first: when it
// fails nothing has been written, and the caller may still send another page.
func (r *Renderer) Render(w io.Writer, v View) error {
	if v == nil {
		return errors.New("render a page: there is no view")
	}
	t, ok := r.pages[v.page()]
	if !ok {
		return fmt.Errorf("render the page %s: it has no template", v.page())
	}
	var page bytes.Buffer
	if err := t.Execute(&page, v); err != nil {
		return fmt.Errorf("render the page %s: %w", v.page(), err)
	}
	if _, err := w.Write(page.Bytes()); err != nil {
		return fmt.Errorf("send the page %s: %w", v.page(), err)
	}
	return nil
}
