package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/rows"
)

// questions is how many of each kind are asked.
const questions = 200

// asked is a kind of page, and how long its pages took.
type asked struct {
	what, goal string
	ask        func(ctx context.Context) (time.Duration, error)
	took       []time.Duration
}

// runStudioPages measures pages of a table of many rows, of `af-auth db studio`
// as a process. All kinds take turns, so that each meets the same machine.
func runStudioPages(ctx context.Context, s *site) error {
	o, err := s.orders(ctx)
	if err != nil {
		return err
	}
	p, err := s.openStudio(ctx, o.url)
	if err != nil {
		return err
	}
	defer p.end()
	if err := p.enter(ctx); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, o.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	kinds := o.pages(p, conn)
	for n := -20; n < questions; n++ {
		for i := range kinds {
			k := &kinds[i]
			took, err := k.ask(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", k.what, err)
			}
			if n >= 0 {
				k.took = append(k.took, took)
			}
		}
	}
	title("Studio's pages of a table of %s rows, %d a page, %d different questions of each kind", thousands(o.rows), rows.PageSize, questions)
	head("what", "p50", "p99", "max", "goal for p99")
	for _, k := range kinds {
		slices.Sort(k.took)
		line(k.what, long(share(k.took, 0.5)), long(share(k.took, 0.99)), long(k.took[len(k.took)-1]), k.goal)
	}
	return o.slowPages(ctx, p)
}

// view is a kind of page of orders; each question is another view.
func (p *studio) view(what, goal string, least int, view func() address.View) asked {
	return asked{what: what, goal: goal, ask: func(ctx context.Context) (time.Duration, error) {
		return p.page(ctx, address.Base("").Table("public", "orders", view()), least)
	}}
}

// behind is the page behind these values, in the order of the columns.
func behind(v address.View, columns []string, values ...string) address.View {
	order := "+"
	if v.Desc {
		order = "-"
	}
	v.After = &address.Cursor{Order: order + strings.Join(columns, "\x1f")}
	for _, value := range values {
		v.After.Values = append(v.After.Values, &value)
	}
	return v
}

func (o orders) pages(p *studio, conn *pgx.Conn) []asked {
	id := func() string { return strconv.Itoa(anyOf(max(o.rows-2*rows.PageSize, 1))) }
	byTime := func() address.View { return address.View{Sort: "placed_at", Desc: rand.IntN(2) > 0} } // #nosec G404 -- picks what is measured
	filter := func(column string, op address.Op, value string) address.View {
		return address.View{}.With(address.Filter{Column: column, Op: op, Values: []string{value}})
	}
	return []asked{
		{what: "a bare keyset query by pgx, any page", ask: func(ctx context.Context) (time.Duration, error) { return bareKeyset(ctx, conn, id()) }},
		p.view("first page", "≤ 10 ms", rows.PageSize, func() address.View { return address.View{} }),
		p.view("any later page, by key", "≤ 10 ms", rows.PageSize, func() address.View { return behind(address.View{}, []string{"id"}, id()) }),
		p.view("jump to a key", "≤ 10 ms", rows.PageSize, func() address.View { return address.View{From: id()} }),
		p.view("sorted by an indexed column, first page", "≤ 10 ms", rows.PageSize, byTime),
		p.view("sorted by an indexed column, any later page", "≤ 10 ms", 1, func() address.View {
			return behind(byTime(), []string{"placed_at", "id"}, o.moment(), id())
		}),
		p.view("filter on an indexed column", "≤ 10 ms", 1, func() address.View { return filter("email", address.Is, o.email()) }),
		p.view("prefix of 1 to 8 letters, with an index for it", "≤ 15 ms", 1, func() address.View {
			return filter("email", address.Starts, o.email()[:1+rand.IntN(8)]) // #nosec G404 -- as above
		}),
		{what: "first page of customers, with how many orders each has", ask: func(ctx context.Context) (time.Duration, error) {
			return p.page(ctx, address.Base("").Table("public", "customers", address.View{}), rows.PageSize)
		}},
	}
}

// bareKeyset is the least that shows a page: one statement, prepared, and its
// values as texts.
func bareKeyset(ctx context.Context, conn *pgx.Conn, after string) (time.Duration, error) {
	begun := time.Now()
	found, err := conn.Query(ctx, `SELECT id::text, customer_id::text, email, note, amount::text, placed_at::text, changed_at::text, paid::text
FROM orders WHERE orders.id > $1::text::bigint ORDER BY orders.id LIMIT `+strconv.Itoa(rows.PageSize+1), after)
	if err != nil {
		return 0, err
	}
	page, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (cells [8]*string, err error) {
		return cells, row.Scan(&cells[0], &cells[1], &cells[2], &cells[3], &cells[4], &cells[5], &cells[6], &cells[7])
	})
	if err == nil && len(page) < rows.PageSize {
		err = fmt.Errorf("a page of %d rows", len(page))
	}
	return time.Since(begun), err
}

// slowPages says how long pages take that read every row, and whether they say
// so and are stopped.
func (o orders) slowPages(ctx context.Context, p *studio) error {
	title("Studio's pages that read every row of %s: each warned about, and stopped after 5 s", thousands(o.rows))
	head("what", "time", "answer", "warned about")
	for _, slow := range []struct {
		what string
		view address.View
	}{
		{"sorted by a column without an index", address.View{Sort: "changed_at"}},
		{"two letters that no note has", address.View{}.With(address.Filter{Column: "note", Op: address.Contains, Values: []string{"zz"}})},
		{"a search for them in all text columns", address.View{Search: "zz"}},
	} {
		a, err := p.get(ctx, p.at(address.Base("").Table("public", "orders", slow.view)))
		if err != nil {
			return err
		}
		answer := "rows"
		if a.status != http.StatusOK {
			answer = "stopped"
		}
		warned := "no"
		if strings.Contains(string(a.body), `class="warning"`) {
			warned = "yes"
		}
		line(slow.what, long(a.took), answer, warned)
	}
	return nil
}
