package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// filling is a folder with a table, its backfill and what comes after.
func filling(t *testing.T, table, batch, statement string) []migrate.File {
	t.Helper()
	return loadFS(t, folder(
		version(1)+"_table.up.sql", header+table, version(1)+"_table.down.sql", "DROP TABLE a",
		version(2)+"_fill.up.sql", "-- schema: 1.1.0\n-- kind: backfill\n-- batch: "+batch+"\n"+statement, version(2)+"_fill.down.sql", "",
		version(3)+"_after.up.sql", "-- schema: 1.2.0\n-- kind: contract\nALTER TABLE a ALTER n SET NOT NULL", version(3)+"_after.down.sql", "ALTER TABLE a ALTER n DROP NOT NULL",
	))
}

const numbered = "CREATE TABLE a (id int PRIMARY KEY, n int);\nINSERT INTO a (id) SELECT g * 3 FROM generate_series(1, 25) g"

func TestBackfill(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := filling(t, numbered, "a by id 10", "UPDATE a SET n = coalesce(n, 0) + 1 WHERE id BETWEEN $1 AND $2")
	if _, err := migrate.RunBackfill(t.Context(), conn, files, "fill", migrate.Options{}); err == nil || !strings.Contains(err.Error(), "_table.up.sql comes before") {
		t.Fatalf("too early: %v", err)
	}
	if _, err := migrate.Deploy(t.Context(), conn, files[:1], migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.RunBackfill(t.Context(), conn, files, "after", migrate.Options{}); err == nil || !strings.Contains(err.Error(), "not a backfill") {
		t.Errorf("another kind: %v", err)
	}
	var rows []int64
	res, err := migrate.RunBackfill(t.Context(), conn, files, "fill", migrate.Options{Pause: time.Millisecond, Progress: func(e migrate.Event) {
		if e.Kind == migrate.Batched {
			rows = append(rows, e.Rows)
			if e.RowsTotal != 25 || e.Left > time.Minute || (e.Left > 0) != (e.Rows < 25) {
				t.Errorf("event %+v", e)
			}
		}
	}})
	if err != nil || applied(res) != "2" || !slices.Equal(rows, []int64{10, 20, 25}) {
		t.Fatalf("%+v, %v, rows %v", res, err, rows)
	}
	if res, err := migrate.RunBackfill(t.Context(), conn, files, version(2), migrate.Options{}); err != nil || len(res.Applied) != 0 {
		t.Errorf("again: %+v, %v", res, err)
	}
	if res, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil || applied(res) != "3" {
		t.Errorf("the rest: %+v, %v", res, err)
	}
	if got := ask[string](t, conn, "SELECT count(*) || ' ' || sum(n) FROM a"); got != "25 25" {
		t.Errorf("rows and sum: %s", got)
	}
}

// Keys of every sort of type travel as text; names may need quotes; a key may
// be there many times.
func TestBackfillKeys(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, column, value string }{
		{"uuid", "uuid PRIMARY KEY", "md5(g::text)::uuid"},
		{"bigint", "bigint PRIMARY KEY", "-9e18::bigint + g"},
		{"text", "text PRIMARY KEY", "chr(96 + g % 26) || '''\\ ' || g"},
		{"time", "timestamptz PRIMARY KEY", "'2026-03-29 00:59:59.999999+00'::timestamptz + g * interval '1 microsecond'"},
		{"numeric", "numeric(20,5) PRIMARY KEY", "g / 7.0"},
		{"double", "float8 PRIMARY KEY", "g / 7.0::float8"},
		{"empty text first", "text NOT NULL", "CASE WHEN g > 9 THEN g::text ELSE '' END"},
		{"twice each", "int NOT NULL", "g / 2"},
		{"all the same", "int NOT NULL", "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			run(t, conn, "SET DateStyle = 'German'; SET TimeZone = 'Europe/Berlin'")
			table := fmt.Sprintf(`CREATE TABLE a (n int); CREATE SCHEMA "Other"; CREATE TABLE "Other"."A b" ("Ke""y" %s, n int); CREATE INDEX ON "Other"."A b" ("Ke""y");
INSERT INTO "Other"."A b" SELECT %s FROM generate_series(1, 50) g`, tt.column, tt.value)
			files := filling(t, table, `"Other"."A b" by "Ke""y" 7`, `UPDATE "Other"."A b" SET n = coalesce(n, 0) + 1 WHERE "Ke""y" >= $1 AND "Ke""y" <= $2`)
			if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{Pause: -1}); err != nil {
				t.Fatal(err)
			}
			if got := ask[string](t, conn, `SELECT min(n) || ' ' || max(n) FROM "Other"."A b"`); got != "1 1" {
				t.Errorf("each row was filled %s times", got)
			}
		})
	}
}

// A backfill that fails in its third batch keeps two; the mended data lets it go
// on; a changed statement has to begin anew, and is not let in by itself.
func TestBackfillFailsAndGoesOn(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	const statement = "UPDATE a SET n = coalesce(n, 0) + 10 / (id - 63)\nWHERE id BETWEEN $1 AND $2"
	files := filling(t, numbered, "a by id 10", statement)
	for range 2 {
		_, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{Pause: -1})
		var se *migrate.SQLError
		if !errors.As(err, &se) || se.SQLSTATE != "22012" || se.Line != 4 || !strings.Contains(hint(err), "20 rows are done, and the next attempt goes on behind them") {
			t.Fatalf("got %v (hint: %s)", err, hint(err))
		}
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || len(st.Failed) != 1 || st.Failed[0].RowsDone != 20 || st.Failed[0].RowsTotal != 25 || st.Failed[0].BatchKey != "60" {
		t.Fatalf("state %+v, %v", st, err)
	}
	if plan, err := migrate.PlanDeploy(t.Context(), conn, files); err != nil || plan.Steps[0].RowsDone != 20 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	other := filling(t, numbered, "a by id 10", "UPDATE a SET n = 1 WHERE id BETWEEN $1 AND $2")
	if _, err := migrate.Deploy(t.Context(), conn, other, migrate.Options{}); err == nil || !strings.Contains(err.Error(), "changed in the half that is done: 20 rows are done") {
		t.Errorf("another statement: %v", err)
	}
	if _, err := migrate.Rollback(t.Context(), conn, files, "", migrate.Options{}); err == nil || !strings.Contains(err.Error(), "_fill.up.sql: is half applied") {
		t.Errorf("rollback below it: %v", err)
	}

	run(t, conn, "UPDATE a SET id = 64 WHERE id = 63")
	smaller := filling(t, numbered, "a by id 2", statement)
	if res, err := migrate.Deploy(t.Context(), conn, smaller, migrate.Options{Pause: -1}); err != nil || applied(res) != "2 3" {
		t.Fatalf("mended: %+v, %v", res, err)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM a WHERE n IS DISTINCT FROM 10 / (id - 63)"); n != 0 {
		t.Errorf("%d rows are wrong", n)
	}
}

func TestBackfillRefuses(t *testing.T) {
	t.Parallel()
	const statement = "UPDATE a SET n = 1 WHERE id BETWEEN $1 AND $2"
	tests := []struct{ name, table, batch, statement, want string }{
		{"no table", "CREATE TABLE a (id int PRIMARY KEY, n int)", "nowhere by id 1", statement, "there is no column id in a table nowhere"},
		{"no column", "CREATE TABLE a (id int PRIMARY KEY, n int)", "a by key 1", statement, "there is no column key"},
		{"key may be NULL", "CREATE TABLE a (id int UNIQUE, n int)", "a by id 1", statement, "a.id may be NULL"},
		{"no index", "CREATE TABLE a (id int NOT NULL, n int)", "a by id 1", statement, "a.id leads no index"},
		{"part of an index", "CREATE TABLE a (id int NOT NULL, n int); CREATE INDEX ON a (n, id); CREATE INDEX ON a (id) WHERE n > 0; CREATE INDEX ON a USING hash (id)", "a by id 1", statement, "a.id leads no index"},
		{"keys of another type", numbered, "a by id 10", "UPDATE a SET n = 1 WHERE id BETWEEN $1 AND $2::date", "operator does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			_, err := migrate.Deploy(t.Context(), conn, filling(t, tt.table, tt.batch, tt.statement), migrate.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint(err), "deploy again") {
				t.Errorf("got %v (hint: %s)", err, hint(err))
			}
		})
	}
	conn := connect(t, pgtest.Empty(t))
	empty := filling(t, "CREATE TABLE a (id int PRIMARY KEY, n int)", "a BY id 5", statement)
	if res, err := migrate.Deploy(t.Context(), conn, empty, migrate.Options{}); err != nil || len(res.Applied) != 3 {
		t.Errorf("an empty table: %+v, %v", res, err)
	}
}

// A backfill that is stopped between two batches is at rest, and goes on.
func TestBackfillStopped(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	files := filling(t, numbered, "a by id 4", "UPDATE a SET n = coalesce(n, 0) + 1 WHERE id BETWEEN $1 AND $2")
	for stops := 0; ; stops++ {
		conn := connect(t, url)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := migrate.Deploy(ctx, conn, files, migrate.Options{Pause: time.Millisecond, Progress: func(e migrate.Event) {
			if e.Kind == migrate.Batched {
				cancel()
			}
		}})
		cancel()
		if err == nil {
			if stops < 5 {
				t.Errorf("stopped %d times", stops)
			}
			break
		}
		if !errors.Is(err, context.Canceled) || !strings.Contains(hint(err), "rows are done") {
			t.Fatalf("got %v (hint: %s)", err, hint(err))
		}
	}
	if got := ask[string](t, connect(t, url), "SELECT min(n) || ' ' || max(n) FROM a"); got != "1 1" {
		t.Errorf("each row was filled %s times", got)
	}
}

// While an older release is live, what it needs is not taken away; what comes
// before is done.
func TestContractWaitsForOlderInstances(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := filling(t, numbered, "a by id 10", "UPDATE a SET n = 1 WHERE id BETWEEN $1 AND $2")
	live := []string{"10.0.0.7:8080 (release 1.3.0)", "10.0.0.8:8080 (release 1.2.0)"}
	o := migrate.Options{Pause: -1, OlderInstances: func(_ context.Context, _ *pgx.Conn, f migrate.File) ([]string, error) {
		if f.Name != "after" {
			t.Errorf("asked about %s", f.Name)
		}
		return live, nil
	}}
	res, err := migrate.Deploy(t.Context(), conn, files, o)
	var contract *migrate.ContractError
	if !errors.As(err, &contract) || applied(res) != "1 2" || !strings.Contains(err.Error(), "_after.up.sql takes away") ||
		!strings.Contains(err.Error(), live[0]+", "+live[1]) || !strings.Contains(hint(err), "then deploy again") {
		t.Fatalf("%+v, %v (hint: %s)", res, err, hint(err))
	}
	live = nil
	if res, err := migrate.Deploy(t.Context(), conn, files, o); err != nil || applied(res) != "3" {
		t.Errorf("then: %+v, %v", res, err)
	}
}
