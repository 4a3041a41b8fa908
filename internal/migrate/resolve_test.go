package migrate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// table is a check that looks for one table.
func table(name string) migrate.Check {
	return func(ctx context.Context, conn *pgx.Conn, _ migrate.File) (e migrate.Evidence, err error) {
		var there bool
		if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", name).Scan(&there); err != nil {
			return e, err
		}
		if there {
			return migrate.Evidence{There: []string{"table " + name}}, nil
		}
		return migrate.Evidence{NotThere: []string{"table " + name}}, nil
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b (); SELECT 1/0")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err == nil {
		t.Fatal("no error")
	}
	claim := migrate.Claim{Which: "m2", Mark: migrate.MarkApplied, Check: table("b")}
	found, err := migrate.Resolve(t.Context(), conn, files, claim, migrate.Options{})
	var contradicted *migrate.ContradictedError
	if !errors.As(err, &contradicted) || len(found.NotThere) != 1 || !strings.Contains(err.Error(), "_m2.up.sql is not all applied; not there: table b") || !strings.Contains(hint(err), "--force") {
		t.Fatalf("%+v, %v (hint: %s)", found, err, hint(err))
	}
	run(t, conn, "CREATE TABLE b ()")
	back := migrate.Claim{Which: "m2", Mark: migrate.MarkRolledBack, Check: table("b")}
	if _, err := migrate.Resolve(t.Context(), conn, files, back, migrate.Options{}); !errors.As(err, &contradicted) ||
		!strings.Contains(err.Error(), "is not all rolled back; still there: table b") {
		t.Errorf("rolled back, while it is there: %v", err)
	}
	if st, err := migrate.Read(t.Context(), conn, files); err != nil || len(st.Failed) != 1 || len(st.Pending) != 1 {
		t.Errorf("state %+v, %v", st, err)
	}
	if _, err := migrate.Resolve(t.Context(), conn, files, claim, migrate.Options{Actor: "cli:ada", Release: "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || !st.InSync() || len(st.Failed) != 0 || !st.Applied[1].Resolved || st.Applied[1].Actor != "cli:ada" || st.SchemaVersion != "1.1.0" {
		t.Errorf("state %+v, %v", st, err)
	}
	history, err := migrate.History(t.Context(), conn)
	if err != nil || len(history) != 3 {
		t.Fatalf("history %+v, %v", history, err)
	}
	if a := history[2]; a.Action != migrate.MarkApplied || a.Outcome != migrate.Done || a.Forced || a.Detail != "there: table b" || a.Release != "1.2.3" || a.Number != 2 {
		t.Errorf("attempt %+v", a)
	}
	// And back: the newest is not there after all.
	run(t, conn, "DROP TABLE b")
	if _, err := migrate.Resolve(t.Context(), conn, files, back, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	if st, err := migrate.Read(t.Context(), conn, files); err != nil || len(st.Pending) != 1 {
		t.Errorf("state %+v, %v", st, err)
	}
}

// Somebody insists: it is done, and recorded who did.
func TestResolveForced(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()")
	claim := migrate.Claim{Which: "m1", Mark: migrate.MarkApplied, Check: table("a"), Force: true}
	if _, err := migrate.Resolve(t.Context(), conn, files, claim, migrate.Options{Actor: "cli:ada"}); err != nil {
		t.Fatal(err)
	}
	history, err := migrate.History(t.Context(), conn)
	if err != nil || len(history) != 1 || !history[0].Forced || history[0].Actor != "cli:ada" || history[0].Detail != "not there: table a" {
		t.Errorf("history %+v, %v", history, err)
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()", "CREATE TABLE c ()", "CREATE TABLE d ()")
	tests := []struct {
		name, which string
		mark        migrate.Action
		want        string
	}{
		{"unknown", "nowhere", migrate.MarkApplied, `there is no migration "nowhere"`},
		{"not the next", "m4", migrate.MarkApplied, "_m3.up.sql comes before"},
		{"applied", "m1", migrate.MarkApplied, "_m1.up.sql is applied already"},
		{"not the newest", "m1", migrate.MarkRolledBack, "_m1.up.sql is not the newest that is applied"},
		{"never tried", "m3", migrate.MarkRolledBack, "_m3.up.sql was never tried"},
		{"no mark", "m3", migrate.Apply, "nothing that a file can be marked with"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			if _, err := migrate.Deploy(t.Context(), conn, files[:2], migrate.Options{}); err != nil {
				t.Fatal(err)
			}
			_, err := migrate.Resolve(t.Context(), conn, files, migrate.Claim{Which: tt.which, Mark: tt.mark, Check: table("a")}, migrate.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := migrate.Resolve(t.Context(), connect(t, pgtest.Empty(t)), files, migrate.Claim{Which: "m1", Mark: migrate.MarkApplied}, migrate.Options{}); err == nil {
		t.Error("believed without a look")
	}
}

// A half-applied file that was undone by hand begins anew.
func TestResolveVoidsWhatWasDone(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	if _, err := migrate.Deploy(t.Context(), conn, outside(t, "CREATE TABLE a (); SELECT 1/0", ""), migrate.Options{}); err == nil {
		t.Fatal("no error")
	}
	mended := outside(t, "CREATE TABLE a (x int); SELECT 1", "")
	if _, err := migrate.Deploy(t.Context(), conn, mended, migrate.Options{}); err == nil {
		t.Fatal("went on behind what was changed")
	}
	run(t, conn, "DROP TABLE a")
	if _, err := migrate.Resolve(t.Context(), conn, mended, migrate.Claim{Which: "m", Mark: migrate.MarkRolledBack, Check: table("a")}, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.Deploy(t.Context(), conn, mended, migrate.Options{}); err != nil {
		t.Error(err)
	}
	if !ask[bool](t, conn, "SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum > 0") {
		t.Error("the mended file did not run whole")
	}
}

// An applied file that was edited, in a comment say, counts as it is now once
// somebody has looked.
func TestResolveEdited(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	if _, err := migrate.Deploy(t.Context(), conn, load(t, "CREATE TABLE a ()", "SELECT 1"), migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	edited := load(t, "CREATE TABLE a (); -- so", "SELECT 1")
	if _, err := migrate.Resolve(t.Context(), conn, edited, migrate.Claim{Which: "m1", Mark: migrate.MarkApplied, Check: table("a")}, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	if st, err := migrate.Read(t.Context(), conn, edited); err != nil || !st.InSync() || !st.Applied[0].Resolved {
		t.Errorf("state %+v, %v", st, err)
	}
}

// An applied file that was deleted can be taken out of the ledger by somebody who
// insists, the newest first; it is recorded who did.
func TestResolveDeletedFile(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()", "CREATE TABLE c ()")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	left := files[:1]
	claim := func(which string, mark migrate.Action, force bool) error {
		_, err := migrate.Resolve(t.Context(), conn, left, migrate.Claim{Which: which, Mark: mark, Force: force, Check: table("c")}, migrate.Options{Actor: "cli:ada"})
		return err
	}
	for _, tt := range []struct {
		which string
		mark  migrate.Action
		force bool
		want  string
	}{
		{"m3", migrate.MarkRolledBack, false, "_m3.up.sql is applied, but the file is not here"},
		{"m3", migrate.MarkApplied, true, "_m3.up.sql is applied, but the file is not here"},
		{"m2", migrate.MarkRolledBack, true, "_m2.up.sql is not the newest that is applied"},
		{"m4", migrate.MarkRolledBack, true, `there is no migration "m4"`},
	} {
		if err := claim(tt.which, tt.mark, tt.force); err == nil || !strings.Contains(err.Error(), tt.want) || hint(err) == "" {
			t.Errorf("%s, force %t: %v (hint: %s)", tt.which, tt.force, err, hint(err))
		}
	}
	for _, which := range []string{version(3), version(2) + "_m2"} {
		if err := claim(which, migrate.MarkRolledBack, true); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := migrate.Read(t.Context(), conn, left); err != nil || !st.InSync() || len(st.Applied) != 1 {
		t.Errorf("state %+v, %v", st, err)
	}
	history, err := migrate.History(t.Context(), conn)
	if err != nil || len(history) != 5 {
		t.Fatalf("history %+v, %v", history, err)
	}
	if a := history[3]; a.Action != migrate.MarkRolledBack || !a.Forced || a.Actor != "cli:ada" || a.Version != version(3) || a.Checksum != files[2].Checksum {
		t.Errorf("attempt %+v", a)
	}
}
