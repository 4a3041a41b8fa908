package studio_test

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/address"
)

// most is how many columns of a wide table are changed.
const most = 8

// edit changes a row in every column that can be changed, clears it, inserts a
// row and deletes it, each by the forms of the pages.
func (z *zoo) edit(r relation) {
	path := z.base.Table(r.schema, r.name, address.View{})
	if _, no := unreadable[r.name]; no {
		return
	}
	if len(r.key) == 0 || !strings.Contains("rp", r.kind) {
		body := z.page(path)
		if said := words(body); !strings.Contains(said, "can be read and not edited: ") || strings.Contains(body, "data-edit") || strings.Contains(body, `id="insert"`) {
			z.t.Errorf("it is not said why rows cannot be edited: %s", clipped(said))
		}
		return
	}
	columns := r.editable()
	if z.answer("SELECT count(*)::text FROM "+r.identifier()) != "0" {
		row := z.keyOf(r, "TRUE", pick[r.name])
		change := make(map[int]string)
		for _, i := range columns {
			if value, ok := fresh(r, i, 1); ok {
				change[i] = value
			}
		}
		z.keep(r, row, "text", change)
		if z.saved(r, refuses[r.name]) {
			row = z.keyOf(r, z.same(r, change), 0)
			var cleared []string
			null := make(map[int]string)
			for _, i := range columns {
				if !r.notNull[i] {
					null[i] = ""
					cleared = append(cleared, pgx.Identifier{r.columns[i]}.Sanitize()+" IS NULL")
				}
			}
			if len(cleared) == 0 {
				z.insert(r, columns)
				return
			}
			z.keep(r, row, "null", null)
			if z.saved(r, "") {
				z.keyOf(r, strings.Join(cleared, " AND "), 0)
			}
		}
	}
	z.insert(r, columns)
}

// insert makes a row by the form for one, and deletes it.
func (z *zoo) insert(r relation, columns []int) {
	path := z.base.Table(r.schema, r.name, address.View{})
	if form := z.page(path + query("open", "insert")); strings.Count(form, `<fieldset>`) != len(r.columns) {
		z.t.Errorf("the form for a row has not %d columns", len(r.columns))
	}
	fields, change := []string{"back", path}, make(map[int]string)
	for _, i := range columns {
		value, ok := fresh(r, i, 2)
		if !ok && !slices.Contains(r.key, r.columns[i]) {
			continue
		}
		if special, ok := inserts[r.name+"."+r.columns[i]]; ok {
			value = special
		}
		if strings.HasPrefix(r.name, "hashed_") && r.columns[i] == "id" {
			value = z.answer("SELECT min(i)::text FROM generate_series(7000, 7100) i WHERE satisfies_hash_partition('public.hashed'::regclass, 2, $1, i)", int(r.name[7]-'0'))
		}
		change[i] = value
		field := strconv.Itoa(int(r.nums[i]))
		fields = append(fields, "how-"+field, "text", "value-"+field, value)
	}
	if status, _, body := z.submit(path+"/new", fields...); status != http.StatusSeeOther {
		z.t.Fatalf("a new row: %d\n%s", status, clipped(words(body)))
	}
	if !z.saved(r, refuses[r.name]) {
		return
	}
	row := z.keyOf(r, z.same(r, change), 0)
	z.delete(r, row)
	if left := z.answer("SELECT count(*)::text FROM " + r.identifier() + " WHERE " + z.same(r, change)); left != "0" {
		z.t.Errorf("%s rows are left of one that was deleted", left)
	}
}

func (z *zoo) delete(r relation, key []string) {
	row := z.row(r, key)
	v := r.none()
	v.Open = "delete"
	version := found(z.t, versionField, z.page(z.base.Row(r.schema, r.name, address.Key(key), v)))
	if status, _, body := z.submit(row, "do", "delete", "version", version, "back", "/"); status != http.StatusSeeOther {
		z.t.Fatalf("marking to be deleted: %d\n%s", status, clipped(words(body)))
	}
	z.saved(r, "")
}

// saved saves what is drafted. What is to be refused, in these words, is thrown
// away.
func (z *zoo) saved(r relation, refused string) bool {
	z.t.Helper()
	path := z.base.Table(r.schema, r.name, address.View{})
	still := z.base.Table(r.schema, r.name, r.none())
	status, to, body := z.submit(path+"/save", "revision", found(z.t, revisionField, z.page(still)), "back", still)
	if status != http.StatusSeeOther || to != still {
		z.t.Errorf("saving: %d, %s %s", status, to, clipped(words(body)))
		return false
	}
	_, faults, faulty := strings.Cut(z.page(still), `<div class="faults"`)
	if !faulty && refused == "" {
		return true
	}
	faults, _, _ = strings.Cut(faults, "</ul>")
	if said := html.UnescapeString(words(faults)); refused == "" || !strings.Contains(said, refused) {
		z.t.Errorf("the page says %q, want %q", said, refused)
	}
	z.submit(path + "/discard")
	return false
}

func (z *zoo) row(r relation, key []string) string {
	return z.base.Row(r.schema, r.name, address.Key(key), r.none())
}

// none is a view without rows, which is drawn quickly.
func (r relation) none() address.View {
	return address.View{Filters: []address.Filter{{Column: r.key[0], Op: address.Null}}}
}

// keep keeps changes of a row by the form of its page.
func (z *zoo) keep(r relation, key []string, how string, change map[int]string) {
	z.t.Helper()
	z.keepOn(r, key, "", how, change)
}

// keepOn is keep for a version of the row that a page has shown.
func (z *zoo) keepOn(r relation, key []string, version, how string, change map[int]string) {
	z.t.Helper()
	for _, i := range slices.Sorted(maps.Keys(change)) {
		if version == "" { // of the row as it is read first
			v := r.none()
			v.Open = "edit:" + r.columns[i]
			version = found(z.t, versionField, z.page(z.base.Row(r.schema, r.name, address.Key(key), v)))
		}
		if status, _, body := z.submit(z.row(r, key), "do", "set", "column", r.columns[i], "version", version, "how", how, "value", change[i], "back", "/"); status != http.StatusSeeOther {
			z.t.Fatalf("keeping %s = %s %q: %d\n%s", r.columns[i], how, change[i], status, clipped(words(body)))
		}
	}
}

// keyOf is the key of a row that there must be, the nth in order.
func (z *zoo) keyOf(r relation, where string, nth int) []string {
	z.t.Helper()
	var texts, names []string
	for _, c := range r.key {
		names = append(names, pgx.Identifier{c}.Sanitize())
		texts = append(texts, "format('%s', "+pgx.Identifier{c}.Sanitize()+")")
	}
	var key []string
	sql := fmt.Sprintf("SELECT ARRAY[%s] FROM %s WHERE %s ORDER BY %s LIMIT 1 OFFSET %d", strings.Join(texts, ", "), r.identifier(), where, strings.Join(names, ", "), nth)
	if err := z.pool.QueryRow(z.t.Context(), sql).Scan(&key); err != nil {
		z.t.Fatalf("the row is not there as it was saved: %v\n%s", err, clipped(sql))
	}
	return key
}

// same is the condition for rows with exactly these texts.
func (z *zoo) same(r relation, values map[int]string) string {
	all := []string{"TRUE"}
	for i, v := range values {
		all = append(all, fmt.Sprintf("CAST(%s AS text) = CAST(CAST(%s AS %s) AS text)", pgx.Identifier{r.columns[i]}.Sanitize(), quoted(v), r.types[i]))
	}
	slices.Sort(all)
	return strings.Join(all, " AND ")
}

// editable are the columns that can be typed, of a wide table some.
func (r relation) editable() []int {
	var all []int
	for i := range r.columns {
		if !r.computed[i] && (len(all) < most || i == len(r.columns)-1 || slices.Contains(r.key, r.columns[i])) {
			all = append(all, i)
		}
	}
	return all
}

// editType gives rows of a type's table each of its values, and more.
func (z *zoo) editType(r relation, b builtin) {
	if len(b.samples) == 0 {
		z.keep(r, []string{"0"}, "text", map[int]string{1: "1"})
		if said := words(z.page(z.base.Table(r.schema, r.name, address.View{}))); !strings.Contains(said, "none can be typed") {
			z.t.Errorf("it is not said that values cannot be typed: %s", clipped(said))
		}
		z.submit(z.base.Table(r.schema, r.name, address.View{}) + "/discard")
		z.insert(r, []int{0})
		return
	}
	size := len(b.samples)
	list := func(n int) string {
		return z.answer("SELECT format('%s', list) FROM "+r.identifier()+" WHERE n = $1", n%size)
	}
	var conditions []string
	for i := range size {
		key := z.keyOf(r, fmt.Sprintf("n = %d", i), 0)
		version := z.editorHolds(r, key, i)
		change := map[int]string{slices.Index(r.columns, "v"): b.sample(i + 1)}
		conditions = append(conditions, fmt.Sprintf("n = %d AND CAST(v AS text) = CAST(CAST(%s AS %s) AS text)", i, quoted(b.sample(i+1)), b.sql()))
		if b.array {
			next := list(i + 1)
			change[slices.Index(r.columns, "list")] = next
			conditions[i] += " AND CAST(list AS text) = " + quoted(next)
		}
		z.keepOn(r, key, version, "text", change)
	}
	last := list(size - 1)
	if z.saved(r, "") {
		for _, c := range conditions {
			z.keyOf(r, c, 0)
		}
	}
	row := z.keyOf(r, fmt.Sprintf("n = %d", size), 0)
	z.keep(r, row, "null", map[int]string{slices.Index(r.columns, "v"): ""})
	change := map[int]string{}
	for i, c := range r.columns {
		change[i] = map[string]string{"k": b.sample(size - 1), "n": "4001", "v": b.sample(0), "list": last}[c]
	}
	fields := []string{"back", "/"}
	for i, v := range change {
		fields = append(fields, "how-"+strconv.Itoa(i+1), "text", "value-"+strconv.Itoa(i+1), v)
	}
	if status, _, body := z.submit(z.base.Table(r.schema, r.name, address.View{})+"/new", fields...); status != http.StatusSeeOther {
		z.t.Fatalf("a new row: %d\n%s", status, clipped(words(body)))
	}
	if z.saved(r, "") {
		z.keyOf(r, fmt.Sprintf("n = %d AND v IS NULL", size), 0)
		z.delete(r, z.keyOf(r, z.same(r, change), 0))
	}
}

// editorHolds compares what the editor of a value holds with the value, and
// returns the version of the row.
func (z *zoo) editorHolds(r relation, key []string, n int) (version string) {
	z.t.Helper()
	v := r.none()
	v.Open = "edit:v"
	body := z.page(z.base.Row(r.schema, r.name, address.Key(key), v))
	_, part, _ := strings.Cut(body, `id="editor-value"`)
	part, _, _ = strings.Cut(part, `<p class="ways">`)
	got := ""
	if _, value, ok := strings.Cut(part, "\" selected>"); ok {
		got, _, _ = strings.Cut(value, "</option>")
	} else if _, value, ok := strings.Cut(part, ` value="`); ok {
		got, _, _ = strings.Cut(value, `"`)
	} else {
		_, value, _ := strings.Cut(part, ">\n")
		got, _, _ = strings.Cut(value, "</textarea>")
	}
	if want := z.answer("SELECT CAST(v AS text) FROM "+r.identifier()+" WHERE n = $1", n); html.UnescapeString(got) != want {
		z.t.Errorf("the editor holds %q, the database %q", clipped(html.UnescapeString(got)), clipped(want))
	}
	return found(z.t, versionField, body)
}
