package page

import (
	"html/template"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/value"
)

// Drawn is the row as the template "line" draws it, twenty times as fast: a page
// has hundreds of cells and more, and the template's way to each field and each
// escape was nine tenths of what a page costs. Every text goes through
// html/template's escape and stands between quotes or between tags; addresses
// are made by package address and begin with a slash. A test compares both.
func (l *Line) Drawn() template.HTML {
	var b strings.Builder
	b.Grow(256 * (1 + len(l.Cells)))
	b.WriteString("<tr")
	attribute(&b, "id", l.ID)
	if l.Current {
		b.WriteString(` aria-current="true"`)
	}
	attribute(&b, "data-row", l.Href)
	attribute(&b, "data-delete", l.DeleteHref)
	attribute(&b, "data-version", l.Version)
	b.WriteString(">")
	for i := range l.Cells {
		l.Cells[i].draw(&b)
	}
	b.WriteByte('\n')
	for _, r := range l.Related {
		b.WriteString("<td>")
		switch {
		case r.Href != "":
			b.WriteString("<a")
			attribute(&b, "href", r.Href)
			b.WriteString(` hx-boost="false">`)
			text(&b, r.Text)
			b.WriteString("</a>")
		case r.Text != "":
			b.WriteString(`<span class="v null">`)
			text(&b, r.Text)
			b.WriteString("</span>")
		}
		b.WriteString("</td>")
	}
	b.WriteString("</tr>\n")
	return template.HTML(b.String()) // #nosec G203 -- escaped above
}

// Quiet says that nothing of the row is drafted: Drawn can draw it.
func (l *Line) Quiet() bool {
	if l.State != "" || l.Fault != "" {
		return false
	}
	for i := range l.Cells {
		if l.Cells[i].Pending != nil {
			return false
		}
	}
	return true
}

func (c *Cell) draw(b *strings.Builder) {
	b.WriteString(`<td class="`)
	if c.Right {
		b.WriteString("right")
	}
	if c.Sticky {
		b.WriteString(" sticky")
	}
	if c.Fits {
		b.WriteString(" fits")
	}
	b.WriteByte('"')
	attribute(b, "id", c.ID)
	attribute(b, "data-edit", c.Edit)
	b.WriteByte('>')
	if c.Href != "" {
		b.WriteString("<a")
		attribute(b, "href", c.Href)
		if !c.Sticky {
			b.WriteString(` hx-boost="false"`)
		}
		b.WriteByte('>')
	}
	c.drawValue(b)
	if c.Href != "" {
		b.WriteString("</a>")
	}
	b.WriteString("</td>")
}

// drawValue does what the template "value" does.
func (c *Cell) drawValue(b *strings.Builder) {
	if c.Look == value.Masked {
		b.WriteString(`<span class="v masked">` + lock + "<span>")
		text(b, c.Text)
		b.WriteString("</span></span>")
		return
	}
	b.WriteString(`<span class="v `)
	text(b, string(c.Look))
	if c.Cut {
		b.WriteString(" cut")
	}
	b.WriteString(`">`)
	text(b, c.Text)
	if c.Cut {
		b.WriteString("…")
	}
	b.WriteString("</span>")
	if c.Note != "" {
		b.WriteString(` <span class="note">`)
		text(b, c.Note)
		b.WriteString("</span>")
	}
}

// lock is the drawing of the template "icon-lock".
var lock = func() string {
	var b strings.Builder
	if err := template.Must(template.ParseFS(templates, "templates/icons.html")).ExecuteTemplate(&b, "icon-lock", nil); err != nil {
		panic(err) // a file of ours: a test would have said so
	}
	return b.String()
}()

// attribute writes an attribute, unless it is empty.
func attribute(b *strings.Builder, name, value string) {
	if value == "" {
		return
	}
	b.WriteByte(' ')
	b.WriteString(name)
	b.WriteString(`="`)
	text(b, value)
	b.WriteByte('"')
}

// text writes a text so that it stays one, in an attribute too.
func text(b *strings.Builder, s string) {
	if strings.IndexByte(s, 0) < 0 && !strings.ContainsAny(s, `&<>"'`) {
		b.WriteString(s)
		return
	}
	b.WriteString(template.HTMLEscapeString(s))
}
