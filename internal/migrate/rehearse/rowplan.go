package rehearse

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// rowPlan says how the rows of a table come about.
type rowPlan struct {
	t     *table
	p     *picker
	links []link
	// digits are what has few values and must not repeat itself together, as the
	// digits of n: links by their place, columns by their number.
	digits []digit
	first  []string // names of the columns in the first key made of digits
}

type digit struct {
	link   int   // its place, or -1
	column int16 // where link is -1
	count  int64
}

func newRowPlan(t *table, p *picker, links []link) *rowPlan {
	r := &rowPlan{t: t, p: p, links: links}
	add := func(d digit) {
		if d.count > 0 && !slices.ContainsFunc(r.digits, func(o digit) bool { return o.link == d.link && o.column == d.column }) {
			r.digits = append(r.digits, d)
		}
	}
	for _, unique := range t.uniques {
		key, names, free := r.key(unique)
		if free {
			continue
		}
		if r.first == nil {
			r.first = names
		}
		for _, d := range key {
			add(d)
		}
	}
	for i, l := range links {
		add(digit{link: i, count: l.count})
	}
	return r
}

// key takes a unique key apart. It is free where one of its columns never holds
// the same twice.
func (r *rowPlan) key(unique []int16) (key []digit, names []string, free bool) {
	for _, num := range unique {
		names = append(names, r.t.column(num).name)
		if i := slices.IndexFunc(r.links, func(l link) bool { return slices.Contains(l.key.columns, num) }); i >= 0 {
			if r.links[i].count == 0 {
				return nil, nil, true // NULL, which is never the same
			}
			key = append(key, digit{link: i, count: r.links[i].count})
			continue
		}
		v := r.p.values[num]
		if v.of == nil || v.distinct == 0 {
			return nil, nil, true
		}
		key = append(key, digit{link: -1, column: num, count: v.distinct})
	}
	return key, names, false
}

// limit is how many rows the keys allow, and why.
func (r *rowPlan) limit() (int64, string) {
	limit, why := int64(math.MaxInt64), ""
	for _, unique := range r.t.uniques {
		key, names, free := r.key(unique)
		if free {
			continue
		}
		room := int64(1)
		seen := map[int]bool{}
		for _, d := range key {
			if d.link >= 0 && seen[d.link] {
				continue
			}
			seen[d.link] = d.link >= 0
			if room > math.MaxInt64/d.count {
				room = math.MaxInt64
				break
			}
			room *= d.count
		}
		if room < limit {
			limit, why = room, "no more differ in "+strings.Join(names, ", ")
		}
	}
	return limit, why
}

// at returns the value of a digit for the row g.n, from 0. All before it are
// added, so that rows spread over all values of each, and still no two rows have
// the same in all of them.
func (r *rowPlan) at(i int) string {
	var sum []string
	divisor := int64(1)
	for j, d := range r.digits[:i+1] {
		sum = append(sum, fmt.Sprintf("((g.n - 1) / %d) %% %d", divisor, d.count))
		if j == i {
			break
		}
		if divisor > math.MaxInt64/d.count {
			divisor = math.MaxInt64
		} else {
			divisor *= d.count
		}
	}
	return fmt.Sprintf("((%s) %% %d)", strings.Join(sum, " + "), r.digits[i].count)
}

// sql is the statement.
func (r *rowPlan) sql(rows int64) string {
	var names, values, joins []string
	from := map[int16]string{}
	for i, d := range r.digits {
		if d.link < 0 {
			from[d.column] = r.p.values[d.column].of("(" + r.at(i) + " + 1)")
			continue
		}
		l := r.links[d.link]
		joins = append(joins, fmt.Sprintf("JOIN %s ON p%d.place = 1 + %s", l.join, d.link, r.at(i)))
		for n, num := range l.key.columns {
			from[num] = fmt.Sprintf("p%d.k%d", d.link, n)
		}
	}
	for _, c := range r.t.columns {
		expr, set := from[c.num]
		if v := r.p.values[c.num]; !set && v.of != nil {
			expr, set = v.of("g.n"), true
		}
		if !set || c.itself {
			continue
		}
		names, values = append(names, c.name), append(values, "("+r.p.thinned(c, expr)+")::"+c.typ)
	}
	if len(names) == 0 {
		// Every column has a default, or is made by the server.
		return fmt.Sprintf("INSERT INTO %s SELECT FROM generate_series(1::bigint, %d) AS g(n)", r.t.name, rows)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM generate_series(1::bigint, %d) AS g(n) %s",
		r.t.name, strings.Join(names, ", "), strings.Join(values, ", "), rows, strings.Join(joins, " "))
}
