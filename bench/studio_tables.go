package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/rows"
)

// runStudioTables measures pages of databases with many tables. Studio takes
// what it knows of them for good for two seconds, which is less than people look
// at a page: the first page behind that is what they wait for.
func runStudioTables(ctx context.Context, s *site) error {
	const times = 12
	title("Studio's pages of databases with many tables of 12 columns each, %d times", times)
	head("what", "tables", "median", "max", "goal for the median")
	var all []*manyTables
	for _, tables := range []int{60, 500} {
		m, err := s.manyTables(ctx, tables)
		if err != nil {
			return err
		}
		defer m.end()
		all = append(all, m)
	}
	for n := -1; n < times; n++ {
		time.Sleep(2100 * time.Millisecond) // see above; studio's cacheTime is 2 s
		for _, m := range all {
			if err := m.round(ctx, n >= 0); err != nil {
				return err
			}
		}
	}
	for i, what := range []string{"first page of a table, 2 s after the last page", "the next one at once", "list of tables"} {
		for _, m := range all {
			took := m.took[i]
			slices.Sort(took)
			goal := ""
			if i == 0 {
				goal = "≤ 20 ms"
			}
			line(what, thousands(m.tables), long(took[len(took)/2]), long(took[len(took)-1]), goal)
		}
	}
	return nil
}

// manyTables is a studio of a database of so many tables.
type manyTables struct {
	*studio
	tables int
	took   [3][]time.Duration
}

func (s *site) manyTables(ctx context.Context, tables int) (*manyTables, error) {
	url, err := s.create(ctx, fmt.Sprintf("tables_%d", tables))
	if err != nil {
		return nil, err
	}
	err = crowd{url: url}.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var sql strings.Builder
		for n := range tables {
			fmt.Fprintf(&sql, `CREATE TABLE t_%[1]d (id bigint PRIMARY KEY, parent bigint REFERENCES t_%[2]d, name text NOT NULL, kind text NOT NULL DEFAULT 'plain',
    amount bigint, price numeric(12, 2), made_at timestamptz NOT NULL DEFAULT now(), gone_at timestamptz, open boolean NOT NULL DEFAULT true, data jsonb, tag uuid, note text);
CREATE INDEX ON t_%[1]d (parent); CREATE INDEX ON t_%[1]d (name); COMMENT ON TABLE t_%[1]d IS 'One of many.';`, n, max(n-1, 0))
		}
		fmt.Fprintf(&sql, "INSERT INTO t_0 (id, parent, name) SELECT n, 1 + n / 10, 'name ' || n FROM generate_series(1, %d) n; ANALYZE", 20*rows.PageSize)
		_, err := conn.Exec(ctx, sql.String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("making %d tables: %w", tables, err)
	}
	p, err := s.openStudio(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx); err != nil {
		p.end()
		return nil, err
	}
	return &manyTables{studio: p, tables: tables}, nil
}

// round asks for each kind of page once.
func (m *manyTables) round(ctx context.Context, counts bool) error {
	for i, path := range []string{address.Base("").Table("public", "t_0", address.View{}), address.Base("").Table("public", "t_0", address.View{}), "/"} {
		least := rows.PageSize
		if path == "/" {
			least = 0
		}
		took, err := m.page(ctx, path, least)
		if err != nil {
			return err
		}
		if counts {
			m.took[i] = append(m.took[i], took)
		}
	}
	return nil
}
