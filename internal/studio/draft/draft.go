// Package draft keeps changes that nobody has saved yet, in memory, for each
// session and table, so that a reload, the way back and another table lose
// nothing.
//
// A row is known by the key and the version (xmin) that it was read with, never
// by a key that has been edited. What is kept is bounded; nothing is thrown away
// to make room, a further change is refused instead.
package draft

import (
	"maps"
	"slices"

	"github.com/af-auth/af-auth/internal/studio/rows"
)

// Kind is what is to be done with a row.
type Kind string

// The kinds.
const (
	Insert Kind = "insert"
	Update Kind = "update"
	Delete Kind = "delete"
)

// How is how a column gets its value.
type How string

// The ways. An empty text is a Text.
const (
	Text    How = "text"
	Null    How = "null"
	Default How = "default"
)

// Value is what a column is to become.
type Value struct {
	How How
	// Text is the value as PostgreSQL writes it, or, with a Fault, as it was typed.
	Text string
	// Fault says why it cannot be saved; empty: nothing is known against it.
	Fault string
	// Refused is what the database held against it when it was last saved.
	Refused string
}

// Row is one row with its changes.
type Row struct {
	// ID names the row in addresses: its key, or "+1" of a new one.
	ID   string
	Kind Kind
	// Key and Version name the row in the database; a new one has neither.
	Key     []string
	Version string
	// Base is the row as it was when it was opened; nil where it had changed
	// already by the time the change arrived.
	Base *rows.Row
	// Values are the new values by column. A row to be deleted keeps them, for
	// the case that the deletion is taken back.
	Values map[string]Value
	// Refused is what the database held against the row as a whole.
	Refused string
	// Conflict says that somebody else changed the row meanwhile.
	Conflict bool
}

func (r *Row) clone() Row {
	c := *r
	c.Values = maps.Clone(r.Values)
	return c
}

// Changes is how many changes the row holds: one for each column, or one for the
// row.
func (r *Row) Changes() int {
	if r.Kind == Update {
		return len(r.Values)
	}
	return 1
}

// size is about how many bytes the row keeps.
func (r *Row) size() int {
	n := 512
	for name, v := range r.Values {
		n += 128 + len(name) + len(v.Text) + len(v.Fault) + len(v.Refused)
	}
	if r.Base != nil {
		for _, c := range r.Base.Cells {
			n += 64
			if c.Text != nil {
				n += len(*c.Text)
			}
		}
	}
	return n
}

// Table is what a session has drafted for one table.
type Table struct {
	Schema, Name string
	// Revision grows with every change: what was reviewed is what is saved.
	Revision int
	Rows     []Row // in the order they were begun in
	// Unknown says that the answer to a COMMIT was lost: whether it is all saved
	// is not known.
	Unknown bool
}

// Row finds a row, nil where there is none.
func (t *Table) Row(id string) *Row {
	for i := range t.Rows {
		if t.Rows[i].ID == id {
			return &t.Rows[i]
		}
	}
	return nil
}

// Changes is how many changes there are, in all rows.
func (t *Table) Changes() int {
	n := 0
	for i := range t.Rows {
		n += t.Rows[i].Changes()
	}
	return n
}

// Faulty reports whether something in it cannot be saved.
func (t *Table) Faulty() bool {
	for _, r := range t.Rows {
		for _, v := range r.Values {
			if v.Fault != "" && r.Kind != Delete {
				return true
			}
		}
	}
	return false
}

// Conflicts reports whether somebody else changed one of the rows.
func (t *Table) Conflicts() bool {
	for _, r := range t.Rows {
		if r.Conflict {
			return true
		}
	}
	return false
}

// Retry forgets what came of the last time it was saved.
func (t *Table) Retry() {
	t.Unknown = false
	for i := range t.Rows {
		r := &t.Rows[i]
		r.Refused, r.Conflict = "", false
		for name, v := range r.Values {
			v.Refused = ""
			r.Values[name] = v
		}
	}
}

// Drop takes a row out of the draft.
func (t *Table) Drop(id string) {
	t.Rows = slices.DeleteFunc(t.Rows, func(r Row) bool { return r.ID == id })
}
