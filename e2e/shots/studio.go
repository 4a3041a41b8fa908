package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgserver"
)

// state is a page of studio and what leads to it.
type state struct {
	name string
	// doc says that docs/studio.md shows it.
	doc bool
	// does runs on the page before, once, and answers the address of the page: an
	// expression of JavaScript, which may wait and calls helpers.
	does string
	// sql is what somebody else does after that.
	sql string
	// then runs on the page, in each view, and shows is what is waited for.
	then, shows string
}

// helpers are what a person would click, sent as the page's own forms.
const helpers = `
const page = async at => new DOMParser().parseFromString(await (await fetch(at)).text(), "text/html");
const send = async (at, fields) => { const r = await fetch(at, { method: "POST", body: new URLSearchParams(fields) }); return r.url; };
const fields = form => Object.fromEntries([...form.querySelectorAll("input[type=hidden]")].map(i => [i.name, i.value]));
const row = async (grid, n) => { const d = await page(grid); return d.querySelectorAll("#grid tbody tr")[n].querySelector("a[href*='/row/']").getAttribute("href").split("?")[0]; };
const set = async (row, column, value) => { const d = await page(row + "?open=edit:" + column); const f = d.querySelector("#editor");
	return send(f.getAttribute("action"), { ...fields(f), how: "text", value }); };
const mark = async row => { const d = await page(row + "?open=delete"); const f = d.querySelector("form.deletion"); return send(f.getAttribute("action"), fields(f)); };
const save = async table => { const d = await page(table + "/review"); const f = d.querySelector("form[action$='/save']"); await send(f.getAttribute("action"), fields(f)); };
const drop = async table => { const d = await page(table); const f = d.querySelector("#discard").form; await send(f.getAttribute("action"), fields(f)); };
const upload = async (table, text) => { const d = await page(table + "/import"); const f = d.querySelector("input[type=file]").form; const body = new FormData(f);
	body.set("file", new Blob([text], { type: "text/csv" }), "runs.csv"); const r = await fetch(f.getAttribute("action"), { method: "POST", body }); return r.url; };
const trial = async at => { const d = await page(at); const f = d.querySelector("#try").form; const body = new URLSearchParams(new FormData(f)); body.set("do", "try");
	await fetch(f.getAttribute("action"), { method: "POST", body }); return at; };
const ask = text => { document.querySelector("#statement").value = text; document.querySelector("#run").click(); };
const users = "/t/public/users", runs = "/t/build/runs", byLogin = users + "?sort=login";
`

// states come one after another: a draft that one leaves is there in the next.
var states = []state{
	{name: "tables", doc: true, does: `"/"`},
	{name: "tables-found", does: `"/?q=session"`},
	{name: "tables-none", does: `"/?q=zebra"`},
	{name: "diagram", doc: true, does: `"/diagram"`},
	{name: "grid", doc: true, does: `users`},
	{name: "grid-filtered", doc: true, does: `users + "?f=is_whitelisted.is.false&desc=created_at"`},
	{name: "grid-filter", does: `users + "?open=filter"`},
	{name: "grid-columns", does: `users + "?open=columns"`},
	{name: "grid-none", does: `users + "?q=nobody-is-called-so"`},
	{name: "grid-empty", does: `"/t/public/tickets"`},
	{name: "row", doc: true, does: `(await row(users, 0))`},
	{name: "row-values", does: `(await row(runs, 0))`},
	{name: "edit", doc: true, does: `(await row(runs, 1)) + "?open=edit:state"`},
	{name: "insert", doc: true, does: `runs + "?open=insert"`},
	{name: "delete", doc: true, does: `(await row("/t/build/repositories", 0)) + "?open=delete"`},
	{name: "pending", doc: true, does: `await set(await row(runs, 0), "state", "failed"), await set(await row(runs, 0), "seconds", "12.5"), await mark(await row(runs, 2)), runs`},
	{name: "review", doc: true, does: `runs + "/review"`},
	{name: "refused", doc: true, does: `await set(await row(runs, 1), "seconds", "-1"), await save(runs), runs`},
	{does: `await drop(runs), await set(await row(runs, 4), "seconds", "99.5"), runs`, sql: `UPDATE build.runs SET seconds = 7 WHERE id = 5`},
	{name: "conflict", doc: true, does: `await save(runs), runs + "/conflict"`},
	{name: "export", doc: true, does: `await drop(runs), runs`, then: `document.querySelector("#export summary").click();`},
	{name: "keys", doc: true, does: `runs`, then: `document.querySelector("#grid td").dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));`},
	{name: "import", does: `runs + "/import"`},
	{name: "import-file", does: `await upload(runs, "repository_id,state,seconds\n1,passed,3.5\n2,failed,\n3,passed,8\n")`},
	{name: "import-bad", doc: true, does: "await trial(await upload(runs, `" + "repository_id,state,seconds\n1,passed,3.5\n2,finished,1\n999,passed,-8\n" + "`))"},
	{name: "sql", does: `"/sql"`},
	{name: "sql-rows", doc: true, does: `"/sql"`, then: `ask("SELECT state, count(*), round(avg(seconds), 3) AS mean_seconds\nFROM build.runs GROUP BY state ORDER BY state");`, shows: ".sqlresult"},
	{name: "sql-refused", does: `"/sql"`, then: `ask("UPDATE build.runs SET state = 'passed'");`, shows: "#sql-fault"},
	{name: "missing", doc: true, does: `"/t/public/nothing"`},
}

// demo is studio on the demonstration database.
type demo struct {
	folder string
	server *pgserver.Server
	studio *exec.Cmd
	link   string // opens it once
}

// startDemo makes the database and starts bin/af-auth.
func startDemo(ctx context.Context) (d *demo, err error) {
	d = &demo{}
	defer func() {
		if err != nil {
			d.stop()
		}
	}()
	if d.folder, err = os.MkdirTemp("", "af-auth-shots-"); err != nil {
		return d, err
	}
	// The server's own account has to pass here.
	if err = os.Chmod(d.folder, 0o711); err != nil { // #nosec G302 -- holds one folder that pgserver closes
		return d, err
	}
	if d.server, err = pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(d.folder, "data")}); err != nil {
		return d, err
	}
	if err = d.server.CreateDatabase(ctx, "af_auth"); err != nil {
		return d, err
	}
	reader, err := fill(ctx, d.server.URL("af_auth"))
	if err != nil {
		return d, fmt.Errorf("fill the database: %w", err)
	}
	program, err := filepath.Abs("bin/af-auth")
	if err != nil {
		return d, err
	}
	d.studio = exec.CommandContext(ctx, program, "db", "studio", "--no-open", "--port", "0", "--sql-url", reader) // #nosec G204 -- what pictures are taken of
	d.studio.Dir, d.studio.Stderr = d.folder, os.Stderr
	d.studio.Env = []string{"PATH=/usr/bin:/bin", "DATABASE_URL=" + d.server.URL("af_auth")}
	out, err := d.studio.StdoutPipe()
	if err != nil {
		return d, err
	}
	if err = d.studio.Start(); err != nil {
		return d, fmt.Errorf("%w; make build makes it", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	link, found := strings.CutPrefix(strings.TrimSpace(line), "studio: ")
	if err != nil || !found {
		return d, fmt.Errorf("studio said %q (%w)", line, err)
	}
	d.link = link
	return d, nil
}

func (d *demo) stop() {
	if d.studio != nil && d.studio.Process != nil {
		_ = d.studio.Process.Signal(syscall.SIGINT)
		_ = d.studio.Wait()
	}
	if d.server != nil {
		_ = d.server.Stop(context.Background())
	}
	_ = os.RemoveAll(d.folder)
}

// lead does what leads to a state, and returns the address of its page.
func (d *demo) lead(ctx context.Context, s state) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	to, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => {`+helpers+`
	return new URL((`+s.does+`), location.origin).href; })()`, chromedp.EvalAwaitPromise))
	if err != nil {
		return "", fmt.Errorf("on the way to %s: %w", s.name, err)
	}
	if s.sql == "" {
		return to, nil
	}
	conn, err := pgx.Connect(ctx, d.server.URL("af_auth"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, s.sql)
	return to, err
}

// takeStudio takes the states of these names, or all.
func (c *camera) takeStudio(ctx context.Context, names []string) error {
	d, err := startDemo(ctx)
	if err != nil {
		return err
	}
	defer d.stop()
	if err := chromedp.Do(c.ctx, chromedp.Navigate(d.link)); err != nil {
		return fmt.Errorf("open studio: %w", err)
	}
	for _, s := range states {
		to, err := d.lead(c.ctx, s)
		if err != nil {
			return err
		}
		if s.name == "" || c.small && !s.doc || len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		if err := c.take(s.name, "studio-"+s.name, to, s.then, s.shows); err != nil {
			return err
		}
	}
	return nil
}
