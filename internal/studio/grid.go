package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/draft"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/rows"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// sheet is what a grid is drawn from.
type sheet struct {
	db    *catalog.Database
	table *catalog.Table
	view  address.View
	query *rows.Query
	page  *rows.Page
	// estimate is how many rows the filters leave, -1: no idea; exact is their
	// number where it was asked for, -1: it was not.
	estimate, exact int64
	uncounted       bool // counting took too long
	// row is the one at the side; key names it, "" for none.
	row *rows.Row
	key string
	// counts are how many rows point at each row, by relation; nil: not counted.
	counts map[*catalog.Relation][]int
	// pointing are how many rows point at the row at the side.
	pointing map[*catalog.Relation]int
	took     time.Duration
	// draft is what the session has not saved of this table.
	draft draft.Table
}

// grid shows a table's rows, and beside them the row that the address names.
func (s *Server) grid(w http.ResponseWriter, r *http.Request) error {
	db, t, err := s.table(r)
	if err != nil {
		return err
	}
	view, err := address.Parse(r.URL.Query())
	if err != nil {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: err.Error(), Hint: "open the table anew: " + t.Label(), Err: err}
	}
	if to, ok := s.asked(r.URL.Query(), t, view); ok {
		seeOther(w, to)
		return nil
	}
	sh := &sheet{db: db, table: t, view: view, estimate: -1, exact: -1, key: r.PathValue("key")}
	if column, ok := strings.CutPrefix(view.Open, "edit:"); ok {
		sh.view.Whole = column // what is edited is edited whole
	}
	status := http.StatusOK
	var fault *page.Fault
	if err := s.read(r.Context(), sh); err != nil {
		e := explain(err)
		status = statusOf(e.Code)
		fault = s.gridFault(sh, e)
	}
	if sh.key != "" && sh.row == nil && fault == nil {
		status = http.StatusNotFound
	}
	s.send(w, r, status, s.gridPage(r, sh, fault))
	return nil
}

// table looks up the table that the address names.
func (s *Server) table(r *http.Request) (*catalog.Database, *catalog.Table, error) {
	schema, err := address.Name(r.PathValue("schema"))
	name, err2 := address.Name(r.PathValue("table"))
	if errors.Join(err, err2) != nil {
		return nil, nil, &afauth.Error{Code: afauth.CodeNotFound, Message: "the address names no table", Hint: "choose one from the list"}
	}
	db, err := s.catalog(r.Context())
	if err != nil {
		return nil, nil, err
	}
	if t := db.Table(schema, name); t != nil {
		return db, t, nil
	}
	s.forget()
	if db, err = s.catalog(r.Context()); err != nil {
		return nil, nil, err
	}
	if t := db.Table(schema, name); t != nil {
		return db, t, nil
	}
	return nil, nil, &afauth.Error{Code: afauth.CodeNotFound, Message: fmt.Sprintf("there is no table %s.%s", schema, name),
		Hint: "it may have been dropped, or this role may not see it; choose one from the list"}
}

// asked turns what a form of the grid has sent into the address that it means.
// An unfinished form changes nothing.
func (s *Server) asked(q url.Values, t *catalog.Table, v address.View) (string, bool) {
	switch {
	case q.Get("choose") == "1":
		v = v.Closed()
		v.Columns = nil
		if chosen := q["col"]; len(chosen) < len(t.Columns) || len(chosen) > rows.MaxColumns {
			v.Columns = chosen
		}
	case q.Get("fc") != "":
		f := address.Filter{Column: q.Get("fc"), Op: address.Op(q.Get("fo"))}
		switch f.Op.Values() {
		case 0:
		case 1:
			f.Values = []string{q.Get("fv")}
		default:
			f.Values = address.SplitValues(q.Get("fv"))
		}
		if i, err := strconv.Atoi(q.Get("fi")); err == nil && i >= 0 && i < len(v.Filters) {
			v = v.Replaced(i, f)
		} else {
			v = v.With(f)
		}
	default:
		return "", false
	}
	return s.base.Table(t.Schema, t.Name, v), true
}

// read asks the database for all that the page shows, in one transaction.
func (s *Server) read(ctx context.Context, sh *sheet) error {
	var err error
	if sh.query, err = rows.New(sh.table, sh.view); err != nil {
		return err
	}
	begun := time.Now()
	err = s.db.Read(ctx, database.Limits{Statement: s.PageTime, Lock: lockTime}, func(tx *database.Tx) error {
		if err := s.readRow(ctx, tx, sh); err != nil {
			return err
		}
		var err error
		if sh.page, err = sh.query.Page(ctx, tx); err != nil {
			return err
		}
		sh.took = time.Since(begun)
		if sh.estimate, err = sh.query.Estimate(ctx, tx); err != nil {
			return err
		}
		return s.readCounts(ctx, tx, sh)
	})
	switch {
	case err == nil && sh.view.Count:
		return s.readExact(ctx, sh)
	case err == nil:
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if strings.HasPrefix(pg.Code, "42") {
			s.forget()
		}
		if strings.HasPrefix(pg.Code, "22") {
			key, _ := address.ParseKey(sh.key) // none where the address names no row
			if culprit := sh.query.Culprit(ctx, s.db, key); culprit != nil {
				return culprit
			}
		}
	}
	return err
}

func (s *Server) readRow(ctx context.Context, tx *database.Tx, sh *sheet) error {
	if sh.key == "" {
		return nil
	}
	key, err := address.ParseKey(sh.key)
	if err != nil {
		return &afauth.Error{Code: afauth.CodeNotFound, Message: "the address names no row of " + sh.table.Label(), Hint: "open the table"}
	}
	if sh.row, err = sh.query.One(ctx, tx, key); err != nil || sh.row == nil {
		return err
	}
	sh.pointing = make(map[*catalog.Relation]int)
	for _, rel := range sh.table.In {
		if !rows.Countable(rel) {
			continue
		}
		n, err := rows.Counts(ctx, tx, rel, []*rows.Row{sh.row})
		if err != nil {
			return err
		}
		sh.pointing[rel] = n[0]
	}
	return nil
}

// readCounts counts the rows that point at each row of the page, where an index
// makes that cheap.
func (s *Server) readCounts(ctx context.Context, tx *database.Tx, sh *sheet) error {
	sh.counts = make(map[*catalog.Relation][]int)
	for _, rel := range sh.table.In {
		if len(sh.counts) == maxRelations || !rows.Countable(rel) {
			continue
		}
		n, err := rows.Counts(ctx, tx, rel, sh.page.Rows)
		if err != nil {
			return err
		}
		sh.counts[rel] = n
	}
	return nil
}

// maxRelations is how many columns of relations a grid counts.
const maxRelations = 4

// readExact counts the rows, in a transaction of its own: the page stands
// without the number too.
func (s *Server) readExact(ctx context.Context, sh *sheet) error {
	err := s.db.Read(ctx, database.Limits{Statement: s.PageTime, Lock: lockTime}, func(tx *database.Tx) (err error) {
		sh.exact, err = sh.query.Count(ctx, tx)
		return err
	})
	if err != nil {
		sh.exact, sh.uncounted = -1, true
	}
	return nil
}

// gridFault is an error in place of rows, with the ways on.
func (s *Server) gridFault(sh *sheet, e *afauth.Error) *page.Fault {
	f := fault(e)
	for i, filter := range sh.view.Filters {
		f.Actions = append(f.Actions, page.Link{Text: "Without " + filter.Column + " " + opName(filter.Op, nil),
			Href: s.base.Table(sh.table.Schema, sh.table.Name, sh.view.Without(i))})
	}
	if sh.view.Sort != "" {
		f.Actions = append(f.Actions, page.Link{Text: "Sort by the key", Href: s.base.Table(sh.table.Schema, sh.table.Name, sh.view.Sorted("", false))})
	}
	if sh.view.Query() != "" || sh.key != "" {
		f.Actions = append(f.Actions, page.Link{Text: "All rows of " + sh.table.Label(), Href: s.base.Table(sh.table.Schema, sh.table.Name, address.View{})})
	}
	if sh.query != nil && sh.query.Slow != "" && e.Code == afauth.CodeUnavailable {
		f.Text = sh.query.Slow + " " + f.Text
	}
	return &f
}

// total says how many rows there are, as far as is known; limit is how long
// they may be counted.
func (sh *sheet) total(limit time.Duration) string {
	all := about(sh.table.Rows)
	filtered := sh.query != nil && (len(sh.view.Filters) > 0 || sh.view.Search != "")
	if sh.table.Rows < 0 {
		all = ""
	}
	number := ""
	switch {
	case sh.exact >= 0:
		number = catalog.Thousands(sh.exact)
	case sh.page != nil && sh.page.Complete:
		number = strconv.Itoa(len(sh.page.Rows))
	case sh.uncounted:
		return "not counted within " + value.Span(limit)
	case filtered && sh.estimate >= 0:
		number = "≈ " + catalog.Thousands(sh.estimate)
	case filtered:
		return ""
	default:
		return all
	}
	switch {
	case filtered && all != "":
		return number + " of " + all
	case number == "1":
		return "1 row"
	}
	return number + " rows"
}
