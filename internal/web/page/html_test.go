package page_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// element is one element of a page, with all text inside it.
type element struct {
	name    string
	attrs   map[string]string
	text    string
	parents []string
}

// parse reads HTML that is also well formed, as our templates write it. The
// decoder is given HTML's void elements and entities.
func parse(t testing.TB, html string) []*element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var all, open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v\n%s", err, html)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: make(map[string]string)}
			for _, parent := range open {
				e.parents = append(e.parents, parent.name)
			}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			all, open = append(all, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, e := range open {
				e.text += string(token)
			}
		case xml.Comment:
			t.Errorf("the page has a comment: %s", token)
		}
	}
}

func find(all []*element, name string) []*element {
	var found []*element
	for _, e := range all {
		if e.name == name {
			found = append(found, e)
		}
	}
	return found
}

// The whole vocabulary of our pages. Markup or an attribute that comes out of a
// value, and not out of a template, is not in it, or stands in a wrong place.
var (
	elements = strings.Fields("html head meta title link script noscript body main footer ul ol li a form fieldset legend input button p h1 h2 div span bdi i svg path circle img time section code dl dt dd details summary " +
		"header nav h3 strong table thead tbody tr th td label select option textarea")
	attributes = strings.Fields(`lang charset name content rel type href src defer class method action value id alt width height
		referrerpolicy datetime title open role http-equiv viewBox d cx cy r fill stroke stroke-width stroke-linecap
		stroke-linejoin focusable aria-hidden aria-pressed aria-labelledby aria-current data-theme data-local data-events-url
		scope for checked selected rows placeholder autocomplete autocapitalize spellcheck hidden aria-label aria-describedby aria-invalid`)
	schemes = []string{"http:", "https:", "mailto:"}
)

// audit checks what must hold for every page with any content.
func audit(t testing.TB, html string) []*element {
	t.Helper()
	all := parse(t, html)
	for _, name := range []string{"h1", "title", "main", "footer"} {
		if got := find(all, name); len(got) != 1 || strings.TrimSpace(got[0].text) == "" {
			t.Errorf("the page has %d <%s> with text, want one", len(got), name)
		}
	}
	if lang := find(all, "html")[0].attrs["lang"]; lang != "en" {
		t.Errorf("the language is %q, want en", lang)
	}
	ids := make(map[string]bool)
	for _, e := range all {
		if !slices.Contains(elements, e.name) {
			t.Errorf("the page has an element <%s>", e.name)
		}
		for name, value := range e.attrs {
			if !slices.Contains(attributes, name) {
				t.Errorf("<%s> has an attribute %s=%q", e.name, name, value)
			}
		}
		if id := e.attrs["id"]; id != "" && ids[id] {
			t.Errorf("the id %q stands twice", id)
		} else if id != "" {
			ids[id] = true
		}
		auditElement(t, e)
	}
	for _, e := range all {
		for _, name := range []string{"aria-labelledby", "aria-describedby", "for"} {
			for id := range strings.FieldsSeq(e.attrs[name]) {
				if !ids[id] {
					t.Errorf("<%s> has %s=%q, which is not there", e.name, name, id)
				}
			}
		}
		if isField(e) && !slices.Contains(e.parents, "label") && !labelled(all, e.attrs["id"]) {
			t.Errorf("<%s name=%q> has no label", e.name, e.attrs["name"])
		}
	}
	return all
}

// isField reports whether somebody fills it in.
func isField(e *element) bool {
	return e.name == "select" || e.name == "textarea" || e.name == "input" && e.attrs["type"] != "hidden"
}

func labelled(all []*element, id string) bool {
	return slices.ContainsFunc(find(all, "label"), func(l *element) bool { return id != "" && l.attrs["for"] == id })
}

func auditElement(t testing.TB, e *element) {
	t.Helper()
	for _, name := range []string{"href", "src", "action", "data-events-url"} {
		scheme, _, ok := strings.Cut(e.attrs[name], ":")
		if ok && !strings.ContainsAny(scheme, "/?#") && !slices.Contains(schemes, strings.ToLower(scheme)+":") {
			t.Errorf("<%s> leads to %q", e.name, e.attrs[name])
		}
	}
	switch e.name {
	case "script":
		if !strings.HasPrefix(e.attrs["src"], "/auth/assets/") || e.text != "" {
			t.Errorf("a script has src=%q and text %q", e.attrs["src"], e.text)
		}
	case "a":
		if e.attrs["href"] == "" || strings.TrimSpace(e.text) == "" {
			t.Errorf("a link to %q says %q", e.attrs["href"], e.text)
		}
	case "button", "legend", "summary", "label", "th", "option":
		if strings.TrimSpace(e.text) == "" {
			t.Errorf("<%s> has no text", e.name)
		}
	case "form":
		if m := e.attrs["method"]; m != "post" && (m != "get" || e.attrs["role"] != "search") {
			t.Errorf("a form has the method %q", m)
		}
	case "img":
		if alt, ok := e.attrs["alt"]; !ok || alt != "" || e.attrs["referrerpolicy"] != "no-referrer" {
			t.Errorf("a picture has %v", e.attrs)
		}
	case "svg":
		if e.attrs["aria-hidden"] != "true" || e.attrs["width"] == "" {
			t.Errorf("an icon has %v", e.attrs)
		}
	}
}
