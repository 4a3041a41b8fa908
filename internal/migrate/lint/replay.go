package lint

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// replay runs one file.
type replay struct {
	conn    *pgx.Conn
	said    *notices
	options Options
	file    migrate.File
	now     *snapshot // after the last statement of a transaction; nil: not known
	waiting *step     // the first of the statements that share a look; nil: none
}

// run runs the file and returns what was found in it.
func (r *replay) run(ctx context.Context) ([]Finding, error) {
	if !r.options.looksAt(r.file) {
		return nil, r.forward(ctx, nil)
	}
	look := newInspection(r.file)
	// Such a statement fails in a transaction; outside one it can be looked at.
	if !r.file.Outside {
		r.file.Outside = look.concurrentInside()
	}
	var before catalog.Catalog
	var err error
	if look.base, err = read(ctx, r.conn, r.options.schema()); err == nil && !r.file.NoDown {
		before, err = r.catalogue(ctx)
	}
	if err == nil {
		err = r.forward(ctx, look)
	}
	if err != nil {
		return look.findings(), err
	}
	if r.file.NoDown {
		look.downMissing()
	} else {
		err = r.back(ctx, look, before)
	}
	return look.findings(), err
}

func (r *replay) catalogue(ctx context.Context) (catalog.Catalog, error) {
	return catalog.Read(ctx, r.conn, r.options.schema(), migrate.Tables()...)
}

// exec runs SQL by the simple protocol, as a deployment does.
func (r *replay) exec(ctx context.Context, sql string) error {
	_, err := r.conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// forward runs the up file, and shows look each statement; nil: nobody looks.
func (r *replay) forward(ctx context.Context, look *inspection) error {
	settings := migrate.Settings(r.options.schema())
	if err := r.exec(ctx, "RESET ALL; "+settings+"; SET client_min_messages TO warning"); err != nil {
		return err
	}
	statements := r.file.Statements(false)
	if r.file.Outside {
		for _, st := range statements {
			if err := r.outside(ctx, st, look); err != nil {
				return err
			}
		}
		if err := r.settle(ctx, look); err != nil {
			return err
		}
		return look.finish(ctx, r)
	}
	if err := r.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, st := range statements {
		if err := r.statement(ctx, st, look); err != nil {
			return err
		}
	}
	if err := r.settle(ctx, look); err != nil {
		return err
	}
	if err := r.exec(ctx, "COMMIT"); err != nil {
		return &diff.FileError{File: r.file.UpName(), Err: fmt.Errorf("at its COMMIT: %w", err)}
	}
	return look.finish(ctx, r)
}

// outside runs a statement of a file that has no transaction around it: in one
// of its own, where that can be.
func (r *replay) outside(ctx context.Context, st migrate.Statement, look *inspection) error {
	if st.Alone || st.Setting() {
		return r.statement(ctx, st, look)
	}
	if err := r.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := r.statement(ctx, st, look); err != nil {
		return err
	}
	if err := r.exec(ctx, "COMMIT"); err != nil {
		return r.refused(st, err)
	}
	return nil
}

// statement runs one statement between two looks at the database.
func (r *replay) statement(ctx context.Context, st migrate.Statement, look *inspection) error {
	if look == nil {
		return r.send(ctx, st)
	}
	s := &step{st: st, words: st.Words(), base: look.base}
	// SET TRANSACTION must come before any query, so nothing is asked for those.
	if s.first("set", "reset", "comment") {
		if err := r.settle(ctx, look); err != nil {
			return err
		}
		r.now = nil // a comment takes a lock as well
		return r.send(ctx, st)
	}
	if err := r.begin(ctx, s); err != nil {
		return err
	}
	if waits, err := r.wait(ctx, s); waits || err != nil {
		return err
	}
	if r.waiting != nil {
		if err := r.settle(ctx, look); err != nil {
			return err
		}
		if err := r.begin(ctx, s); err != nil {
			return err
		}
	}
	if err := r.listen(ctx); err != nil {
		return err
	}
	if err := r.send(ctx, st); err != nil {
		return err
	}
	return r.observe(ctx, s, look)
}

// begin says what is there before a statement, and what it is going to change.
func (r *replay) begin(ctx context.Context, s *step) (err error) {
	s.before = r.now
	if r.waiting != nil {
		s.before = r.waiting.before
	}
	if s.before == nil {
		if s.before, err = read(ctx, r.conn, r.options.schema()); err != nil {
			return err
		}
	}
	if s.changes = nil; !s.plainInsert() {
		s.changes = r.changes(ctx, s)
	}
	return nil
}

// listen has the server say what it does, from here on. Said each time, because
// files of pg_dump begin with another level.
func (r *replay) listen(ctx context.Context) error {
	err := r.exec(ctx, "SET client_min_messages TO debug1")
	r.said.take()
	return err
}

// observe looks at the database after a statement.
func (r *replay) observe(ctx context.Context, s *step, look *inspection) (err error) {
	s.notices = r.said.take()
	if err := r.exec(ctx, "SET client_min_messages TO warning"); err != nil {
		return err
	}
	if s.after, err = read(ctx, r.conn, r.options.schema()); err != nil {
		return err
	}
	if err := s.readNarrowed(ctx, r.conn); err != nil {
		return err
	}
	look.see(s)
	if !r.file.Outside {
		r.now = s.after
	}
	return nil
}

// send runs a statement.
func (r *replay) send(ctx context.Context, st migrate.Statement) error {
	if r.file.Batch.Table != "" {
		return r.batch(ctx, st)
	}
	if err := r.exec(ctx, st.SQL); err != nil {
		return r.refused(st, err)
	}
	return nil
}

// batch runs the statement of a backfill once, for all the keys that there are:
// the rows that earlier files have written.
func (r *replay) batch(ctx context.Context, st migrate.Statement) error {
	b := r.file.Batch
	var first, last []byte // NULL in an empty table: the statement is tried, and finds no row
	query := fmt.Sprintf("SELECT (SELECT %[1]s FROM %[2]s ORDER BY %[1]s LIMIT 1)::text, (SELECT %[1]s FROM %[2]s ORDER BY %[1]s DESC LIMIT 1)::text", b.Column, b.Table)
	if err := r.conn.QueryRow(ctx, query, pgx.QueryExecModeExec).Scan(&first, &last); err != nil {
		return r.refused(st, fmt.Errorf("-- batch: %s by %s: %w", b.Table, b.Column, err))
	}
	if result := r.conn.PgConn().ExecParams(ctx, st.SQL, [][]byte{first, last}, nil, nil, nil).Read(); result.Err != nil {
		return r.refused(st, result.Err)
	}
	return nil
}

// refused says where the server refused a statement.
func (r *replay) refused(st migrate.Statement, err error) error {
	line := st.Line
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Position > 0 {
		text := []rune(st.SQL) // positions count characters
		line += strings.Count(string(text[:min(int(pg.Position), len(text))]), "\n")
	}
	return &diff.FileError{File: r.file.UpName(), Line: line, Err: err}
}
