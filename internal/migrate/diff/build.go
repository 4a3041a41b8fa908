package diff

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// builder changes a schema on the shadow until it is the wanted one, and keeps
// the statements that did it.
type builder struct {
	conn   *pgx.Conn
	schema string
	want   catalog.Catalog
	read   func(context.Context) (catalog.Catalog, error) // the schema as it is now
	parts  []catalog.Part
	// lenient leaves extensions and event triggers alone that are not wanted:
	// where a database is a source, they may be its host's.
	lenient bool
	// careful never drops what is in the way of a change.
	careful bool
	steps   []Step
}

// action makes one difference good. Its ways are tried in order.
type action struct {
	ways     [][]Step
	subjects []subject // what others depend on, where that can stand in the way
}

// run works in rounds. An action that fails, because what it needs comes later
// or is in the way, comes again in the next round if it is still needed.
func (b *builder) run(ctx context.Context) error {
	seen := map[string]bool{}
	for {
		have, err := b.read(ctx)
		if err != nil {
			return err
		}
		left := b.differences(have)
		if len(left) == 0 {
			return nil
		}
		print := have.Fingerprint(b.parts...)
		if seen[print] {
			return &IncompleteError{Left: left} // the statements undo each other, or do nothing
		}
		seen[print] = true
		g := generator{schema: b.schema, want: b.want, have: have}
		failed, done, err := b.try(ctx, g.actions(left))
		if err != nil {
			return err
		}
		for i := 0; !done && !b.careful && i < len(failed); i++ {
			if done, err = b.clear(ctx, have, failed[i]); err != nil {
				return err
			}
		}
		if !done {
			e := &IncompleteError{Left: left}
			if len(failed) > 0 {
				e.Err = failed[0].err
			}
			return e
		}
	}
}

// differences compares, and leaves out what is not to be touched.
func (b *builder) differences(have catalog.Catalog) []catalog.Difference {
	var out []catalog.Difference
	for _, d := range catalog.Compare(b.want, have, b.parts...) {
		if b.lenient && d.Extra && (d.Kind == catalog.Extension || d.Kind == catalog.EventTrigger) {
			continue
		}
		out = append(out, d)
	}
	return out
}

// failure is an action of which no way worked.
type failure struct {
	action
	err error // of its last way
}

// try runs each action, and reports whether any worked.
func (b *builder) try(ctx context.Context, actions []action) (failed []failure, done bool, err error) {
	for _, a := range actions {
		var refused error
		for _, way := range a.ways {
			if refused, err = b.exec(ctx, way); err != nil {
				return nil, false, err
			}
			if refused == nil {
				b.steps = append(b.steps, way...)
				done = true
				break
			}
		}
		if refused != nil {
			failed = append(failed, failure{a, refused})
		}
	}
	return failed, done, nil
}

// exec runs statements together, or not at all. refused is what the server has
// against one of them; err is that it could not be asked.
func (b *builder) exec(ctx context.Context, way []Step) (refused, err error) {
	// Outside a transaction the statements of one query are one by themselves.
	begin, commit, rollback := "BEGIN", "COMMIT", "ROLLBACK"
	if b.conn.PgConn().TxStatus() != 'I' {
		begin, commit, rollback = "SAVEPOINT af_auth_step", "RELEASE SAVEPOINT af_auth_step",
			"ROLLBACK TO SAVEPOINT af_auth_step; RELEASE SAVEPOINT af_auth_step"
	}
	if _, err := b.conn.PgConn().Exec(ctx, begin).ReadAll(); err != nil {
		return nil, err
	}
	for _, s := range way {
		if _, refused = b.conn.PgConn().Exec(ctx, s.SQL).ReadAll(); refused != nil {
			break
		}
	}
	if refused == nil {
		_, refused = b.conn.PgConn().Exec(ctx, commit).ReadAll()
	}
	if refused == nil {
		return nil, nil
	}
	var pg *pgconn.PgError
	if !errors.As(refused, &pg) {
		return nil, refused
	}
	_, err = b.conn.PgConn().Exec(ctx, rollback).ReadAll()
	return refused, err
}

// clear drops what depends on the subjects of an action that failed, and tries
// the action again: first without what keeps a column's type from changing, then
// without all. What was dropped is made again by the next rounds, where it is
// wanted.
func (b *builder) clear(ctx context.Context, have catalog.Catalog, f failure) (progress bool, err error) {
	for _, ofColumns := range []bool{true, false} {
		var actions []action
		for _, s := range f.subjects {
			found, err := s.dependents(ctx, b.conn, ofColumns)
			if err != nil {
				return progress, err
			}
			for _, d := range found {
				if o, ok := have.Find(d.Kind, d.Of, d.Name); ok {
					actions = append(actions, dropAgain(o))
				}
			}
		}
		dropped, err := b.tryAll(ctx, actions)
		if err != nil {
			return progress, err
		}
		if !dropped {
			continue
		}
		progress = true
		if _, done, err := b.try(ctx, []action{f.action}); done || err != nil {
			return progress, err
		}
	}
	return progress, nil
}

// tryAll runs actions until none works any more: what depends on something goes
// before it.
func (b *builder) tryAll(ctx context.Context, actions []action) (progress bool, err error) {
	for {
		failed, done, err := b.try(ctx, actions)
		if err != nil || !done {
			return progress, err
		}
		progress = true
		actions = nil
		for _, f := range failed {
			actions = append(actions, f.action)
		}
	}
}
