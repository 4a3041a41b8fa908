package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Rename is a table or column that changed its name. Names are as SQL wants
// them, quoted where they must be.
type Rename struct {
	Table    string // of a column: its table, by its former name; else ""
	From, To string
}

// String writes a rename as [ParseRename] reads it.
func (r Rename) String() string {
	if r.Table == "" {
		return r.From + ":" + r.To
	}
	return r.Table + "." + r.From + ":" + r.To
}

// ParseRename reads users:people, for a table, and users.login:handle, for a
// column. A name with a dot, a colon or a capital letter stands in double
// quotes.
func ParseRename(s string) (Rename, error) {
	var names []string
	var marks string
	rest := s
	for {
		n := nameLength(rest)
		if n == 0 {
			return Rename{}, renameError(s)
		}
		names = append(names, rest[:n])
		if rest = rest[n:]; rest == "" {
			break
		}
		marks += rest[:1]
		rest = rest[1:]
	}
	switch marks {
	case ":":
		return Rename{From: names[0], To: names[1]}, nil
	case ".:":
		return Rename{Table: names[0], From: names[1], To: names[2]}, nil
	}
	return Rename{}, renameError(s)
}

func renameError(s string) error {
	return fmt.Errorf("%q is no rename: write users.login:handle for a column, users:people for a table", s)
}

// nameLength returns how many bytes of a text are one name; 0 where it begins
// with none.
func nameLength(s string) int {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexFunc(s, func(r rune) bool {
			return r != '_' && r != '$' && r < 0x80 && !('a' <= r && r <= 'z') && !('0' <= r && r <= '9')
		})
		if n < 0 {
			n = len(s)
		}
		if n > 0 && ('0' <= s[0] && s[0] <= '9' || s[0] == '$') {
			return 0
		}
		return n
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if !strings.HasPrefix(s[i:], `""`) {
			if i == 1 {
				return 0 // "" is no name
			}
			return i + 1
		}
		i++
	}
	return 0
}

// renameSteps returns the statements of renames. Columns come first, while
// their tables have their former names.
func renameSteps(list []Rename) []Step {
	var columns, tables []Step
	for _, r := range list {
		if r.Table != "" {
			columns = append(columns, Step{SQL: "ALTER TABLE " + r.Table + " RENAME COLUMN " + r.From + " TO " + r.To})
		} else {
			tables = append(tables, Step{SQL: "ALTER TABLE " + r.From + " RENAME TO " + r.To})
		}
	}
	return append(columns, tables...)
}

// reversed returns the renames of the way back.
func reversed(list []Rename) []Rename {
	out := make([]Rename, len(list))
	for i, r := range list {
		out[i] = Rename{Table: r.Table, From: r.To, To: r.From}
		for _, t := range list {
			if t.Table == "" && t.From == r.Table {
				out[i].Table = t.To
			}
		}
	}
	return out
}

// candidates returns what may have been renamed: in a table, a column that
// vanished and one of the same type that appeared; and tables that share at
// least half of their columns.
func candidates(want, have catalog.Catalog, left []catalog.Difference) []Rename {
	var out []Rename
	for _, gone := range left {
		if !gone.Extra || gone.Kind != catalog.Column && gone.Kind != catalog.Table {
			continue
		}
		for _, come := range left {
			if !come.Missing || come.Kind != gone.Kind || come.Of != gone.Of {
				continue
			}
			alike := alikeTables
			if gone.Kind == catalog.Column {
				alike = alikeColumns
			}
			if alike(want, have, come.Of, come.Name, gone.Name) {
				out = append(out, Rename{Table: gone.Of, From: gone.Name, To: come.Name})
			}
		}
	}
	return out
}

func alikeColumns(want, have catalog.Catalog, table, is, was string) bool {
	w, ok1 := want.Find(catalog.Column, table, is)
	h, ok2 := have.Find(catalog.Column, table, was)
	_, inTable := have.Find(catalog.Table, "", table)
	return ok1 && ok2 && inTable && w.Value(catalog.Type) == h.Value(catalog.Type)
}

func alikeTables(want, have catalog.Catalog, _, is, was string) bool {
	w, h := columnTypes(want, is), columnTypes(have, was)
	same := 0
	for _, c := range w {
		if slices.Contains(h, c) {
			same++
		}
	}
	return 2*same >= max(len(w), len(h))
}

// columnTypes returns the names and types of a table's columns.
func columnTypes(c catalog.Catalog, table string) []string {
	var out []string
	for _, o := range c.Objects {
		if o.Kind == catalog.Column && o.Of == table {
			out = append(out, o.Name+" "+o.Value(catalog.Type))
		}
	}
	return out
}
