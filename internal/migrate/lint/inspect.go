package lint

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
)

// inspection gathers what is found in one file.
type inspection struct {
	file     migrate.File
	base     *snapshot
	up, down []*allowance
	out      []Finding
	gone     []gone      // names that vanished, to be looked for again at the end
	rows     []rowChange // changes of rows
	schema   bool        // a statement changed tables
	since    map[uint32]held
}

// held is a lock of the file's transaction.
type held struct {
	mode mode
	line int // of the statement that took it
}

// place is where something was found.
type place struct {
	file      string
	line      int
	statement int // its number; 0: none
}

func newInspection(f migrate.File) *inspection {
	look := &inspection{file: f, since: map[uint32]held{}, up: allowances(f.Up, f.Statements(false))}
	if !f.NoDown {
		look.down = allowances(f.Down, f.Statements(true))
	}
	return look
}

func (look *inspection) at(st migrate.Statement) place {
	return place{look.file.UpName(), st.Line, st.Number}
}

// see looks at a statement that has run.
func (look *inspection) see(s *step) {
	s.since = maps.Clone(look.since)
	for _, find := range []func(*step) []found{
		findDataLoss, findTruncate, findRewrite, findIndexes, findConstraints, findValidated, findNotNull, findLock, findIfNotExists,
	} {
		for _, f := range find(s) {
			look.note(s, f)
		}
	}
	look.scans(s)
	look.vanished(s)
	look.changed(s)
	look.schema = look.schema || s.changesSchema()
	if look.file.Outside {
		return // each statement gives its locks back
	}
	for id, m := range s.taken() {
		if m > look.since[id].mode {
			look.since[id] = held{m, s.st.Line}
		}
	}
}

// note gives a finding its words.
func (look *inspection) note(s *step, f found) {
	if f.rule == DropTable || f.rule == DropColumn {
		switch {
		case look.file.Kind != migrate.Contract:
		case look.file.Lost != "":
			return // it is meant, and said
		default:
			f.severity, f.what = Warning, f.what+", and the down file has no line \"-- lost: …\" that says so"
		}
	}
	r, _ := rule(f.rule)
	look.add(look.at(s.st), f, look.lockOf(s, f, r))
}

// add keeps a finding, unless a comment allows it.
func (look *inspection) add(at place, f found, lock string) {
	for _, a := range look.in(at.file) {
		if a.fault == "" && a.rule == f.rule && (a.statement == 0 || a.statement == at.statement) {
			a.used = true
			return
		}
	}
	r, _ := rule(f.rule)
	look.out = append(look.out, Finding{File: at.file, Line: at.line, Rule: r.ID, Severity: cmp.Or(f.severity, r.Severity),
		Message: f.what, Lock: lock, Why: r.Why, Safe: fill(cmp.Or(f.safe, r.Safe), f.values)})
}

// in returns the exceptions of one of the two files.
func (look *inspection) in(file string) []*allowance {
	if file == look.file.UpName() {
		return look.up
	}
	return look.down
}

// lockOf says what a statement locks, and what an earlier one still does. A lock
// that the transaction held already does not show, and a statement outside a
// transaction has given its locks back: the rule knows which it takes.
func (look *inspection) lockOf(s *step, f found, r Rule) string {
	taken := s.taken()
	// The weaker ones are in nobody's way, but where rows are what it is about.
	weakest := min(shareUpdateExclusive, cmp.Or(r.lock, shareUpdateExclusive))
	for id, m := range taken {
		if m < weakest || len(f.tables) > 0 && !slices.Contains(f.tables, id) {
			delete(taken, id)
		}
	}
	if len(taken) == 0 && r.lock != noLock {
		for _, id := range f.tables {
			taken[id] = r.lock
		}
	}
	words := []string{describe(taken, s.path)}
	for id, m := range sorted(taken) {
		if h := s.since[id]; h.mode > m {
			words = append(words, fmt.Sprintf("beside it, from line %d to the end of the file, %s", h.line, h.mode.on(s.path(id))))
		}
	}
	return strings.Join(words, "; ")
}

// finish looks at the file as a whole. It may be called where nobody looks.
func (look *inspection) finish(ctx context.Context, r *replay) error {
	if look == nil {
		return nil
	}
	end, err := read(ctx, r.conn, r.options.schema())
	if err != nil {
		return err
	}
	look.broken(end)
	look.backfills()
	return nil
}

// findings returns what was found, in order, with the comments that allow
// nothing.
func (look *inspection) findings() []Finding {
	for _, file := range []string{look.file.UpName(), look.file.DownName()} {
		for _, a := range look.in(file) {
			fault := a.fault
			if fault == "" && !a.used {
				fault = "suppresses nothing: " + a.rule + " finds nothing here"
			}
			if fault != "" {
				look.add(place{file, a.line, 0}, found{rule: Suppression, what: "the comment lint:allow " + fault}, "")
			}
		}
	}
	slices.SortStableFunc(look.out, func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return look.out
}
