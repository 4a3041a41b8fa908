package e2e

import (
	"bufio"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// studioRows are 120 people, of whom user007 has three sessions.
const studioRows = `
INSERT INTO users (github_user_id, login, is_whitelisted) SELECT 1000 + i, 'user' || lpad(i::text, 3, '0'), i % 2 = 0 FROM generate_series(1, 120) i;
INSERT INTO sessions (token_hash, user_id, host, expires_at)
	SELECT sha256(('canary' || i)::bytea), u.id, 'app.example.test', now() + interval '1 day' FROM users u, generate_series(1, 3) i WHERE u.login = 'user007';
ANALYZE;`

// studioReader makes the role that reads, and returns its URL.
func studioReader(t *testing.T, database string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	name := "reader_" + conn.Config().Database // roles are the whole server's
	role := pgx.Identifier{name}.Sanitize()
	if _, err := conn.Exec(ctx, studioRows+`CREATE ROLE `+role+` LOGIN PASSWORD 'reader';
GRANT SELECT (id, login, is_whitelisted) ON users TO `+role+`; GRANT SELECT (id, user_id, host) ON sessions TO `+role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(ctx, database)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(ctx) }()
		if _, err := conn.Exec(ctx, `DROP OWNED BY `+role+`; DROP ROLE `+role); err != nil {
			t.Error(err)
		}
	})
	return as(t, database, name, "reader")
}

// as is the database's URL for another user.
func as(t *testing.T, database, user, password string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// startStudio runs af-auth db studio on any port and returns its link. Ctrl-C
// ends it when the test does.
func startStudio(t *testing.T, database string, args ...string) string {
	t.Helper()
	link, _ := startStudioAt(t, database, "0", args...)
	return link
}

// startStudioAt is startStudio on a port; it also returns what was written to
// stderr, of which all that came before the link is there.
func startStudioAt(t *testing.T, database, port string, args ...string) (string, func() string) {
	t.Helper()
	cmd := exec.Command(program, append([]string{"db", "studio", "--no-open", "--port", port}, args...)...)
	cmd.Dir, cmd.Env = t.TempDir(), append(cleanEnv(), "DATABASE_URL="+database)
	log, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	said := func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(stopWithin, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("af-auth db studio, after Ctrl-C: %v\n%s", err, said())
		}
		_ = log.Close()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	link, ok := strings.CutPrefix(strings.TrimSpace(line), "studio: ")
	if err != nil || !ok {
		t.Fatalf("the first line is %q (%v)\n%s", line, err, said())
	}
	return link, said
}

// studioTab is a tab that has studio open.
type studioTab struct {
	*browser
	t *testing.T
}

// sees waits for something on the page, and for nothing of it to come from
// elsewhere.
func (s studioTab) sees(what, expression string) {
	s.t.Helper()
	s.waitFor(s.t, what, 20*time.Second, `document.readyState === "complete" && !document.querySelector(".htmx-request") && Boolean(`+expression+`)`)
	s.waitFor(s.t, "nothing from elsewhere, with "+what, 5*time.Second,
		`performance.getEntries().every(e => !/^(https?|wss?):/.test(e.name) || e.name.startsWith(location.origin + "/"))`)
}

func (s studioTab) click(what, selector string) {
	s.t.Helper()
	s.do(s.t, what, chromedp.Click(chromedp.CSS(selector)))
}

// keys presses keys one after the other. As on a keyboard, what a key types
// comes with it, and does not come where the page has kept the key for itself.
func (s studioTab) keys(what, keys string, held ...chromedp.Modifier) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
	defer cancel()
	for _, r := range keys {
		all := kb.Encode(r)
		down, up := *all[0], *all[len(all)-1]
		if len(all) == 3 && !slices.ContainsFunc(held, func(m chromedp.Modifier) bool { return m != chromedp.ModifierShift }) {
			down.Text, down.UnmodifiedText = all[1].Text, all[1].UnmodifiedText
		}
		down.Type, up.Type = input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp
		if down.Text != "" {
			down.Type = input.DispatchKeyEventTypeKeyDown
		}
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			chromedp.KeyModifiers(held...)(&event)
			if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, event); err != nil {
				s.t.Fatalf("%s: %v%s", what, err, s.where())
			}
		}
	}
}

// column is the texts of a column of the grid, by its head.
const column = `(name => { const i = [...document.querySelectorAll("#grid th")].findIndex(th => th.textContent.startsWith(name));
	return [...document.querySelectorAll("#grid tbody tr")].map(tr => tr.cells[i].textContent.trim()); })`

// TestBrowserStudio clicks through studio: open by link, look, filter, sort,
// page, follow a relation and come back, a row, the theme.
func TestBrowserStudio(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	reader := studioReader(t, database)
	link := startStudio(t, database, "--sql-url", reader)
	s := studioTab{newBrowser(t), t}
	s.do(t, "open the link", chromedp.Navigate(link))
	s.sees("the tables", `location.pathname === "/" && document.querySelector("h1").textContent === "Tables" && document.body.innerText.includes("events")`)
	other := studioTab{newBrowser(t), t}
	other.do(t, "open the same link in another browser", chromedp.Navigate(link))
	other.sees("a closed door", `document.body.innerText.includes("Not open to this browser") && !document.body.innerText.includes("events")`)

	s.click("open users", `th[scope=row] a[href="/t/public/users"]`)
	s.sees("50 rows", `document.querySelectorAll("#grid tbody tr").length === 50`)
	s.click("the columns", `#columns`)
	s.sees("the choice of columns", `document.querySelector("#columns-apply") !== null`)
	s.do(t, "choose two", chromedp.Evaluate[chromedp.Void](`for (const box of document.querySelectorAll("input[name=col]")) box.checked = ["id", "login"].includes(box.value)`))
	s.click("show them", `#columns-apply`)
	s.sees("two columns", `document.querySelectorAll("#grid tbody tr:first-child td").length <= 5 && location.search.includes("cols=id%2Clogin")`)

	s.click("sort", `#sort-login`)
	s.sees("the first by login", column+`("login")[0] === "user001" && document.activeElement.id === "sort-login"`)
	s.click("turn it", `#sort-login`)
	s.sees("the last by login", column+`("login")[0] === "user120"`)
	s.click("older", `#older`)
	s.sees("the second page", column+`("login")[0] === "user070"`)
	s.click("newer", `#newer`)
	s.sees("the first page", column+`("login")[0] === "user120"`)

	s.click("add a filter", `#add-filter`)
	s.sees("columns to filter by", `document.querySelector(".pick a") !== null && document.body.innerText.includes("Masked columns cannot be filtered by")`)
	s.do(t, "by login", chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".pick a")].find(a => a.textContent === "login").click()`))
	s.sees("the form", `document.activeElement.id === "filter-value"`)
	s.do(t, "starts with", chromedp.Evaluate[chromedp.Void](`document.getElementById("filter-op").value = "starts"`))
	s.do(t, "type", chromedp.SendKeys(chromedp.CSS(`#filter-value`), "user00\r"))
	s.sees("nine rows", `document.querySelectorAll("#grid tbody tr").length === 9 && document.querySelector(".chip .val").textContent === "user00"`)

	s.click("the columns", `#columns`)
	s.sees("the choice of columns", `document.querySelector("#columns-apply") !== null`)
	s.do(t, "all of them", chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".pop a")].find(a => a.textContent === "All columns").click()`))
	s.sees("all columns", `!location.search.includes("cols=") && document.querySelector("#columns-apply") === null && document.querySelectorAll("#grid tbody tr").length === 9`)
	s.do(t, "follow a relation", chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("#grid a")].find(a => a.textContent === "3 sessions").click()`))
	s.sees("its three sessions", `location.pathname === "/t/public/sessions" && document.querySelectorAll("#grid tbody tr").length === 3 && document.body.innerText.includes("masked · 32 B")`)
	// Of a link that is cut short, chromedp would click where it is cut.
	s.do(t, "and to the person", chromedp.Evaluate[chromedp.Void](`document.querySelector('#grid a[href^="/t/public/users/row/"]').click()`))
	s.sees("the row at the side", `document.querySelector("#panel").innerText.includes("user007")`)
	s.do(t, "back", chromedp.Evaluate[chromedp.Void](`history.back()`))
	s.sees("the sessions again", `location.pathname === "/t/public/sessions" && document.querySelectorAll("#grid tbody tr").length === 3`)
	s.do(t, "back", chromedp.Evaluate[chromedp.Void](`history.back()`))
	s.sees("the filter again", `document.querySelectorAll("#grid tbody tr").length === 9`)
	s.click("take the filter away", `#chip-0-x`)
	s.sees("all rows", `document.querySelectorAll("#grid tbody tr").length === 50 && document.querySelector(".chip .val") === null`)

	s.click("the theme", `.theme summary`)
	s.click("dark", `.theme button[value=dark]`)
	s.sees("the dark page", `document.documentElement.dataset.theme === "dark" && location.pathname === "/t/public/users" && getComputedStyle(document.body).backgroundColor === "rgb(18, 18, 17)"`)
	s.complaints(t)
	other.complaints(t)
}

// TestBrowserStudioKeys goes through a table without a mouse.
func TestBrowserStudioKeys(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	studioReader(t, database)
	s := studioTab{newBrowser(t), t}
	s.do(t, "open the link", chromedp.Navigate(startStudio(t, database)))
	s.sees("the tables", `document.querySelector("h1").textContent === "Tables"`)
	s.keys("search", "/")
	s.sees("the search", `document.activeElement.id === "search"`)
	s.keys("type", "users"+kb.Enter)
	s.sees("what was found", `location.search === "?q=users"`)
	s.tab("the table", `document.activeElement.getAttribute("href") === "/t/public/users"`)
	s.keys("open it", kb.Enter)
	s.sees("its rows", `document.querySelectorAll("#grid tbody tr").length === 50`)
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
	const at = `(a => a.matches("#grid td") && a.parentElement.rowIndex + "," + a.cellIndex)(document.activeElement)`
	for _, step := range []struct{ keys, at string }{
		{kb.ArrowDown, "2,0"}, {kb.ArrowRight, "2,1"}, {kb.ArrowDown, "3,1"}, {kb.ArrowLeft, "3,0"}, {kb.ArrowUp, "2,0"}, {kb.ArrowRight, "2,1"}, {kb.Home, "2,0"}, {kb.ArrowRight, "2,1"},
	} {
		s.keys("move", step.keys)
		s.sees("the place "+step.at, at+` === `+quote(step.at))
	}
	s.keys("open the row", "o")
	s.sees("the row at the side", `document.querySelector("#panel") !== null && location.pathname.includes("/row/") && document.activeElement.closest("#panel") !== null`)
	s.keys("close it", kb.Escape)
	s.sees("no row at the side", `document.querySelector("#panel") === null`)
	s.keys("next page", "]")
	s.sees("the second page", `location.search.includes("after=")`)
	s.keys("previous page", "[")
	s.sees("the first page", `location.search.includes("before=") || !location.search.includes("after=")`)
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
	s.keys("sort by this column", kb.Home+kb.ArrowRight+"s")
	s.sees("rows in order", `document.querySelector("th[aria-sort]") !== null && document.activeElement.matches("#grid td, th a")`)
	s.keys("the keys", "?")
	s.sees("the list of keys", `document.querySelector("#keys").open`)
	s.keys("close", kb.Escape)
	s.sees("no list", `!document.querySelector("#keys").open`)
	s.complaints(t)
}

// tab presses Tab until the focus is where it should be.
func (s studioTab) tab(what, expression string) {
	s.t.Helper()
	for range 200 {
		ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		cancel()
		if err != nil {
			s.t.Fatal(err)
		}
		if there {
			return
		}
		s.keys("Tab", kb.Tab)
	}
	s.t.Fatalf("Tab does not lead to %s%s", what, s.where())
}

// TestBrowserStudioSQL: what is masked is refused, what is not is shown, a slow
// statement is cancelled, and the history stays in the browser.
func TestBrowserStudioSQL(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	link := startStudio(t, database, "--sql-url", studioReader(t, database))
	s := studioTab{newBrowser(t), t}
	s.do(t, "open the link", chromedp.Navigate(link))
	s.sees("the tables", `document.querySelector("h1").textContent === "Tables"`)
	s.click("the SQL page", `.bar nav a[href="/sql"]`)
	s.sees("the box", `document.querySelector("#statement") !== null && document.querySelector("#write") === null`)
	s.do(t, "ask for what is masked", chromedp.SendKeys(chromedp.CSS(`#statement`), "SELECT token_hash FROM sessions"))
	s.click("run", `#run`)
	s.sees("the refusal", `document.querySelector("#sql-fault")?.innerText.includes("Permission denied") && document.querySelector("#statement").value.startsWith("SELECT token_hash")`)
	s.typeSQL("SELECT login, nope FROM users")
	s.sees("the mark", `document.querySelector("mark")?.textContent === "nope"`)
	s.typeSQL("SELECT login FROM users ORDER BY login")
	s.sees("the rows", column+`("login")[119] === "user120" && document.querySelector("#said").textContent === "120 rows"`)
	s.typeSQL("DELETE FROM users")
	s.sees("the refusal to write", `document.querySelector("#sql-fault")?.innerText.match(/READ ONLY|Permission denied/)`)
	s.do(t, "a limit", chromedp.Evaluate[chromedp.Void](`document.getElementById("limit").value = "60"`))
	s.typeSQL("SELECT pg_sleep(60)")
	s.waitFor(t, "the cancel button", 10*time.Second, `getComputedStyle(document.querySelector("form.cancel")).display === "flex"`)
	s.waitRunning(database)
	s.click("cancel", `#cancel`)
	s.sees("that it was cancelled", `document.querySelector("#sql-fault")?.innerText.includes("Cancelled")`)
	s.sees("the history", `document.querySelector("#history").hidden === false && document.querySelectorAll("#history li").length === 5`)
	s.click("one of it", `#history li:nth-child(3) button`)
	s.sees("it in the box", `document.querySelector("#statement").value === "SELECT login FROM users ORDER BY login"`)
	s.click("clear", `#history-clear`)
	s.sees("no history", `document.querySelector("#history").hidden && Object.keys(localStorage).every(k => !k.startsWith("studio-sql"))`)
	s.complaints(t)
}

// typeSQL runs a statement with Ctrl+Enter.
func (s studioTab) typeSQL(sql string) {
	s.t.Helper()
	s.do(s.t, "empty the box", chromedp.Evaluate[chromedp.Void](`document.querySelector("#statement").value = ""`))
	s.do(s.t, "type "+sql, chromedp.SendKeys(chromedp.CSS(`#statement`), sql))
	s.do(s.t, "Ctrl+Enter", chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(2)))
}

// waitRunning waits until PostgreSQL is at work on the slow statement.
func (s studioTab) waitRunning(database string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for running := false; !running; {
		if err := conn.QueryRow(ctx, `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)' AND state = 'active'`).Scan(&running); err != nil {
			s.t.Fatal(err)
		}
	}
}
