package studio

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/rows"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// sqlPage draws the box.
func (s *Server) sqlPage(r *http.Request, st *standing, t typed) page.SQL {
	v := page.SQL{Chrome: s.chrome(r, st.db, "sql", "SQL"), Role: st.role, Statement: t.text, Run: afauth.NewToken().Reveal()[:16],
		Rows: sqlRows, History: s.URL.Database() + "@" + s.URL.Host()}
	v.Path = s.base.Path("/sql")
	for _, limit := range sqlLimits() {
		v.Limits = append(v.Limits, page.Choice{Value: strconv.Itoa(int(limit.Seconds())), Label: value.Span(limit), Current: limit == t.limit})
	}
	if len(st.why) > 0 {
		v.Off = &page.SQLOff{Mend: strings.Join(st.mend, "\n"), Start: st.start}
		for _, why := range st.why {
			v.Off.Why = append(v.Off.Why, sentence(why))
		}
		return v
	}
	if s.SQLWrites && !s.ReadOnly {
		v.NoWrites = st.noWrites
		v.Writes = len(st.noWrites) == 0
		v.Writing = v.Writes && t.write
	}
	return v
}

// sqlResult draws an answer.
func sqlResult(t typed, columns []*catalog.Column, a *database.Answer) *page.SQLResult {
	res := &page.SQLResult{Took: fmt.Sprintf("%.1f ms", float64(a.Took.Microseconds())/1000)}
	if len(columns) == 0 {
		res.Said = a.Tag
		if !t.write {
			res.Note = "rolled back"
		}
		return res
	}
	if len(columns) == 1 && columns[0].Name == "QUERY PLAN" {
		var lines []string
		for _, row := range a.Rows {
			lines = append(lines, row[0].Text)
		}
		res.Plan = strings.Join(lines, "\n")
		res.Said = count(len(lines), "line", "lines")
		return res
	}
	for _, c := range columns {
		h := page.Head{Name: c.Name, Type: c.Shown, Right: c.Type.Kind == catalog.Number, Width: width(c, false)}
		if c.Type.Zoned() {
			h.Type += ", UTC"
		}
		h.Width = min((max(h.Width, 36+len([]rune(h.Name))*8, 20+len([]rune(h.Type))*7)+3)/4*4, 400)
		res.Heads, res.Width = append(res.Heads, h), res.Width+h.Width
	}
	for _, row := range a.Rows {
		line := make([]page.Cell, len(row))
		for i, kept := range row {
			line[i] = page.Cell{Shown: value.Show(answered(columns[i], kept)), Right: columns[i].Type.Kind == catalog.Number}
		}
		res.Lines = append(res.Lines, line)
	}
	res.Said = count(len(a.Rows), "row", "rows")
	if a.More {
		res.Said = "first " + res.Said
		res.Note = "there are more; write LIMIT and OFFSET, or WHERE"
	}
	if t.write {
		res.Said += " · " + a.Tag
	}
	return res
}

// answered is a value of an answer as values of tables are drawn.
func answered(c *catalog.Column, v *database.Value) rows.Cell {
	if v == nil {
		return rows.Cell{Column: c, Null: true, Bytes: -1}
	}
	cell := rows.Cell{Column: c, Text: &v.Text, Bytes: v.Bytes, Cut: int64(len(v.Text)) < v.Bytes}
	if c.Type.Kind == catalog.Bytes {
		cell.Bytes = max(0, (v.Bytes-2)/2) // \x, then two digits a byte
		if cell.Bytes == 0 {
			empty := ""
			cell.Text = &empty
		}
	}
	return cell
}

// sqlFault says why a statement failed. PostgreSQL's own words stand here, as
// nowhere else in studio: the user that they were said to has no right to what
// is masked.
func sqlFault(t typed, db *catalog.Database, err error) (*page.SQLFault, int) {
	say := func(status int, title, text, hint string) (*page.SQLFault, int) {
		return &page.SQLFault{Title: title, Text: text, Hint: hint}, status
	}
	kept := "Nothing was changed."
	switch {
	case errors.Is(err, database.ErrBusy):
		return say(http.StatusServiceUnavailable, "Not run", "Two statements of the box are running already.", "Wait, or cancel one.")
	case errors.Is(err, database.ErrParameters):
		return say(http.StatusUnprocessableEntity, "Not run", "The statement has parameters ($1), and the box has no values for them.", "Write the values into the statement.")
	case errors.Is(err, database.ErrCancelled):
		return say(http.StatusUnprocessableEntity, "Cancelled", "PostgreSQL has stopped the statement. "+kept, "")
	case errors.Is(err, database.ErrTooLong):
		return say(http.StatusServiceUnavailable, "Stopped", "Stopped after "+value.Span(t.limit)+". "+kept, "Choose a longer limit, or ask for less; Explain says what it would read.")
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		e := explain(err)
		return say(statusOf(e.Code), "No answer", sentence(e.Message), sentence(e.Hint))
	}
	f := &page.SQLFault{Title: "PostgreSQL refuses the statement", Text: sentence(pg.Message), Detail: pg.Detail, Hint: pg.Hint, State: pg.Code}
	switch {
	case pg.Code == "42601" && pg.Routine == "exec_parse_message":
		f.Title, f.Text = "One statement at a time", "The box holds more than one statement, and runs none of them."
	case pg.Code == "25006":
		f.Text = "It would change something, and the box works in a READ ONLY transaction: " + pg.Message + "."
	case pg.Code == "55P03":
		f.Hint = "Somebody holds it for themselves; run the statement again when that is done."
	case pg.Code == "42501":
		f.Hint = cmp.Or(byName(db, pg.Message), f.Hint)
	}
	f.Before, f.Mark, f.After = marked(t.text, int(pg.Position)-len([]rune(t.prefix)))
	return f, http.StatusUnprocessableEntity
}

// marked parts a statement at the word that begins at a place, counted in
// characters from 1.
func marked(sql string, place int) (before, mark, after string) {
	all := []rune(sql)
	if place < 1 || place > len(all)+1 {
		return "", "", ""
	}
	start := place - 1
	if start == len(all) {
		return sql, "⏎", ""
	}
	end := start + 1
	word := func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' }
	for word(all[start]) && end < len(all) && word(all[end]) {
		end++
	}
	return string(all[:start]), string(all[start:end]), string(all[end:])
}
