package studio

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/change"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/draft"
)

// saveTime bounds each statement that saves; allTime all of them.
const (
	saveTime = 10 * time.Second
	allTime  = 45 * time.Second
)

// errUnrecorded says that a change was undone because nobody could be told.
var errUnrecorded = errors.New("the change could not be recorded")

// write runs fn in a transaction that writes. Functions and triggers of the
// database meet the search_path of any other session; what studio itself sends
// names everything in full.
func (s *Server) write(ctx context.Context, fn func(*database.Tx) error) error {
	if s.ReadOnly {
		return errReadOnly
	}
	return s.db.Write(ctx, database.Limits{Statement: saveTime, Lock: lockTime}, func(tx *database.Tx) error {
		if err := tx.Home(ctx); err != nil {
			return err
		}
		if s.Begin != nil {
			if err := s.Begin(ctx, tx.Pgx()); err != nil {
				return errors.Join(errUnrecorded, err)
			}
		}
		return fn(tx)
	})
}

// save saves the draft of a table, as it was when the page was drawn.
func (s *Server) save(w http.ResponseWriter, r *http.Request) error {
	d, err := s.drafted(r)
	if err != nil {
		return err
	}
	revision, err := strconv.Atoi(d.form.Get("revision"))
	if err != nil {
		return draft.ErrChanged
	}
	to, err := s.saveDraft(r.Context(), d, revision, s.back(d.form.Get("back")))
	if err != nil {
		return err
	}
	seeOther(w, to)
	return nil
}

// saveDraft saves all of a draft or nothing of it, and returns where to go on.
func (s *Server) saveDraft(ctx context.Context, d *drafting, revision int, back string) (string, error) {
	t := d.table
	left, err := s.draft.Begin(d.session, t.Schema, t.Name, revision)
	if err != nil {
		return "", err
	}
	defer func() { s.draft.End(d.session, left) }()
	left.Retry()
	if left.Faulty() {
		return back, nil // the page says of each what is wrong
	}
	plan, err := change.New(t, left.Rows)
	if err != nil {
		return "", err
	}
	// Whoever closes the window now does not break it off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), allTime)
	defer cancel()
	err = s.write(ctx, func(tx *database.Tx) error {
		return plan.Apply(ctx, tx, func(done change.Done) error { return s.tell(ctx, tx, d, done) })
	})
	var conflict *change.Conflict
	var unknown *database.Unknown
	switch {
	case err == nil:
		s.draft.Say(d.session, "Saved "+counted(&left)+" of "+t.Label()+".")
		left.Rows = nil
		return back, nil
	case errors.As(err, &unknown):
		s.Logger.WarnContext(ctx, "the answer to a COMMIT was lost")
		left.Unknown = true
		return s.base.Part(t.Schema, t.Name, "review"), nil
	case errors.As(err, &conflict):
		for _, id := range conflict.IDs {
			left.Row(id).Conflict = true
		}
		return s.base.Part(t.Schema, t.Name, "conflict"), nil
	case errors.Is(err, errUnrecorded):
		s.Logger.ErrorContext(ctx, "a change was not recorded", "sqlstate", sqlState(err))
		return "", &afauth.Error{Code: afauth.CodeUnavailable, Message: "the change could not be recorded, so nothing was changed",
			Hint: "the changes are still here; see that the table of events can be written to, then save again", Err: err}
	case sqlState(err) == "" && !change.Known(err):
		return "", &afauth.Error{Code: afauth.CodeUnavailable, Message: "the database cannot be reached, and nothing was written", Hint: "the changes are still here; save again when PostgreSQL runs", Err: err}
	}
	s.blame(&left, plan.Explain(ctx, s.db, database.Limits{Statement: s.PageTime, Lock: lockTime}, d.db, err))
	if back == "" {
		back = s.base.Table(t.Schema, t.Name, address.View{})
	}
	return back, nil
}

// blame writes what the database held against a draft to the cell or row that
// it is about; to all rows where it is not known which.
func (s *Server) blame(t *draft.Table, f change.Fault) {
	for i := range t.Rows {
		row := &t.Rows[i]
		if f.ID != "" && row.ID != f.ID {
			continue
		}
		if v, ok := row.Values[f.Column]; ok && f.ID != "" && row.Kind != draft.Delete {
			v.Refused = f.Text
			row.Values[f.Column] = v
			continue
		}
		row.Refused = f.Text
	}
}

// tell hands a change to the audit function.
func (s *Server) tell(ctx context.Context, tx *database.Tx, d *drafting, done change.Done) error {
	if s.Audit == nil {
		return nil
	}
	err := s.Audit(ctx, tx.Pgx(), Change{Schema: d.table.Schema, Table: d.table.Name, Kind: string(done.Kind), Key: done.Key,
		Before: done.Before, After: done.After, Cleared: done.Cleared})
	if err != nil {
		return errors.Join(errUnrecorded, err)
	}
	return nil
}

// counted is "2 changes in 2 rows".
func counted(t *draft.Table) string {
	return count(t.Changes(), "change", "changes") + " in " + count(len(t.Rows), "row", "rows")
}
