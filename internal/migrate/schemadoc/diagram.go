package schemadoc

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// diagram draws the tables and where their foreign keys lead, as a Mermaid
// erDiagram. Its grammar knows few characters, so names are written plainly
// there; the page below has them as they are.
func (w *writer) diagram(list []catalog.Object) {
	list = slices.DeleteFunc(slices.Clone(list), func(o catalog.Object) bool { return o.Kind != catalog.Table && o.Kind != catalog.ForeignTable })
	if len(list) == 0 {
		return
	}
	plain := newPlain()
	var b strings.Builder
	b.WriteString("```mermaid\nerDiagram\n")
	for _, t := range list {
		entity := plain.name(t.Name)
		keys := w.keys(t.Name)
		for _, k := range keys {
			if k.kind == "FOREIGN KEY" {
				one, many := w.ends(t.Name, k, keys)
				fmt.Fprintf(&b, "    \"%s\" %s--%s \"%s\" : \"%s\"\n", plain.name(k.table), one, many, entity, plainWords(strings.Join(k.columns, ", ")))
			}
		}
	}
	for _, t := range list {
		fmt.Fprintf(&b, "    \"%s\" {\n", plain.name(t.Name))
		columns, keys := newPlain(), w.keys(t.Name)
		list := w.of(t.Name, catalog.Column)
		slices.SortFunc(list, func(a, b catalog.Object) int { return cmp.Compare(a.Position, b.Position) })
		for _, c := range list {
			line := plainType(c.Value(catalog.Type)) + " " + columns.name(c.Name)
			if marks := marks(c.Name, keys); marks != "" {
				line += " " + marks
			}
			b.WriteString("        " + line + "\n")
		}
		b.WriteString("    }\n")
	}
	b.WriteString("```")
	w.line("## Diagram")
	w.line(b.String())
}

// keys are the keys of a table.
func (w *writer) keys(table string) []key {
	var list []key
	for _, o := range w.of(table, catalog.Constraint) {
		if k, ok := readKey(o.Value(catalog.Definition)); ok {
			list = append(list, k)
		}
	}
	return list
}

// ends are both ends of the line of a foreign key: what it leads to must be
// there unless a column may be NULL, and comes from one row at most where the
// columns are a key of their own table.
func (w *writer) ends(table string, k key, keys []key) (one, many string) {
	one, many = "||", "o{"
	for _, name := range k.columns {
		c, _ := w.c.Find(catalog.Column, table, name)
		if c.Value(catalog.NotNull) == "" {
			one = "|o"
		}
	}
	for _, other := range keys {
		if other.kind != "FOREIGN KEY" && sameSet(other.columns, k.columns) {
			many = "o|"
		}
	}
	return one, many
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// marks are the keys that a column is part of, as Mermaid has them.
func marks(column string, keys []key) string {
	var list []string
	for _, kind := range []struct{ sql, mark string }{{"PRIMARY KEY", "PK"}, {"FOREIGN KEY", "FK"}, {"UNIQUE", "UK"}} {
		if slices.ContainsFunc(keys, func(k key) bool { return k.kind == kind.sql && slices.Contains(k.columns, column) }) {
			list = append(list, kind.mark)
		}
	}
	return strings.Join(list, ", ")
}

// plain gives names that Mermaid takes, one for each name of SQL.
type plain struct {
	given map[string]string
	used  map[string]bool
}

func newPlain() plain { return plain{given: map[string]string{}, used: map[string]bool{}} }

// name returns the plain form of a name: the same each time, and no other
// name's.
func (p plain) name(sql string) string {
	if name, ok := p.given[sql]; ok {
		return name
	}
	base := plainWord(strings.Trim(sql, `"`))
	name := base
	for n := 2; p.used[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	p.given[sql], p.used[name] = name, true
	return name
}

// plainWord keeps ASCII letters, digits and _, and begins with a letter.
func plainWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if letter(r) || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, s)
	switch {
	case s == "" || !letter(rune(s[0])):
		return "x" + s
	case slices.Contains([]string{"PK", "FK", "UK"}, strings.ToUpper(s)):
		return s + "_" // else it is read as the mark of a key, in either case
	}
	return s
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// plainType writes a type as one word: timestamptz(6), character_varying(40)[].
func plainType(s string) string {
	for _, t := range []struct{ kind, short string }{{"timestamp", "timestamptz"}, {"time", "timetz"}} {
		rest, begins := strings.CutPrefix(s, t.kind)
		if precision, array, ok := strings.Cut(rest, " with time zone"); begins && ok {
			s = t.short + precision + array
		}
	}
	array := strings.HasSuffix(s, "[]")
	word, rest, _ := strings.Cut(strings.TrimSuffix(s, "[]"), "(")
	out := plainWord(strings.Trim(word, `"`))
	if digits := strings.TrimSuffix(rest, ")"); digits != "" && strings.Trim(digits, "0123456789") == "" {
		out += "(" + digits + ")"
	}
	if array {
		out += "[]"
	}
	return out
}

// plainWords is a text for a label in double quotes.
func plainWords(s string) string {
	return strings.Map(func(r rune) rune {
		if letter(r) || r >= '0' && r <= '9' || strings.ContainsRune("_, ", r) {
			return r
		}
		return '_'
	}, strings.ReplaceAll(s, `"`, ""))
}
