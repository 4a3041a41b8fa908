// Package load puts the lines of a CSV file into a table, all of them or none.
//
// Lines go in by the batch, each batch as one INSERT whose values travel beside
// it, one array a column. A batch that PostgreSQL refuses is parted until the
// lines that it refuses are alone: each is named with its number, its column and
// words of ours. PostgreSQL's own messages quote values and are not shown.
//
// A run writes into the transaction that it is given. Whether it stays is the
// caller's to say: a trial rolls it back.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/csvfile"
	"github.com/af-auth/af-auth/internal/studio/database"
)

const (
	// batchRows and batchBytes bound what is sent and held at a time.
	batchRows  = 500
	batchBytes = 1 << 20
	// MaxBad is how many bad lines are named. Reading stops there.
	MaxBad = 100
)

// Null says which cells are NULL.
type Null string

// The choices.
const (
	// NullEmpty: an empty cell without quotes. Our own exports have it so.
	NullEmpty Null = "empty"
	// NullAnyEmpty: an empty cell, with quotes or without.
	NullAnyEmpty Null = "any-empty"
	// NullWord and NullEscape: the word NULL, or \N, without quotes.
	NullWord   Null = "word"
	NullEscape Null = "escape"
	// NullNever: none.
	NullNever Null = "never"
)

// Of returns the value of a cell; nil is NULL.
func (n Null) Of(c csvfile.Cell, fuse bool) *string {
	null := false
	switch n {
	case NullEmpty:
		null = c.Text == "" && !c.Quoted
	case NullAnyEmpty:
		null = c.Text == ""
	case NullWord:
		null = c.Text == "NULL" && !c.Quoted
	case NullEscape:
		null = c.Text == `\N` && !c.Quoted
	}
	if null {
		return nil
	}
	if fuse {
		c.Text = csvfile.Fuse(c.Text)
	}
	return &c.Text
}

// Plan is how a file goes into a table.
type Plan struct {
	Table *catalog.Table
	// Columns are where each cell of a line goes; nil: nowhere.
	Columns []*catalog.Column
	Null    Null
	// Fuse takes away what csvfile.Defuse has put before a text.
	Fuse bool
	// Skip passes over lines whose key is in the table.
	Skip bool
}

// Bad is a line that cannot go in.
type Bad struct {
	Line         int
	Column, Text string
}

// Report is what became of a file.
type Report struct {
	// Rows went in, Skipped lines had a key that was there.
	Rows, Skipped int64
	Bad           []Bad
	// More says that reading stopped at MaxBad.
	More bool
}

// row is one line that can be read.
type row struct {
	line   int
	values []*string // by column that is used
}

type run struct {
	plan    Plan
	tx      *database.Tx
	columns []*catalog.Column // used
	cells   []int             // where they stand in a line
	sql     string
	report  Report
}

// Run reads the lines behind the file's head and inserts them. An error is
// about the run as a whole; what is about a line is in the report.
func Run(ctx context.Context, tx *database.Tx, p Plan, file *csvfile.Reader) (*Report, error) {
	r := &run{plan: p, tx: tx}
	for i, c := range p.Columns {
		if c != nil {
			r.columns, r.cells = append(r.columns, c), append(r.cells, i)
		}
	}
	r.sql = r.insert()
	if err := tx.Home(ctx); err != nil {
		return nil, err
	}
	if err := r.read(ctx, file); err != nil {
		return nil, err
	}
	if len(r.report.Bad) > 0 {
		// Lines that cannot be read were met before the batch that they stood in.
		slices.SortStableFunc(r.report.Bad, func(a, b Bad) int { return cmp.Compare(a.Line, b.Line) })
		return &r.report, nil
	}
	// What is checked at the end of a transaction is checked now, in a trial too.
	if _, err := tx.Query(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || !strings.HasPrefix(pg.Code, "23") {
			return nil, err
		}
		r.bad(0, r.at(pg), r.constraint(pg)+", which is checked when all lines are in")
	}
	return &r.report, nil
}

// insert is the statement for a batch. Texts become values by the input
// function of the column's type; the assignment checks lengths.
func (r *run) insert() string {
	names, arrays, casts, parts := make([]string, len(r.columns)), make([]string, len(r.columns)), make([]string, len(r.columns)), make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i], parts[i] = c.Identifier(), fmt.Sprintf("c%d", i)
		arrays[i] = fmt.Sprintf("CAST($%d AS pg_catalog.text[])", i+1)
		casts[i] = fmt.Sprintf("CAST(v.c%d AS %s)", i, c.Type.Identifier())
	}
	sql := "INSERT INTO " + r.plan.Table.Identifier() + " (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(casts, ", ") +
		" FROM ROWS FROM ("
	for i, a := range arrays {
		if i > 0 {
			sql += ", "
		}
		sql += "pg_catalog.unnest(" + a + ")"
	}
	sql += ") AS v (" + strings.Join(parts, ", ") + ")"
	if r.plan.Skip {
		keys := make([]string, len(r.plan.Table.Key))
		for i, c := range r.plan.Table.Key {
			keys[i] = c.Identifier()
		}
		sql += " ON CONFLICT (" + strings.Join(keys, ", ") + ") DO NOTHING"
	}
	return sql
}

func (r *run) read(ctx context.Context, file *csvfile.Reader) error {
	var batch []row
	size := 0
	for !r.report.More {
		line, err := file.Next()
		var fault *csvfile.Fault
		switch {
		case errors.Is(err, io.EOF):
			return r.try(ctx, batch)
		case errors.As(err, &fault):
			r.bad(fault.Line, "", fault.Text)
			continue
		case err != nil:
			return err
		case blank(line, r.plan):
			continue
		case len(line.Cells) != len(r.plan.Columns):
			r.bad(line.Number, "", fmt.Sprintf("it has %s, the first line %d", cells(len(line.Cells)), len(r.plan.Columns)))
			continue
		}
		next := row{line: line.Number, values: make([]*string, len(r.cells))}
		for i, at := range r.cells {
			next.values[i] = r.plan.Null.Of(line.Cells[at], r.plan.Fuse)
			size += len(line.Cells[at].Text)
		}
		if batch = append(batch, next); len(batch) < batchRows && size < batchBytes {
			continue
		}
		if err := r.try(ctx, batch); err != nil {
			return err
		}
		batch, size = batch[:0], 0
	}
	return nil
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return strconv.Itoa(n) + " cells"
}

// blank reports whether a line has nothing on it and so is none.
func blank(l csvfile.Line, p Plan) bool {
	return len(p.Columns) > 1 && len(l.Cells) == 1 && l.Cells[0] == (csvfile.Cell{})
}

func (r *run) bad(line int, column, text string) {
	if len(r.report.Bad) == MaxBad {
		r.report.More = true
		return
	}
	r.report.Bad = append(r.report.Bad, Bad{Line: line, Column: column, Text: text})
}

// try inserts a batch; where that is refused it parts it in two, the first half
// first, so that of two lines with one key the second is the bad one.
func (r *run) try(ctx context.Context, batch []row) error {
	if len(batch) == 0 || r.report.More {
		return nil
	}
	n, err := r.send(ctx, batch)
	if err == nil {
		r.report.Rows += n
		r.report.Skipped += int64(len(batch)) - n
		return nil
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || !ofLine(pg.Code) {
		return err
	}
	if len(batch) == 1 {
		column, text, err := r.explain(ctx, pg, batch[0])
		if err == nil {
			r.bad(batch[0].line, column, text)
		}
		return err
	}
	half := len(batch) / 2
	if err := r.try(ctx, batch[:half]); err != nil {
		return err
	}
	return r.try(ctx, batch[half:])
}

// send inserts a batch at a point that the transaction can return to.
func (r *run) send(ctx context.Context, batch []row) (n int64, err error) {
	args := make([]*string, len(r.columns))
	for i := range r.columns {
		args[i] = array(batch, i)
	}
	return n, r.within(ctx, func() (err error) {
		n, err = r.tx.Stream(ctx, r.sql, args, func([][]byte) error { return nil })
		return err
	})
}

// within runs fn so that an error of it leaves the transaction good.
func (r *run) within(ctx context.Context, fn func() error) error {
	if _, err := r.tx.Query(ctx, "SAVEPOINT lines"); err != nil {
		return err
	}
	err := fn()
	end := "RELEASE SAVEPOINT lines"
	if err != nil {
		end = "ROLLBACK TO SAVEPOINT lines"
	}
	if _, ended := r.tx.Query(ctx, end); ended != nil && err == nil {
		return ended
	}
	return err
}

// array writes a column of a batch as an array of texts.
func array(batch []row, column int) *string {
	var b strings.Builder
	b.WriteByte('{')
	for i, row := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		v := row.values[column]
		if v == nil {
			b.WriteString("NULL")
			continue
		}
		b.WriteByte('"')
		for j := range len(*v) {
			if c := (*v)[j]; c == '"' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte((*v)[j])
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	s := b.String()
	return &s
}

// quoteAll names columns for people.
func quoteAll(columns []*catalog.Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}
