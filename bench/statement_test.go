package main

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// What pgbench asks about is who we ask about: a script that finds nobody would
// be faster, and measure nothing.
func TestScripts(t *testing.T) {
	t.Parallel()
	c := crowd{pgtest.New(t), 20, 2}
	conn, err := pgx.Connect(t.Context(), c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := c.fillRows(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	w, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, n := range []int{1, 7, c.sessions()} {
		if d, err := w.gate.Check(t.Context(), token(n), host); err != nil || d.User.GitHubID != int64((n-1)%c.people+1) {
			t.Errorf("session %d: person %d, %v", n, d.User.GitHubID, err)
		}
	}
	for name, script := range map[string]string{"verify": verifyScript(), "sign-in": signInScript()} {
		rows, err := conn.Query(t.Context(), strings.ReplaceAll(script, "(:n)", "(7)"))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for rows.Next() {
			found++
		}
		if err := rows.Err(); err != nil || found != 1 {
			t.Errorf("%s: %d rows, %v", name, found, err)
		}
	}
	if err := w.signIn(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := w.signInBare(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := w.signInPlain(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	asBefore(t, conn, c)
}

// asBefore fails unless everybody is still called as before, and four have signed in.
func asBefore(t *testing.T, conn *pgx.Conn, c crowd) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT github_user_id, login, name, email FROM users")
	if err != nil {
		t.Fatal(err)
	}
	var n, people int
	var login, name, email string
	_, err = pgx.ForEachRow(rows, []any{&n, &login, &name, &email}, func() error {
		people++
		if l, m, e := profile(n); l != login || m != name || e != email {
			t.Errorf("person %d is %s, %s, %s; want %s, %s, %s", n, login, name, email, l, m, e)
		}
		return nil
	})
	var sessions int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM sessions").Scan(&sessions); err != nil {
		t.Fatal(err)
	}
	if err != nil || people != c.people || sessions != c.sessions()+4 {
		t.Errorf("%d people with %d sessions, %v", people, sessions, err)
	}
}
