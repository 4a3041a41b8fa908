package studio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/csvfile"
)

// exported compares the three files with the rows; the one of SQL makes the
// table anew, and what it makes is the same.
func (z *zoo) exported(r relation) {
	t := z.t
	if len(r.columns) == 0 {
		for _, format := range []string{"csv", "jsonl", "sql"} {
			if status, body := z.get(z.base.Export(r.schema, r.name, format, address.View{})); status != http.StatusUnprocessableEntity || !strings.Contains(body, "has no columns") {
				t.Errorf("export as %s: %d %s", format, status, clipped(words(body)))
			}
		}
		return
	}
	var want []string
	for _, row := range z.rows(r, "", written) {
		want = append(want, r.exact(row))
	}
	slices.Sort(want)
	file := func(format string) string { return z.page(z.base.Export(r.schema, r.name, format, address.View{})) }
	for format, got := range map[string][]string{"CSV": z.linesOf(r, file("csv")), "JSON": z.objectsOf(r, file("jsonl"))} {
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s has other rows: %s", format, difference(got, want))
		}
	}
	if sql := file("sql"); strings.Contains("rp", r.kind) && !r.children {
		z.imported(r, sql)
	}
}

// linesOf are the rows of a CSV file.
func (z *zoo) linesOf(r relation, file string) []string {
	z.t.Helper()
	reader := csvfile.NewReader(strings.NewReader(file), ',')
	var all []string
	for {
		line, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return all[1:]
		case err != nil:
			z.t.Fatal(err)
		}
		cells := make([]*string, len(line.Cells))
		for i, c := range line.Cells {
			if text := csvfile.Fuse(c.Text); c.Text != "" || c.Quoted {
				cells[i] = &text
			}
		}
		all = append(all, r.exact(cells))
	}
}

// objectsOf are the rows of a file of JSON lines.
func (z *zoo) objectsOf(r relation, file string) []string {
	z.t.Helper()
	var all []string
	for line := range strings.Lines(file) {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &object); err != nil || len(object) != len(r.columns) {
			z.t.Fatalf("%v in %s", err, line)
		}
		cells := make([]*string, len(r.columns))
		for i, c := range r.columns {
			text, isJSON := string(object[c]), strings.HasPrefix(r.raw[i], "json") && r.raw[i] != "jsonpath"
			if text == "null" && !isJSON {
				continue
			}
			if s := ""; !isJSON && json.Unmarshal(object[c], &s) == nil {
				text = s
			}
			cells[i] = &text
		}
		all = append(all, r.exact(cells))
	}
	return all
}

// exact is a row as text. JSON is compared without its spaces, which do
// not count.
func (r relation) exact(row []*string) string {
	cells := make([]string, len(row))
	for i, v := range row {
		switch {
		case v == nil && (r.raw[i] == "json" || r.raw[i] == "jsonb"):
			cells[i] = "null" // JSON's own null and that of SQL look alike in JSON
		case v == nil:
			cells[i] = drawnNull
		case r.raw[i] == "json" || r.raw[i] == "jsonb":
			var b bytes.Buffer
			_ = json.Compact(&b, []byte(*v))
			cells[i] = b.String()
		case r.raw[i] == "bool":
			cells[i] = (*v)[:1]
		default:
			cells[i] = *v
		}
	}
	return strings.Join(cells, "\x1e")
}

// imported runs a file of SQL in place of the rows, and takes it back.
func (z *zoo) imported(r relation, file string) {
	z.t.Helper()
	ctx := z.t.Context()
	tx, err := z.pool.Begin(ctx)
	if err != nil {
		z.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	fingerprint := `SELECT count(*) || ' rows ' || md5(coalesce(string_agg("·"::text, E'\n' ORDER BY "·"::text COLLATE "C"), '')) FROM ` + r.identifier() + ` AS "·"`
	var before, after string
	// Rows of other tables may point here, and triggers may refuse.
	_, err = tx.Exec(ctx, "SET LOCAL session_replication_role = replica")
	err = errors.Join(err, tx.QueryRow(ctx, fingerprint).Scan(&before))
	if _, deleted := tx.Exec(ctx, "DELETE FROM "+r.identifier()); errors.Join(err, deleted) != nil {
		z.t.Fatal(err, deleted)
	}
	if _, err := tx.Conn().PgConn().Exec(ctx, file).ReadAll(); err != nil {
		z.t.Errorf("the file of SQL does not run: %v", err)
		return
	}
	if err := tx.QueryRow(ctx, fingerprint).Scan(&after); err != nil || after != before {
		z.t.Errorf("the file of SQL makes %s, not %s (%v)", after, before, err)
	}
}
