package address

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Op is how a filter compares.
type Op string

// The operators, as they stand in addresses.
const (
	Is       Op = "is"
	IsNot    Op = "not"
	Contains Op = "contains"
	Starts   Op = "starts"
	Less     Op = "lt"
	More     Op = "gt"
	AtMost   Op = "lte"
	AtLeast  Op = "gte"
	Between  Op = "between"
	In       Op = "in"
	Null     Op = "null"
	NotNull  Op = "notnull"
	Empty    Op = "empty"
)

// Values says how many values an operator takes; -1: one or more.
func (o Op) Values() int {
	switch o {
	case Null, NotNull, Empty:
		return 0
	case Between:
		return 2
	case In:
		return -1
	}
	return 1
}

// Filter is one condition on one column.
type Filter struct {
	Column string
	Op     Op
	Values []string
}

// String writes the filter as it stands in an address: column.op.value. Several
// values are parted by commas; a comma inside one has a backslash before it.
func (f Filter) String() string {
	s := escapeName(f.Column) + "." + string(f.Op)
	if f.Op.Values() == 0 {
		return s
	}
	return s + "." + JoinValues(f)
}

// JoinValues writes a filter's values as one text.
func JoinValues(f Filter) string {
	if n := f.Op.Values(); n == 0 || n == 1 {
		return strings.Join(f.Values, "")
	}
	quoted := make([]string, len(f.Values))
	for i, v := range f.Values {
		quoted[i] = strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(v)
	}
	return strings.Join(quoted, ",")
}

// ErrFilter says that a filter of an address cannot be read.
var ErrFilter = errors.New("a filter is written column.op.value")

// ParseFilter reads what String wrote.
func ParseFilter(s string) (Filter, error) {
	name, rest, ok := strings.Cut(s, ".")
	column, err := unescapeName(name)
	if !ok || err != nil {
		return Filter{}, ErrFilter
	}
	op, value, given := strings.Cut(rest, ".")
	f := Filter{Column: column, Op: Op(op)}
	if !slices.Contains([]Op{Is, IsNot, Contains, Starts, Less, More, AtMost, AtLeast, Between, In, Null, NotNull, Empty}, f.Op) {
		return Filter{}, fmt.Errorf("%w; there is no op %q", ErrFilter, op)
	}
	switch n := f.Op.Values(); {
	case n == 0:
		return f, nil
	case !given:
		return Filter{}, fmt.Errorf("%w; %s needs a value", ErrFilter, op)
	case n == 1:
		f.Values = []string{value}
		return f, nil
	}
	f.Values = SplitValues(value)
	if n := f.Op.Values(); n > 0 && len(f.Values) != n {
		return Filter{}, fmt.Errorf("%w; %s needs %d values, parted by a comma", ErrFilter, op, n)
	}
	return f, nil
}

// SplitValues parts values at commas that have no backslash before them.
func SplitValues(s string) []string {
	var all []string
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == ',':
			all = append(all, b.String())
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(all, b.String())
}

// Cursor is a place between two rows: the values of the columns that put them in
// order. A nil is NULL.
type Cursor struct {
	// Order names those columns and their direction: a cursor is good for the
	// order that it was made in.
	Order  string    `json:"o"`
	Values []*string `json:"v"`
}

// String writes the cursor as one word.
func (c *Cursor) String() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ErrCursor says that a cursor was not made by us.
var ErrCursor = errors.New("the address names a page that is not there")

func parseCursor(s string) (*Cursor, error) {
	if s == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, ErrCursor
	}
	var c Cursor
	if err := json.Unmarshal(raw, &c); err != nil || len(c.Values) == 0 || len(c.Values) > 64 {
		return nil, ErrCursor
	}
	return &c, nil
}

// View is how the rows of a table are looked at.
type View struct {
	Filters []Filter
	// Search is looked for in all text columns.
	Search string
	// Sort is the column that rows are sorted by; empty: their key.
	Sort string
	Desc bool
	// Columns are those that show; none: all of them.
	Columns []string
	// After and Before are where the page begins or ends; From is a key to begin at.
	After, Before *Cursor
	From          string
	// Count asks for the exact number of rows.
	Count bool
	// Open is the part of the page that stands open: "filter", "filter-N",
	// "columns", "keys".
	Open string
	// Whole names a column whose value is shown whole, however long.
	Whole string
}

// Parse reads a view from the query of an address.
func Parse(q url.Values) (View, error) {
	v := View{Search: q.Get("q"), From: q.Get("from"), Count: q.Get("count") == "1", Open: q.Get("open"), Whole: q.Get("whole")}
	for _, s := range q["f"] {
		f, err := ParseFilter(s)
		if err != nil {
			return v, err
		}
		v.Filters = append(v.Filters, f)
	}
	if v.Sort = q.Get("sort"); v.Sort == "" {
		v.Sort = q.Get("desc")
		v.Desc = v.Sort != ""
	}
	if cols := q.Get("cols"); cols != "" {
		for _, part := range strings.Split(cols, ",") {
			name, err := unescapeName(part)
			if err != nil {
				return v, err
			}
			v.Columns = append(v.Columns, name)
		}
	}
	var err error
	if v.After, err = parseCursor(q.Get("after")); err != nil {
		return v, err
	}
	v.Before, err = parseCursor(q.Get("before"))
	return v, err
}

// Query writes the view as the query of an address, with its question mark; a
// view that changes nothing is empty.
func (v View) Query() string {
	q := v.Values()
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Values are the view's parameters, for the hidden fields of a form.
func (v View) Values() url.Values {
	q := url.Values{}
	for _, f := range v.Filters {
		q.Add("f", f.String())
	}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("q", v.Search)
	if v.Desc {
		set("desc", v.Sort)
	} else {
		set("sort", v.Sort)
	}
	parts := make([]string, len(v.Columns))
	for i, c := range v.Columns {
		parts[i] = escapeName(c)
	}
	set("cols", strings.Join(parts, ","))
	if v.After != nil {
		set("after", v.After.String())
	}
	if v.Before != nil {
		set("before", v.Before.String())
	}
	set("from", v.From)
	if v.Count {
		q.Set("count", "1")
	}
	set("open", v.Open)
	set("whole", v.Whole)
	return q
}

// First is the same view from its first page, with nothing open.
func (v View) First() View {
	v.After, v.Before, v.From, v.Open, v.Whole = nil, nil, "", "", ""
	return v
}

// Closed is the same page with nothing open.
func (v View) Closed() View {
	v.Open, v.Whole = "", ""
	return v
}

// With is the view from its first page with one more filter.
func (v View) With(f Filter) View {
	v = v.First()
	v.Filters = append(slices.Clone(v.Filters), f)
	return v
}

// Replaced is the view from its first page with filter i changed.
func (v View) Replaced(i int, f Filter) View {
	v = v.First()
	v.Filters = slices.Clone(v.Filters)
	v.Filters[i] = f
	return v
}

// Without is the view from its first page without filter i.
func (v View) Without(i int) View {
	v = v.First()
	v.Filters = slices.Delete(slices.Clone(v.Filters), i, i+1)
	return v
}

// Sorted is the view from its first page, sorted by a column.
func (v View) Sorted(column string, desc bool) View {
	v = v.First()
	v.Sort, v.Desc = column, desc
	return v
}

// FilterBase is the beginning of the query of an address that filters the view
// by one more condition on a column: an operator and a value go behind it.
func (v View) FilterBase(column string) string {
	query := v.First().Query()
	if query == "" {
		query = "?"
	} else {
		query += "&"
	}
	return query + "f=" + url.QueryEscape(escapeName(column)) + "."
}
