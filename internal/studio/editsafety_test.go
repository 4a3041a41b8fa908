package studio_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/studio"
	"github.com/af-auth/af-auth/internal/studio/address"
)

// A masked column is cleared and never typed; no page, draft, statement or
// refusal shows a value of it.
func TestMaskedColumnsAreClearedOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, masked, withMasks).open()
	const people, row = "/t/public/people", "/t/public/people/row/11"
	for _, pairs := range [][]string{{"how", "text", "value", "x"}, {"how", "empty"}, {"how", "default"}} {
		if status, _, _ := w.submit(row, append(pairs, "do", "set", "column", "token", "version", "1")...); status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", pairs, status)
		}
	}
	editor := w.page(row + "?open=edit:token")
	if strings.Contains(editor, "editor-value") || !strings.Contains(editor, "Clear to NULL") {
		t.Error("the editor of a masked column takes a value, or does not clear it")
	}
	w.set(row, "token", "null", "")
	w.exec(`UPDATE people SET name = 'other' WHERE id = 12`)
	// One that others point at cannot be cleared or deleted: refused without its value.
	w.set("/t/public/people/row/1", "token", "null", "")
	version := found(t, versionField, w.page(people+"/row/2?open=delete"))
	w.submit(people+"/row/2", "do", "delete", "version", version)
	shown := []string{w.page(people), w.page(people + "/review"), w.page(row), w.page(people + "/row/2?open=delete"), w.save(people), w.page(people)}
	if !strings.Contains(words(shown[4]), "1 row of pointing point") && !strings.Contains(words(shown[4]), "point to this row") {
		t.Errorf("the refusal: %s", words(shown[4]))
	}
	w.submit(people+"/row/1", "do", "undo")
	w.submit(people+"/row/2", "do", "undo")
	w.exec(`UPDATE people SET token = 'CANARYsecret other' WHERE id = 11`)
	shown = append(shown, w.save(people))
	for i, body := range shown {
		if low := strings.ToLower(body); strings.Contains(low, strings.ToLower(canary)) || strings.Contains(low, "43414e415259") {
			t.Errorf("page %d shows a masked value", i)
		}
	}
	if strings.Contains(w.log.String(), "CANARY") {
		t.Error("the log holds a masked value")
	}
	w.submit(people + "/discard")
	w.set(row, "token", "null", "")
	if w.save(people); w.ask(`SELECT coalesce(token, 'cleared') FROM people WHERE id = 11`) != "cleared" {
		t.Error("it was not cleared")
	}
}

// C38: names and values that close quotes are names and values when they are
// written, too.
func TestHostileChanges(t *testing.T) {
	t.Parallel()
	var sql strings.Builder
	sql.WriteString("CREATE TABLE victim (n int PRIMARY KEY, t text); INSERT INTO victim VALUES (1, 'alive');\n")
	names := hostile()
	for _, name := range names {
		table := pgx.Identifier{name}.Sanitize()
		fmt.Fprintf(&sql, "CREATE TABLE %s (%s text PRIMARY KEY, plain text, CONSTRAINT %s CHECK (plain <> 'never'));\n", table, table, table)
		fmt.Fprintf(&sql, "INSERT INTO %s VALUES (%s, 'x'), ('second', 'y');\n", table, quoted(name))
	}
	w := newWorld(t, sql.String()).open()
	before := w.ask(fingerprint)
	var base address.Base
	for i, name := range names {
		value := names[(i+5)%len(names)]
		table, row := base.Table("public", name, address.View{}), base.Row("public", name, address.Key([]string{name}), address.View{})
		w.set(row, "plain", "text", value)
		w.set(row, name, "text", "changed "+value)
		version := found(t, versionField, w.page(base.Row("public", name, "second", address.View{Open: "delete"})))
		w.submit(base.Row("public", name, "second", address.View{}), "do", "delete", "version", version)
		w.submit(table+"/new", "how-1", "text", "value-1", "new "+value, "how-2", "text", "value-2", value)
		w.page(table + "/review")
		if said := words(w.save(table)); !strings.Contains(said, "Saved 4 changes in 3 rows") {
			t.Fatalf("table %q: %s", name, said)
		}
		ident := pgx.Identifier{name}.Sanitize()
		got := w.ask(`SELECT count(*)::text || min(plain) || max(plain) FROM ` + ident)
		if kept := strings.ReplaceAll(value, "\r\n", "\n"); got != "2"+kept+kept {
			t.Errorf("table %q holds %q", name, got)
		}
	}
	if after := w.ask(fingerprint); after != before {
		t.Error("the catalogue or the victim has changed")
	}
}

// A form of another site changes nothing.
func TestChangesComeFromOurOwnPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff).open()
	w.set("/t/public/people/row/1", "age", "text", "11")
	revision := found(t, revisionField, w.page("/t/public/people"))
	for _, origin := range []string{"", "null", "http://evil.test", "http://127.0.0.1:1", strings.Replace(w.origin, "http:", "https:", 1)} {
		for _, path := range []string{"/t/public/people/save", "/t/public/people/row/1", "/t/public/people/new", "/t/public/people/discard", "/t/public/people/conflict"} {
			form := url.Values{"revision": {revision}, "do": {"undo"}, "id": {"1"}}
			req, err := http.NewRequest(http.MethodPost, w.origin+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if origin != "" {
				req.Header.Set("Origin", origin)
			}
			if res, _ := w.do(req); res.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s from %q: %d", path, origin, res.StatusCode)
			}
		}
	}
	if w.ask(`SELECT age::text FROM people WHERE id = 1`) != "10" || !strings.Contains(words(w.page("/t/public/people")), "1 change in 1 row") {
		t.Error("something was saved or thrown away")
	}
}

// deaf stands between studio and PostgreSQL. It lets the COMMIT after an UPDATE
// through and loses the answer.
func deaf(t *testing.T, w *world) string {
	t.Helper()
	config, err := pgx.ParseConfig(w.url)
	if err != nil {
		t.Fatal(err)
	}
	network, target := pgconnAddress(config)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, target)
			if err != nil {
				_ = client.Close()
				continue
			}
			go carry(client, server)
		}
	}()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	u := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: net.JoinHostPort(host, port), Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	return u.String()
}

func pgconnAddress(c *pgx.ConnConfig) (network, address string) {
	if strings.HasPrefix(c.Host, "/") {
		return "unix", fmt.Sprintf("%s/.s.PGSQL.%d", c.Host, c.Port)
	}
	return "tcp", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
}

// carry carries bytes both ways until a COMMIT behind an UPDATE has passed: then
// it waits for PostgreSQL's answer, and hangs up without it.
func carry(client, server net.Conn) {
	defer func() { _ = client.Close(); _ = server.Close() }()
	var lost atomic.Bool
	go func() {
		b := make([]byte, 64<<10)
		updated := false
		for {
			n, err := client.Read(b)
			updated = updated || strings.Contains(string(b[:n]), "UPDATE ")
			if updated && strings.Contains(strings.ToLower(string(b[:n])), "commit") {
				lost.Store(true)
			}
			if err != nil {
				_ = server.Close()
				return
			}
			if _, err := server.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := server.Read(b)
		if err != nil || lost.Load() {
			return
		}
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}

// The answer to COMMIT is lost: studio says that it does not know, and where to
// look. Saving again does not do it twice.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff)
	behind, err := pgurl.Parse(deaf(t, w))
	if err != nil {
		t.Fatal(err)
	}
	w.serve(func(o *studio.Options) { o.URL = behind })
	w.open()
	const people = "/t/public/people"
	w.set(people+"/row/1", "login", "text", "new")
	said := words(w.save(people))
	if !strings.Contains(said, "It is not known whether these changes are saved.") || !strings.Contains(said, "answer to COMMIT was lost") {
		t.Fatalf("the page says %s", said)
	}
	if w.ask(`SELECT login::text FROM people WHERE id = 1`) != "new" {
		t.Fatal("the COMMIT did not arrive: this test shows nothing")
	}
	if said := words(w.save(people)); !strings.Contains(said, "Somebody else changed people") {
		t.Errorf("saved a second time: %s", said)
	}
}

// A whitelist that is switched off in studio is heard by every server at once:
// the database's own triggers say it, and name who did it.
func TestWhitelistSwitchedOff(t *testing.T) {
	t.Parallel()
	w := &world{t: t, url: pgtest.New(t), log: &logBuffer{}}
	w.exec(`INSERT INTO users (github_user_id, login, is_whitelisted) VALUES (1, 'octocat', true)`)
	id := w.ask(`SELECT id::text FROM users`)
	w.serve(withMasks, func(o *studio.Options) {
		o.Begin = func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SELECT set_config('af_auth.actor', 'studio:ada', true)`)
			return err
		}
	})
	w.open()
	ear, err := pgx.Connect(t.Context(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ear.Close(context.Background()) }()
	if _, err := ear.Exec(t.Context(), "LISTEN af_auth_access"); err != nil {
		t.Fatal(err)
	}
	w.set("/t/public/users/row/"+id, "is_whitelisted", "text", "false")
	if said := words(w.save("/t/public/users")); !strings.Contains(said, "Saved 1 change") {
		t.Fatal(said)
	}
	n, err := ear.WaitForNotification(t.Context())
	if err != nil || !strings.Contains(n.Payload, id) {
		t.Errorf("servers hear %v, %v", n, err)
	}
	if got := w.ask(`SELECT kind || ' ' || actor FROM events WHERE kind LIKE 'access.%' ORDER BY id DESC LIMIT 1`); got != "access.revoked studio:ada" {
		t.Errorf("the record says %q", got)
	}
}
