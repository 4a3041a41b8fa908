package migrate_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// ladder is a folder of three files with their ways back. change holds the ends
// of names, and other texts for them.
func ladder(t *testing.T, change ...string) []migrate.File {
	t.Helper()
	pairs := []string{
		version(1) + "_a.up.sql", header + "CREATE TABLE a (x int)", version(1) + "_a.down.sql", "-- lost: the table a\n-- lost: and its rows\nDROP TABLE a",
		version(2) + "_b.up.sql", "-- schema: 1.1.0\n-- kind: expand\nCREATE TABLE b ()", version(2) + "_b.down.sql", "DROP TABLE b",
		version(3) + "_c.up.sql", "-- schema: 1.1.1\n-- kind: expand\n-- transaction: none\nCREATE INDEX CONCURRENTLY a_x ON a (x)", version(3) + "_c.down.sql", "-- transaction: none\nDROP INDEX CONCURRENTLY a_x;\nSELECT 1",
	}
	for i := 0; i+1 < len(change); i += 2 {
		for j := 0; j < len(pairs); j += 2 {
			if strings.HasSuffix(pairs[j], change[i]) {
				pairs[j+1] = change[i+1]
			}
		}
	}
	return loadFS(t, folder(pairs...))
}

func TestRollback(t *testing.T) {
	t.Parallel()
	tests := []struct{ to, want, lost, left string }{
		{"", "3", "", "1.1.0"},
		{version(2), "3", "", "1.1.0"},
		{"b", "3", "", "1.1.0"},
		{version(1), "3 2", "", "1.0.0"},
		{version(1) + "_a", "3 2", "", "1.0.0"},
		{migrate.Everything, "3 2 1", "the table a\nand its rows", ""},
		{version(3), "", "", "1.1.1"},
	}
	for _, tt := range tests {
		t.Run(tt.to, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			files := ladder(t)
			if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
				t.Fatal(err)
			}
			plan, err := migrate.PlanRollback(t.Context(), conn, files, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			lost := ""
			for _, s := range plan.Steps {
				lost += s.File.Lost
			}
			var events []string
			res, err := migrate.Rollback(t.Context(), conn, files, tt.to, migrate.Options{Progress: func(e migrate.Event) {
				if e.Kind != migrate.Running {
					events = append(events, fmt.Sprintf("%s %s %d/%d", e.Kind, e.File.Name, e.Number, e.Total))
				}
			}})
			if err != nil || applied(res) != tt.want || res.SchemaVersion != tt.left {
				t.Fatalf("%+v, %v, want %s", res, err, tt.want)
			}
			if n := len(res.Applied); len(plan.Steps) != n || lost != tt.lost || len(events) != 2*n {
				t.Errorf("plan %+v, lost %q, events %q", plan.Steps, lost, events)
			}
			st, err := migrate.Read(t.Context(), conn, files)
			if err != nil || len(st.Pending) != len(res.Applied) || st.SchemaVersion != tt.left || st.Refusal() != nil {
				t.Errorf("state %+v, %v", st, err)
			}
			if again, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil || len(again.Applied) != len(res.Applied) {
				t.Errorf("forward again: %+v, %v", again, err)
			}
		})
	}
}

func TestRollbackRefuses(t *testing.T) {
	t.Parallel()
	deployed := ladder(t)
	noDown := slices.Clone(deployed)
	noDown[1].NoDown = true
	tests := []struct {
		name  string
		files []migrate.File
		to    string
		want  string
	}{
		{"edited", ladder(t, "_b.up.sql", "-- schema: 1.1.0\n-- kind: expand\nCREATE TABLE b (x int)"), version(1), "_b.up.sql: was edited after it had been applied"},
		{"file is missing", deployed[:2], version(1), "_c.down.sql: is not here"},
		{"no down", noDown, version(1), "_b.down.sql: is not here"},
		{"not applied", deployed, "20270101000000", "is not applied, so there is no way back"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			if _, err := migrate.Deploy(t.Context(), conn, deployed, migrate.Options{}); err != nil {
				t.Fatal(err)
			}
			if _, err := migrate.PlanRollback(t.Context(), conn, tt.files, tt.to); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("plan: %v", err)
			}
			res, err := migrate.Rollback(t.Context(), conn, tt.files, tt.to, migrate.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || hint(err) == "" || len(res.Applied) != 0 {
				t.Errorf("%+v, %v (hint: %s)", res, err, hint(err))
			}
			if !ask[bool](t, conn, "SELECT to_regclass('a_x') IS NOT NULL") {
				t.Error("something was rolled back")
			}
		})
	}
	conn := connect(t, pgtest.Empty(t))
	for _, to := range []string{"", migrate.Everything} {
		if res, err := migrate.Rollback(t.Context(), conn, deployed, to, migrate.Options{}); err != nil || len(res.Applied) != 0 {
			t.Errorf("nothing applied, to %q: %+v, %v", to, res, err)
		}
	}
}

// A way back that fails in a transaction leaves everything; outside of one it
// says what is done, forbids to go forward, and goes on.
func TestRollbackFails(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	const brokenB = "CREATE TABLE z ();\nDROP TABLE nowhere"
	broken := ladder(t, "_b.down.sql", brokenB, "_c.down.sql", "-- transaction: none\nDROP INDEX CONCURRENTLY a_x;\nSELECT 1/0")
	if _, err := migrate.Deploy(t.Context(), conn, broken, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	_, err := migrate.Rollback(t.Context(), conn, broken, "", migrate.Options{})
	if err == nil || !strings.Contains(err.Error(), "_c.down.sql:3: division by zero") || !strings.Contains(hint(err), "statement 1 of 2 is done") || !strings.Contains(hint(err), "roll back again") {
		t.Fatalf("got %v (hint: %s)", err, hint(err))
	}
	st, err := migrate.Read(t.Context(), conn, broken)
	if err != nil || len(st.HalfBack) != 1 || len(st.Failed) != 1 || st.Failed[0].NextCommand != "rollback" || st.Failed[0].Action != migrate.RollBack || st.InSync() {
		t.Errorf("state %+v, %v", st, err)
	}
	_, err = migrate.Deploy(t.Context(), conn, broken, migrate.Options{})
	var refused *migrate.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "_c.down.sql: is half rolled back: statement 1 of 2 is done") || !strings.Contains(hint(err), "rollback") {
		t.Errorf("forward: %v (hint: %s)", err, hint(err))
	}
	res, err := migrate.Rollback(t.Context(), conn, ladder(t, "_b.down.sql", brokenB), migrate.Everything, migrate.Options{})
	if err == nil || applied(res) != "3" || !strings.Contains(err.Error(), `_b.down.sql:2: table "nowhere" does not exist`) || !strings.Contains(hint(err), "nothing of this file was kept") {
		t.Errorf("%+v, %v (hint: %s)", res, err, hint(err))
	}
	if ask[bool](t, conn, "SELECT to_regclass('z') IS NOT NULL") {
		t.Error("half of the way back stayed")
	}
	if res, err := migrate.Rollback(t.Context(), conn, ladder(t), migrate.Everything, migrate.Options{}); err != nil || applied(res) != "2 1" {
		t.Errorf("mended: %+v, %v", res, err)
	}
}

// A way back that failed and left nothing behind is no state of the database: the
// file is applied as before. It is told until the next success at any file.
func TestFailedRollbackLeavesTheRestInSync(t *testing.T) {
	t.Parallel()
	broken := ladder(t, "_b.down.sql", "DROP TABLE nowhere")[:2]
	ways := map[string]func(conn *pgx.Conn) ([]migrate.File, error){
		"deploy": func(conn *pgx.Conn) ([]migrate.File, error) {
			_, err := migrate.Deploy(t.Context(), conn, ladder(t), migrate.Options{})
			return ladder(t), err
		},
		"rollback": func(conn *pgx.Conn) ([]migrate.File, error) {
			_, err := migrate.Rollback(t.Context(), conn, ladder(t)[:2], "", migrate.Options{})
			return ladder(t)[:1], err
		},
		"resolve": func(conn *pgx.Conn) ([]migrate.File, error) {
			claim := migrate.Claim{Which: "b", Mark: migrate.MarkApplied, Check: table("b")}
			_, err := migrate.Resolve(t.Context(), conn, broken, claim, migrate.Options{})
			return broken, err
		},
	}
	for name, on := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			if _, err := migrate.Deploy(t.Context(), conn, broken, migrate.Options{}); err != nil {
				t.Fatal(err)
			}
			if _, err := migrate.Rollback(t.Context(), conn, broken, "", migrate.Options{}); err == nil {
				t.Fatal("no error")
			}
			st, err := migrate.Read(t.Context(), conn, broken)
			if err != nil || len(st.FailedBack) != 1 || st.FailedBack[0].NextCommand != "rollback" || len(st.Failed)+len(st.Unfinished) != 0 || !st.InSync() {
				t.Errorf("state %+v, %v", st, err)
			}
			files, err := on(conn)
			if err != nil {
				t.Fatal(err)
			}
			if st, err := migrate.Read(t.Context(), conn, files); err != nil || len(st.FailedBack)+len(st.Failed) != 0 || !st.InSync() {
				t.Errorf("afterwards: %+v, %v", st, err)
			}
		})
	}
}
