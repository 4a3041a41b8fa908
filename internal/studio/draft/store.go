package draft

import (
	"slices"
	"strconv"
	"sync"

	"github.com/af-auth/af-auth"
)

// What one session may keep, and how many sessions may keep something.
const (
	maxRows     = 500
	maxBytes    = 8 << 20
	maxSessions = 32
)

// Errors of the store.
var (
	errFull = &afauth.Error{Code: afauth.CodeInvalid, Message: "there is no room for more changes that are not saved",
		Hint: "save or discard some; a session keeps 500 rows and 8 MB"}
	errSaving = &afauth.Error{Code: afauth.CodeInvalid, Message: "these changes are being saved at this moment",
		Hint: "load the page again"}
	// ErrChanged says that there are other changes than the page showed.
	ErrChanged = &afauth.Error{Code: afauth.CodeInvalid, Message: "the changes are no longer those that the page showed: another window has changed them",
		Hint: "look at them again, then save"}
)

type name struct{ schema, table string }

// session is what one session keeps.
type session struct {
	tables map[name]*Table
	order  []name
	saving map[name]bool
	new    int
	said   string
}

// Store keeps the drafts of all sessions. It is safe for concurrent use.
type Store struct {
	mu       sync.Mutex
	sessions map[afauth.TokenHash]*session
}

// NewStore makes an empty store.
func NewStore() *Store { return &Store{sessions: make(map[afauth.TokenHash]*session)} }

// Table returns a copy of what the session has drafted for a table.
func (s *Store) Table(of afauth.TokenHash, schema, table string) Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.sessions[of]; kept != nil {
		if t := kept.tables[name{schema, table}]; t != nil {
			return t.clone()
		}
	}
	return Table{Schema: schema, Name: table}
}

func (t *Table) clone() Table {
	c := *t
	c.Rows = make([]Row, len(t.Rows))
	for i := range t.Rows {
		c.Rows[i] = t.Rows[i].clone()
	}
	return c
}

// Tables returns copies of all that the session has drafted.
func (s *Store) Tables(of afauth.TokenHash) []Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.sessions[of]
	if kept == nil {
		return nil
	}
	var all []Table
	for _, n := range kept.order {
		all = append(all, kept.tables[n].clone())
	}
	return all
}

// Change runs fn over the session's draft of a table, which fn may alter. When
// it returns an error, or the session would keep too much, nothing has changed.
func (s *Store) Change(of afauth.TokenHash, schema, table string, fn func(*Table) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := name{schema, table}
	kept := s.sessions[of]
	if kept == nil {
		if len(s.sessions) >= maxSessions {
			return errFull
		}
		kept = &session{tables: make(map[name]*Table), saving: make(map[name]bool)}
	}
	if kept.saving[n] {
		return errSaving
	}
	draft := Table{Schema: schema, Name: table}
	if old := kept.tables[n]; old != nil {
		draft = old.clone()
	}
	if err := fn(&draft); err != nil {
		return err
	}
	draft.Revision++
	draft.Unknown = draft.Unknown && len(draft.Rows) > 0
	count, bytes := kept.weigh(n, &draft)
	if count > maxRows || bytes > maxBytes {
		return errFull
	}
	s.sessions[of] = kept
	kept.put(n, &draft)
	return nil
}

func (k *session) weigh(n name, draft *Table) (count, bytes int) {
	for other, t := range k.tables {
		if other == n {
			continue
		}
		count += len(t.Rows)
		for i := range t.Rows {
			bytes += t.Rows[i].size()
		}
	}
	for i := range draft.Rows {
		bytes += draft.Rows[i].size()
	}
	return count + len(draft.Rows), bytes
}

func (k *session) put(n name, draft *Table) {
	if len(draft.Rows) == 0 {
		delete(k.tables, n)
		k.order = slices.DeleteFunc(k.order, func(o name) bool { return o == n })
		return
	}
	if k.tables[n] == nil {
		k.order = append(k.order, n)
	}
	k.tables[n] = draft
}

// NewID names a new row, unlike any other of the session.
func (s *Store) NewID(of afauth.TokenHash) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.sessions[of]
	if kept == nil {
		return "+1"
	}
	kept.new++
	return "+" + strconv.Itoa(kept.new+1)
}

// Begin takes the draft of a table to save it: until End nobody may alter it,
// nor save it a second time.
func (s *Store) Begin(of afauth.TokenHash, schema, table string, revision int) (Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := name{schema, table}
	kept := s.sessions[of]
	if kept == nil || kept.tables[n] == nil {
		return Table{}, &afauth.Error{Code: afauth.CodeInvalid, Message: "there is nothing to save", Hint: "the changes have been saved or discarded"}
	}
	if kept.saving[n] {
		return Table{}, errSaving
	}
	if kept.tables[n].Revision != revision {
		return Table{}, ErrChanged
	}
	kept.saving[n] = true
	return kept.tables[n].clone(), nil
}

// End puts back what is left of a draft after it was saved: nothing, or all of
// it with what was said against it.
func (s *Store) End(of afauth.TokenHash, left Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := name{left.Schema, left.Name}
	kept := s.sessions[of]
	if kept == nil {
		return
	}
	delete(kept.saving, n)
	left.Revision++
	kept.put(n, &left)
}

// Say keeps a sentence for the session's next page, and Said takes it.
func (s *Store) Say(of afauth.TokenHash, sentence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.sessions[of]; kept != nil {
		kept.said = sentence
	}
}

// Said takes the sentence that Say has kept.
func (s *Store) Said(of afauth.TokenHash) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.sessions[of]
	if kept == nil {
		return ""
	}
	said := kept.said
	kept.said = ""
	return said
}
