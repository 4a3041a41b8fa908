package studio_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/studio"
)

func parse(t *testing.T, raw string) pgurl.URL {
	t.Helper()
	u, err := pgurl.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

type answer struct {
	status int
	body   string
}

// begin runs a statement, and returns when PostgreSQL is at work on it.
func (w *world) begin(sql string, more ...string) <-chan answer {
	w.t.Helper()
	done := make(chan answer, 1)
	go func() {
		status, body := w.run(sql, more...)
		done <- answer{status, body}
	}()
	w.until(`SELECT (count(*) > 0)::text FROM pg_stat_activity WHERE datname = current_database() AND query = '`+sql+`' AND state = 'active'`, "true")
	return done
}

// until asks the database again and again, and gives up after a while.
func (w *world) until(sql, want string) {
	w.t.Helper()
	conn, err := pgx.Connect(context.Background(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for late := time.Now().Add(20 * time.Second); ; {
		var got string
		if err := conn.QueryRow(context.Background(), sql).Scan(&got); err != nil {
			w.t.Fatal(err)
		}
		if got == want {
			return
		}
		if time.Now().After(late) {
			w.t.Fatalf("%s stays %s", sql, got)
		}
	}
}

const working = `SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%' AND state = 'active'`

// The cancel button cancels in PostgreSQL, and only what its own session runs.
func TestSQLCancel(t *testing.T) {
	t.Parallel()
	w := newBox(t, "")
	done := w.begin("SELECT pg_sleep(50)", "run", "one", "limit", "60")
	mine := w.client
	w.client = browser(t)
	w.open()
	for _, run := range []string{"one", "two", "", strings.Repeat("x", 100)} {
		if status, _ := w.post("/sql/cancel", url.Values{"run": {run}}); status != http.StatusNoContent {
			t.Errorf("cancel: %d", status)
		}
	}
	if n := w.ask(working); n != "1" {
		t.Fatalf("another session has cancelled it: %s", n)
	}
	w.client = mine
	if status, _ := w.post("/sql/cancel", url.Values{"run": {"one"}}); status != http.StatusNoContent {
		t.Errorf("cancel: %d", status)
	}
	if a := <-done; a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Cancelled") {
		t.Errorf("the cancelled statement: %d", a.status)
	}
	w.until(working, "0")
}

// Slow statements wait for nobody and keep nobody waiting; a third is refused.
func TestSQLSlowBlocksNobody(t *testing.T) {
	t.Parallel()
	w := newBox(t, "")
	first := w.begin("SELECT pg_sleep(51)", "run", "one", "limit", "60")
	second := w.begin("SELECT pg_sleep(52)", "run", "two", "limit", "60")
	if status, body := w.run("SELECT 1"); status != http.StatusServiceUnavailable || !strings.Contains(body, "Two statements of the box are running") {
		t.Errorf("a third: %d", status)
	}
	for _, path := range []string{"/", "/t/public/notes", "/sql", "/diagram"} {
		w.page(path)
	}
	for _, run := range []string{"one", "two"} {
		w.post("/sql/cancel", url.Values{"run": {run}})
	}
	<-first
	<-second
	if status, _ := w.run("SELECT 1"); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// A statement ends at its limit, or when nobody waits for it any more.
func TestSQLTimeLimit(t *testing.T) {
	t.Parallel()
	w := newBox(t, "")
	for _, sql := range []string{"SELECT pg_sleep(53)", "DO $$ BEGIN LOOP END LOOP; END $$", "SELECT set_config('statement_timeout', '0', true), pg_sleep(53)",
		"SELECT count(*) FROM generate_series(1, 100000000000)", "TABLE slow"} {
		if status, body := w.run(sql, "limit", "1"); status != http.StatusServiceUnavailable || !strings.Contains(body, "Stopped after 1 second") {
			t.Errorf("%s: %d", sql, status)
		}
	}
	w.until(working, "0")
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.origin+"/sql", strings.NewReader(url.Values{"statement": {"SELECT pg_sleep(54)"}, "limit": {"60"}}.Encode()))
		if err != nil {
			return
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", w.origin)
		if res, err := w.client.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	w.until(working, "1")
	cancel()
	<-gone
	w.until(working, "0")
}

// A page that PostgreSQL is slow with is stopped, and names the limit that was
// set. What is announced as slow names it too.
func TestPageTimeLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE notes (id int PRIMARY KEY, word text); INSERT INTO notes SELECT i, 'a' FROM generate_series(1, 100) i; ANALYZE;
UPDATE pg_class SET reltuples = 5000000, relpages = 500000 WHERE relname = 'notes';
CREATE VIEW slow AS SELECT id, pg_sleep(60)::text AS s FROM notes`)
	for _, test := range []struct {
		limit time.Duration
		said  string
	}{{300 * time.Millisecond, "0.3 seconds"}, {time.Second, "1 second"}} {
		w.serve(func(o *studio.Options) { o.PageTime = test.limit })
		w.open()
		for _, path := range []string{"/t/public/slow", "/t/public/slow?f=s.is.x"} {
			if status, body := w.get(path); status != http.StatusServiceUnavailable || !strings.Contains(body, "Stopped after "+test.said+": it would have read too many rows.") {
				t.Errorf("GET %s: %d %s", path, status, words(body))
			}
		}
		if said := words(w.page("/t/public/notes?sort=word")); !strings.Contains(said, "This sort has no index: it reads ≈ 5,000,000 rows. It is stopped after "+test.said+".") {
			t.Errorf("the announcement: %s", said)
		}
	}
}

// Counting has the same limit, and the page stands without the number.
func TestCountTimeLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE VIEW many AS SELECT generate_series(1, 100000000000) AS id`, func(o *studio.Options) { o.PageTime = 300 * time.Millisecond }).open()
	if said := words(w.page("/t/public/many?count=1")); !strings.Contains(said, "not counted within 0.3 seconds") || !strings.Contains(said, "Rows 1–50") {
		t.Error(said)
	}
}

// A query that somebody cancels in PostgreSQL was not too slow.
func TestPageCancelledElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(60)::text AS s`, func(o *studio.Options) { o.PageTime = time.Minute }).open()
	done := make(chan answer, 1)
	go func() {
		status, body := w.get("/t/public/slow")
		done <- answer{status, body}
	}()
	w.until(`SELECT (count(pg_cancel_backend(pid)) > 0)::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%"slow"%' AND state = 'active' AND pid <> pg_backend_pid()`, "true")
	if a := <-done; a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "Somebody has cancelled this query in PostgreSQL.") {
		t.Errorf("%d %s", a.status, words(a.body))
	}
}

// A handler that panics is an answer like others, and the next one is well.
func TestPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	w := newBox(t, writerRights, recording, func(o *studio.Options) {
		o.Audit = func(context.Context, pgx.Tx, studio.Change) error { panic("CANARYpanic") }
	})
	if status, body := w.confirm("DELETE FROM notes"); status != http.StatusInternalServerError || strings.Contains(body, "CANARYpanic") || !strings.Contains(body, "Reference") {
		t.Errorf("%d", status)
	}
	if n := w.ask(`SELECT count(*)::text FROM notes`); n != "1000" {
		t.Errorf("%s rows are left", n)
	}
	for range 3 { // the box has its places back
		if status, _ := w.run("SELECT 1"); status != http.StatusOK {
			t.Errorf("afterwards: %d", status)
		}
	}
}

// C38: the box is a form of studio's own pages, of a session.
func TestSQLNeedsASession(t *testing.T) {
	t.Parallel()
	w := newBox(t, "")
	form := url.Values{"statement": {"SELECT 'ran'"}}.Encode()
	for _, test := range []struct {
		name, method, path, contentType, origin string
		session                                 bool
		want                                    int
	}{
		{"no session", "POST", "/sql", "application/x-www-form-urlencoded", "own", false, 401},
		{"no session, cancel", "POST", "/sql/cancel", "application/x-www-form-urlencoded", "own", false, 401},
		{"no session, page", "GET", "/sql", "", "", false, 401},
		{"another site", "POST", "/sql", "application/x-www-form-urlencoded", "http://evil.test", true, 403},
		{"another site, cancel", "POST", "/sql/cancel", "text/plain", "http://evil.test", true, 403},
		{"no origin", "POST", "/sql", "application/x-www-form-urlencoded", "", true, 403},
		{"by GET", "GET", "/sql?" + form, "", "", true, 200},
		{"own", "POST", "/sql", "application/x-www-form-urlencoded", "own", true, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(test.method, w.origin+test.path, strings.NewReader(form))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", test.contentType)
			switch test.origin {
			case "own":
				req.Header.Set("Origin", w.origin)
			case "":
			default:
				req.Header.Set("Origin", test.origin)
			}
			client := &http.Client{}
			if test.session {
				client = w.client
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != test.want {
				t.Errorf("%d, want %d", res.StatusCode, test.want)
			}
		})
	}
	if body := w.page("/sql?" + form); strings.Contains(body, "&#39;ran") {
		t.Error("an address has put a statement into the box")
	}
}
