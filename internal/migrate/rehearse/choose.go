package rehearse

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// RowsError says that no rows could be made for a table.
type RowsError struct {
	Table, Constraint string // as SQL has them
	Err               error
}

// Error names both.
func (e *RowsError) Error() string {
	if e.Constraint == "" {
		return fmt.Sprintf("no rows could be made for %s: %v", e.Table, e.Err)
	}
	return fmt.Sprintf("no rows could be made for %s that its constraint %s takes: %v", e.Table, e.Constraint, e.Err)
}

// Unwrap returns the cause.
func (e *RowsError) Unwrap() error { return e.Err }

// Hint says how to go on.
func (e *RowsError) Hint() string { return "leave the table out: --rows " + e.Table + "=0" }

// picker chooses a value for each column of a table: the usual one of its type,
// unless a CHECK or a domain refuses it.
type picker struct {
	conn  *pgx.Conn
	types typeMap
	o     *Options
	t     *table
	taken map[int16]bool // columns that are not for it: foreign keys, and what the server makes
	// values are by column. One without a value is left to its default.
	values map[int16]value
	whole  map[int16]bool // columns without NULLs, because a CHECK minds them
	sparse bool           // whether NULLs are among the values that are tried
}

// room is for how many rows a value differs.
func (v value) room() int64 {
	if v.distinct == 0 {
		return math.MaxInt64
	}
	return v.distinct
}

// sampleRows is how many rows a choice is tried on.
const sampleRows = 200

func (p *picker) pick(ctx context.Context) error {
	p.values, p.whole = map[int16]value{}, map[int16]bool{}
	for _, c := range p.t.columns {
		if p.taken[c.num] {
			continue
		}
		for _, v := range p.candidates(c, "") {
			if ok, err := p.fits(ctx, c, v, nil); err != nil {
				return err
			} else if ok {
				p.values[c.num] = v
				break
			}
		}
		if p.values[c.num].of == nil && c.notNull && c.preset == "" {
			return &RowsError{Table: p.t.name, Err: fmt.Errorf("the column %s is NOT NULL, has no default, and is of the type %s, for which no values are known", c.name, c.typ)}
		}
	}
	for _, k := range p.t.checks {
		if err := p.satisfy(ctx, k); err != nil {
			return err
		}
	}
	p.sparse = true
	for _, k := range p.t.checks {
		ok, err := p.fits(ctx, nil, value{}, []check{k})
		if err != nil {
			return err
		}
		for _, num := range k.columns {
			p.whole[num] = p.whole[num] || !ok
		}
	}
	return nil
}

// nulls is the share of NULL that a column gets. One whose value was handed in
// has none.
func (p *picker) nulls(c *column) float64 {
	name := p.t.name + "." + c.name
	if _, handed := p.o.Values[name]; c.notNull || handed || p.whole[c.num] {
		return 0
	}
	if live, known := p.o.Columns[name]; known {
		return live.Nulls
	}
	return usualNulls
}

// thinned puts NULLs among the values of a column. 617 and 1000 share no divisor,
// so they are spread evenly, and in the same rows for all columns alike.
func (p *picker) thinned(c *column, expr string) string {
	share := p.nulls(c)
	if share <= 0 {
		return expr
	}
	return fmt.Sprintf("CASE WHEN (g.n * 617) %% 1000 < %d THEN NULL ELSE %s END", int(share*1000), expr)
}

// satisfy changes the value of one column until a CHECK is content, and those
// before it still are.
func (p *picker) satisfy(ctx context.Context, k check) error {
	if ok, err := p.fits(ctx, nil, value{}, []check{k}); err != nil || ok {
		return err
	}
	settled := p.t.checks[:slices.IndexFunc(p.t.checks, func(c check) bool { return c.name == k.name })+1]
	for _, num := range k.columns {
		c := p.t.column(num)
		if p.taken[num] {
			continue
		}
		list := p.candidates(c, k.expr)
		// Few values would mean few rows, or odd ones.
		slices.SortStableFunc(list, func(a, b value) int { return cmp.Compare(b.room(), a.room()) })
		for _, v := range list {
			if ok, err := p.fits(ctx, c, v, settled); err != nil {
				return err
			} else if ok {
				p.values[num] = v
				return nil
			}
		}
	}
	return &RowsError{Table: p.t.name, Constraint: k.name, Err: fmt.Errorf("CHECK (%s)", k.expr)}
}

// fits reports whether CHECKs are content with a value for a column, and whether
// the type takes it. What the server refuses does not fit.
func (p *picker) fits(ctx context.Context, c *column, v value, checks []check) (bool, error) {
	if c != nil && v.of == nil {
		return false, nil
	}
	var parts, wanted []string
	for _, other := range p.t.columns {
		if checks == nil && other != c {
			continue // whether the type takes it has nothing to do with others
		}
		expr := p.values[other.num]
		if c != nil && other.num == c.num {
			expr = v
		}
		text := "NULL"
		switch {
		case expr.of != nil:
			text = expr.of("g.n")
		case other.preset != "" && !other.itself:
			text = other.preset
		case p.taken[other.num]:
			text = typed(p.types.usual(other.oid, other.typmod, other.bare, other.bare, 0))
		}
		if p.sparse {
			text = p.thinned(other, text)
		}
		parts = append(parts, "("+text+")::"+other.typ+" AS "+other.name)
	}
	for _, k := range checks {
		wanted = append(wanted, "coalesce(("+k.expr+"), true)")
	}
	if len(wanted) == 0 {
		wanted = []string{"true"}
	}
	// count(x) makes the server work out the values, whatever the CHECKs use.
	sql := fmt.Sprintf("SELECT coalesce(bool_and(%s), true), count(ROW(%s.*)::text) FROM (SELECT %s FROM generate_series(1::bigint, %d) g(n)) AS %s",
		strings.Join(wanted, " AND "), p.t.alias, strings.Join(parts, ", "), sampleRows, p.t.alias)
	var ok bool
	var n int
	err := p.conn.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&ok, &n)
	if err != nil && isServers(err) {
		return false, nil
	}
	return ok, err
}

func typed(v value) string {
	if v.of == nil {
		return "NULL"
	}
	return v.of("g.n")
}

var (
	literal = regexp.MustCompile(`'((?:[^']|'')*)'`)
	number  = regexp.MustCompile(`\b\d+(?:\.\d+)?\b`)
)

// candidates are the values to try for a column, best first. said is the text of
// the CHECK that refused the first.
func (p *picker) candidates(c *column, said string) []value {
	salt := p.t.name + "." + c.name
	var list []value
	if expr, set := p.o.Values[p.t.name+"."+c.name]; set {
		list = append(list, constant(expr))
	}
	usual := p.types.usual(c.oid, c.typmod, salt, c.bare, p.o.Columns[salt].Width)
	list = append(list, usual)
	base := p.types[c.oid]
	for base.kind == "d" {
		base = p.types[base.base]
	}
	if own := p.types[c.oid].said; said != "" || own != "" {
		said += own
		list = append(list, fromText(said, base)...)
		list = append(list, others(base.bare, base.category, salt)...)
	}
	if c.preset != "" && !c.itself {
		list = append(list, constant(c.preset))
	}
	if !c.notNull {
		list = append(list, constant("NULL"))
	}
	return list
}

// fromText makes values of the literals and numbers in a CHECK.
func fromText(said string, base pgType) []value {
	var words []string
	if base.category == "N" {
		for _, n := range number.FindAllString(said, -1) {
			words = append(words, n, n+" + 1", n+" - 1", "-"+n)
		}
		words = append(words, "0", "1", "-1")
	} else {
		for _, m := range literal.FindAllStringSubmatch(said, -1) {
			words = append(words, "'"+m[1]+"'")
		}
	}
	if len(words) == 0 {
		return nil
	}
	slices.Sort(words)
	words = slices.Compact(words)
	var list []value
	if base.category != "N" {
		choice := fmt.Sprintf("(ARRAY[%s]::%s[])[1 + ((%%s) - 1) %% %d]", strings.ReplaceAll(strings.Join(words, ", "), "%s", "% s"), base.name, len(words))
		list = append(list, form(choice, int64(len(words))))
	}
	for _, w := range words {
		list = append(list, constant("("+w+")::"+base.name))
	}
	return list
}

// others are values of other forms, for CHECKs that say what a value looks like.
func others(bare, category, salt string) []value {
	hash := "md5(" + quoted(salt) + " || (%s))"
	long := "sha256(convert_to(" + quoted(salt) + " || (%s), 'UTF8'))"
	var list []value
	add := func(distinct int64, patterns ...string) {
		for _, p := range patterns {
			list = append(list, form(p, distinct))
		}
	}
	switch {
	case category == "S":
		add(0, hash, "upper("+hash+")", "encode("+long+", 'hex')", "translate("+hash+", '0123456789', 'ghijklmnop')",
			"upper(translate("+hash+", '0123456789', 'ghijklmnop'))", "('user' || (%s) || '@example.com')", "('https://example.com/' || (%s))",
			"('/path/' || (%s))", "(%s)::text", "('+1555' || lpad((%s)::text, 7, '0'))", hash+"::uuid::text")
		for _, k := range []int32{2, 3, 4, 5, 6, 8, 10, 12, 16, 20} {
			add(power(10, k), fmt.Sprintf("lpad(((%%s) %% %d)::text, %d, '0')", power(10, k), k))
			add(power(16, min(k, 15)), fmt.Sprintf("left(%s, %d)", hash, k))
			add(1, fmt.Sprintf("repeat('a', %d)", k), fmt.Sprintf("repeat('A', %d)", k))
		}
	case bare == "bytea":
		for _, k := range []int{1, 4, 8, 12, 16, 20, 24, 28} {
			add(0, fmt.Sprintf("substring(%s FROM 1 FOR %d)", long, k))
		}
		add(0, "("+long+" || "+long+")", "("+long+" || substring("+long+" FROM 1 FOR 16))")
	case category == "N":
		for _, k := range []int64{2, 6, 10, 24, 60, 100, 256, 1000, 10_000} {
			add(k, fmt.Sprintf("((%%s) %% %d)", k), fmt.Sprintf("(1 + (%%s) %% %d)", k), fmt.Sprintf("(-((%%s) %% %d))", k))
		}
		add(0, "(-(%s))", "((%s) + 1000000)")
	case category == "D":
		moment := "(timestamptz '" + epoch + "' + (%s) * interval '1 second' "
		add(0, moment+"+ interval '1 day')", moment+"- interval '1 day')", "(now() + (%s) * interval '1 second')", "(now() - (%s) * interval '1 second')")
		add(1, "now()", "'infinity'")
	case bare == "json" || bare == "jsonb":
		add(1, "'{}'", "'[]'", "'null'", `'"text"'`, "'1'")
	case category == "A":
		add(1, "'{}'")
	case bare == "bool":
		add(1, "true", "false")
	}
	return list
}
