package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// TestScripts runs testdata/script: af-auth as people call it, one script a
// command. Beside testscript's own commands a script has these:
//
//	exits CODE PROGRAM [ARG...]      run it, and want this exit code
//	database [migrated|empty]        a database of its own, in DATABASE_URL
//	database wrong-password|missing  the same server, and no way in
//	shadow                           an empty database, in AF_AUTH_SHADOW_URL:
//	                                 quicker than a private server for each command
//	github [down]                    a GitHub simulator, in GITHUB_…
//	sql STATEMENT                    run it there; rows go to stdout
//	dev                              af-auth dev in this folder, until the script ends
//	keys NAME...                     stdout is JSON whose objects have these keys
//	rows LIST COUNT NAME...          … is one object with such a list in it
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "database": database, "shadow": shadow, "github": github, "sql": sql, "keys": keys, "rows": rows, "dev": dev,
		},
	})
}

// test is the key of a script's own testing.TB.
type test struct{}

// setUp adds to testscript's bare environment, which holds no setting of
// af-auth, who calls: events name them.
func setUp(e *testscript.Env) error {
	e.Values[test{}] = e.T()
	e.Setenv("SUDO_USER", "mona")
	// Else the race detector holds each process for a second at its end.
	e.Setenv("GORACE", "atexit_sleep_ms=0")
	return nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func database(ts *testscript.TestScript, neg bool, args []string) {
	t, ok := ts.Value(test{}).(testing.TB)
	if neg || len(args) > 1 || !ok {
		ts.Fatalf("usage: database [migrated|empty|wrong-password|missing]")
	}
	kind := append(args, "migrated")[0]
	address := ""
	switch kind {
	case "migrated":
		address = pgtest.New(t)
	case "empty":
		address = pgtest.Empty(t)
	case "wrong-password", "missing":
		u, err := url.Parse(pgtest.Server(t))
		ts.Check(err)
		if kind == "missing" {
			u.Path = "/no_such_database"
		} else {
			u.User = url.UserPassword(u.User.Username(), "wrong-password")
		}
		address = u.String()
	default:
		ts.Fatalf("there is no database %q", kind)
	}
	ts.Setenv("DATABASE_URL", address)
}

func shadow(ts *testscript.TestScript, neg bool, args []string) {
	t, ok := ts.Value(test{}).(testing.TB)
	if neg || len(args) > 0 || !ok {
		ts.Fatalf("usage: shadow")
	}
	ts.Setenv("AF_AUTH_SHADOW_URL", pgtest.Empty(t))
}

func github(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 || len(args) == 1 && args[0] != "down" {
		ts.Fatalf("usage: github [down]")
	}
	sim := githubsim.New(githubsim.Options{ClientID: "af-auth-test", ClientSecret: "a-client-secret"})
	server := httptest.NewServer(sim)
	ts.Defer(server.Close)
	sim.SetURL(server.URL)
	if len(args) == 1 {
		sim.Fault(1000, githubsim.Fault{Kind: githubsim.ServerError})
	}
	ts.Setenv("GITHUB_URL", server.URL)
	ts.Setenv("GITHUB_CLIENT_ID", "af-auth-test")
	ts.Setenv("GITHUB_CLIENT_SECRET", "a-client-secret")
}

func sql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, ts.Getenv("DATABASE_URL"))
	ts.Check(err)
	defer func() { ts.Check(conn.Close(ctx)) }()
	results, err := conn.PgConn().Exec(ctx, args[0]).ReadAll()
	ts.Check(err)
	for _, r := range results {
		for _, row := range r.Rows {
			_, err := fmt.Fprintf(ts.Stdout(), "%s\n", strings.Join(texts(row), "\t"))
			ts.Check(err)
		}
	}
}

func texts(row [][]byte) []string {
	var out []string
	for _, value := range row {
		out = append(out, string(value))
	}
	return out
}

func keys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: keys NAME...")
	}
	want := slices.Sorted(slices.Values(args))
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	seen := 0
	for {
		var v any
		if err := decoder.Decode(&v); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			ts.Fatalf("stdout is not JSON: %v", err)
		}
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		for _, one := range list {
			object, _ := one.(map[string]any)
			if got := slices.Sorted(maps.Keys(object)); !slices.Equal(got, want) {
				ts.Fatalf("keys %v, want %v", got, want)
			}
			seen++
		}
	}
	if seen == 0 {
		ts.Fatalf("stdout holds no object")
	}
}

func rows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: rows LIST COUNT NAME...")
	}
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	var page map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &page))
	var list []map[string]any
	ts.Check(json.Unmarshal(page[args[0]], &list))
	if len(list) != count {
		ts.Fatalf("%d %s, want %d", len(list), args[0], count)
	}
	want := slices.Sorted(slices.Values(args[2:]))
	for _, row := range list {
		if got := slices.Sorted(maps.Keys(row)); !slices.Equal(got, want) {
			ts.Fatalf("keys %v, want %v", got, want)
		}
	}
}

// dev starts af-auth dev, and returns when all of it is ready.
func dev(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: dev")
	}
	cmd := exec.Command("af-auth", "dev", "--port", "0", "--json") // #nosec G204 -- this very program
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "GORACE=" + ts.Getenv("GORACE")}
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		ts.Check(cmd.Process.Signal(syscall.SIGINT))
		ts.Check(cmd.Wait())
	})
	line := bufio.NewScanner(out)
	if !line.Scan() {
		_ = cmd.Wait()
		ts.Fatalf("dev did not start: %s", faults.String())
	}
	var links struct {
		AppURL string `json:"app_url"`
	}
	ts.Check(json.Unmarshal(line.Bytes(), &links))
	ts.Setenv("APP", strings.TrimPrefix(links.AppURL, "http://"))
}
