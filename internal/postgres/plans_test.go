package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// explainer stands where queries are run, and notes the plan of each instead: the
// one that PostgreSQL makes once for all arguments, where nobody has asked for
// another.
type explainer struct {
	*pgx.Conn
	plan string
}

var errExplained = errors.New("explained, and not run")

func (e *explainer) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	var values []string
	for _, a := range args {
		text := fmt.Sprint(a)
		switch v := a.(type) {
		case time.Time:
			text = v.Format(time.RFC3339)
		case []string:
			text = "{" + strings.Join(v, ",") + "}"
		}
		values = append(values, "'"+strings.ReplaceAll(text, "'", "''")+"'")
	}
	if _, err := e.Exec(ctx, "PREPARE explained AS "+sql); err != nil {
		return nil, err
	}
	rows, err := e.Conn.Query(ctx, "EXPLAIN EXECUTE explained ("+strings.Join(values, ", ")+")", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	e.plan = strings.Join(lines, "\n")
	if _, err := e.Exec(ctx, "DEALLOCATE explained"); err != nil {
		return nil, err
	}
	return nil, errExplained
}

// Each list reads by the index that was made for it, and no list reads or sorts
// everybody. The plans are those for any argument, made once.
func TestListPlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(`ALTER TABLE users DISABLE TRIGGER USER;
		INSERT INTO users (github_user_id, login, name, created_at, is_whitelisted, whitelist_decided_at)
		SELECT n, 'user-' || n, CASE WHEN n % 1000 = 0 THEN 'Zebra ' || n ELSE 'Person ' || n END, now() - n * interval '1 second',
			n % 500 > 1, CASE WHEN n % 500 > 0 THEN now() END
		FROM generate_series(1, 200000) n`)
	w.run("VACUUM ANALYZE users")
	at, states := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), []string{"allowed"}
	for name, tt := range map[string]struct {
		plan func(*query.Queries) error
		list func(*query.Queries) error
		has  []string
		not  []string
	}{
		"newest": {
			list: func(q *query.Queries) error {
				_, err := q.ListUsers(t.Context(), query.ListUsersParams{AfterCreatedAt: at, MaxRows: 50})
				return err
			},
			has: []string{"Index Scan Backward using users_created_at_id_idx", "Index Cond"}, not: []string{"Sort"},
		},
		"waiting": {
			list: func(q *query.Queries) error {
				_, err := q.ListWaitingUsers(t.Context(), query.ListWaitingUsersParams{AfterCreatedAt: at, MaxRows: 50})
				return err
			},
			has: []string{"Index Scan Backward using users_waiting_idx", "Index Cond"}, not: []string{"Sort"},
		},
		"by access": {
			plan: func(q *query.Queries) error { return q.PlanInOrder(t.Context()) },
			list: func(q *query.Queries) error {
				_, err := q.ListUsersByAccess(t.Context(), query.ListUsersByAccessParams{States: states, App: appHost, AfterCreatedAt: at, Depth: 1000, MaxRows: 50})
				return err
			},
			has: []string{"Index Scan Backward using users_created_at_id_idx"}, not: []string{"Sort"},
		},
		"by prefix": {
			list: func(q *query.Queries) error {
				_, err := q.ListUsersByPrefix(t.Context(), query.ListUsersByPrefixParams{Upper: "user-2", AfterLogin: "user-1", States: states, Depth: 1000, MaxRows: 50})
				return err
			},
			has: []string{"Index Scan using users_prefix_idx", "Index Cond: (((lower(login))::text < $1) AND (ROW("}, not: []string{"Sort"},
		},
		"refused": {
			plan: func(q *query.Queries) error { return errors.Join(q.PlanInOrder(t.Context()), q.PlanByKey(t.Context())) },
			list: func(q *query.Queries) error {
				_, err := q.ListRefusedUsers(t.Context(), query.ListRefusedUsersParams{AfterCreatedAt: at, MaxRows: 50})
				return err
			},
			has: []string{"Index Only Scan Backward using users_refused_idx", "Index Only Scan using users_until_idx", "Index Scan using users_pkey"}, not: []string{"users_created_at_id_idx"},
		},
		"refused, by prefix": {
			plan: func(q *query.Queries) error { return errors.Join(q.PlanInOrder(t.Context()), q.PlanByKey(t.Context())) },
			list: func(q *query.Queries) error {
				_, err := q.ListRefusedUsersByPrefix(t.Context(), query.ListRefusedUsersByPrefixParams{Upper: "user-2", AfterLogin: "user-1", MaxRows: 50})
				return err
			},
			has: []string{"Index Only Scan using users_refused_idx", "Index Only Scan using users_until_idx", "Index Scan using users_pkey"}, not: []string{"users_prefix_idx"},
		},
		"search among the newest": {
			plan: func(q *query.Queries) error { return q.PlanInOrder(t.Context()) },
			list: func(q *query.Queries) error {
				_, err := q.SearchRecentUsers(t.Context(), query.SearchRecentUsersParams{Pattern: "%zebra%", Depth: 1000, States: states, AfterCreatedAt: at, MaxRows: 50})
				return err
			},
			has: []string{"Index Scan Backward using users_created_at_id_idx"}, not: []string{"Sort"},
		},
		"search among all": {
			plan: func(q *query.Queries) error { return q.PlanByBitmap(t.Context()) },
			list: func(q *query.Queries) error {
				_, err := q.SearchUsers(t.Context(), query.SearchUsersParams{Pattern: "%zebra%", States: states, AfterCreatedAt: at, MaxRows: 50})
				return err
			},
			has: []string{"BitmapOr", "Bitmap Index Scan on users_search_idx", "%zebra%"}, not: []string{"users_created_at_id_idx"},
		},
	} {
		tx, err := w.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.run("SET LOCAL plan_cache_mode = force_generic_plan")
		if tt.plan != nil {
			if err := tt.plan(query.New(tx)); err != nil {
				t.Fatal(err)
			}
		}
		e := &explainer{Conn: w.Conn}
		if err := tt.list(query.New(e)); !errors.Is(err, errExplained) {
			t.Fatalf("%s: %v", name, err)
		}
		for _, part := range tt.has {
			if !strings.Contains(e.plan, part) {
				t.Errorf("%s: no %q in\n%s", name, part, e.plan)
			}
		}
		for _, part := range append(tt.not, "Seq Scan") {
			if strings.Contains(e.plan, part) {
				t.Errorf("%s: %q in\n%s", name, part, e.plan)
			}
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	searchesAll(t, w)
	refusesAll(t, w)
}

// refusesAll lists those who are not allowed, who are few of many and lie deep,
// and many at one end: some pages come from a walk, others from the indexes.
func refusesAll(t *testing.T, w world) {
	t.Helper()
	w.run(`UPDATE users SET is_whitelisted = true, whitelist_until = now() - interval '1 hour' WHERE github_user_id % 500 = 2 OR github_user_id BETWEEN 150000 AND 150200;
		UPDATE users SET whitelist_until = now() + interval '1 hour' WHERE github_user_id % 30 = 0 AND is_whitelisted AND whitelist_until IS NULL;
		UPDATE users SET created_at = (SELECT created_at FROM users WHERE github_user_id = 100) WHERE github_user_id % 1000 IN (1, 2) AND github_user_id < 20000`)
	const no = "is_whitelisted AND whitelist_until <= now() OR NOT is_whitelisted AND whitelist_decided_at IS NOT NULL"
	for _, c := range []struct {
		filter postgres.UserFilter
		sql    string
	}{
		{postgres.UserFilter{}, "SELECT login FROM users WHERE " + no + " ORDER BY created_at DESC, id DESC"},
		{postgres.UserFilter{Prefix: "USER-1"}, "SELECT login FROM users WHERE login LIKE 'user-1%' AND (" + no + `) ORDER BY lower(login) COLLATE "C", id`},
		{postgres.UserFilter{Prefix: "user-15"}, "SELECT login FROM users WHERE login LIKE 'user-15%' AND (" + no + `) ORDER BY lower(login) COLLATE "C", id`},
	} {
		rows, err := w.Query(t.Context(), c.sql)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		c.filter.Access, c.filter.Limit = afauth.Refused, 30
		if got := w.list(c.filter, func() {}); len(want) < 200 || !slices.Equal(got, want) {
			t.Errorf("%q: %d are not allowed, want %d", c.filter.Prefix, len(got), len(want))
		}
	}
}

// searchesAll looks for what is rare and lies deep, and for what everybody has.
func searchesAll(t *testing.T, w world) {
	t.Helper()
	rare := w.list(postgres.UserFilter{Search: "zebra", Limit: 30}, func() {})
	if len(rare) != 200 || rare[0] != "user-1000" || rare[199] != "user-200000" || !sortedByAge(rare) {
		t.Errorf("%d are called Zebra: %q", len(rare), rare)
	}
	common, err := w.db.Users(t.Context(), postgres.UserFilter{Search: "USER-", Limit: 50})
	if err != nil || len(common) != 50 || common[0].Login != "user-1" || common[49].Login != "user-50" {
		t.Errorf("%d are called user: %v", len(common), err)
	}
	begin := w.list(postgres.UserFilter{Prefix: "User-1999", Limit: 7}, func() {})
	if len(begin) != 111 || begin[0] != "user-1999" || begin[1] != "user-19990" || !slices.IsSorted(begin) {
		t.Errorf("%d begin with user-1999: %q", len(begin), begin)
	}
	if waiting := w.list(postgres.UserFilter{Access: afauth.Waiting, Search: "zebra", Limit: 30}, func() {}); len(waiting) != 200 {
		t.Errorf("%d of them wait", len(waiting))
	}
	totals, err := w.db.Totals(t.Context())
	if err != nil || !totals.All.About || totals.All.N < 190_000 || totals.All.N > 210_000 || totals.Waiting != (postgres.Total{N: 400}) {
		t.Errorf("%+v, %v", totals, err)
	}
}

func sortedByAge(logins []string) bool {
	return slices.IsSortedFunc(logins, func(a, b string) int {
		var x, y int
		_, _ = fmt.Sscanf(a, "user-%d", &x)
		_, _ = fmt.Sscanf(b, "user-%d", &y)
		return x - y
	})
}
