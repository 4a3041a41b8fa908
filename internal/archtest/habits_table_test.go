package archtest

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

// Checks that find nothing would pass every tree: each habit is pinned by a
// file that drops it and one that does not.
func TestHabitsAreSeen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, path, code string
		want             string // a part of the fault, "" for none
	}{
		{"init", "a/a.go", `func init() {}`, "init()"},
		{"a method named init", "a/a.go", `type T int; func (T) init() {}`, ""},
		{"assignment", "a/a.go", `var n = 1; func f() { n = 2 }`, "variable is changed"},
		{"field", "a/a.go", `var n struct{ x int }; func f() { n.x = 2 }`, "variable is changed"},
		{"map entry", "a/a.go", `var n = map[string]int{}; func f() { n["a"] = 2 }`, "variable is changed"},
		{"delete", "a/a.go", `var n = map[string]int{}; func f() { delete(n, "a") }`, "variable is changed"},
		{"increment", "a/a.go", `var n = 1; func f() { n++ }`, "variable is changed"},
		{"inside a closure", "a/a.go", `var n = 1; func f() { func() { n += 2 }() }`, "variable is changed"},
		{"own variable of the same name", "a/a.go", `var n = 1; func f() { n := 1; n = 2 }`, ""},
		{"parameter of the same name", "a/a.go", `var n = 1; func f(n int) { n = 2 }`, ""},
		{"set by TestMain", "a/a_test.go", `import "testing"; var n = 1; func TestMain(m *testing.M) { n = 2 }`, ""},
		{"blank", "a/a.go", `var _ = 1; func f() { _ = 2 }`, ""},
		{"read only", "a/a.go", `var n = 1; func f() int { return n }`, ""},
		{"mutex", "a/a.go", `import "sync"; var mu sync.Mutex`, "made to change"},
		{"atomic pointer", "a/a.go", `import "sync/atomic"; var p = atomic.Pointer[int]{}`, "made to change"},
		{"computed once", "a/a.go", `import "sync"; var f = sync.OnceValue(func() int { return 1 })`, ""},
		{"http.Error", "internal/gate/a.go", `import "net/http"; func f(w http.ResponseWriter) { http.Error(w, "", 500) }`, "http.Error"},
		{"http.Error in the renderer", "internal/web/a.go", `import "net/http"; func f(w http.ResponseWriter) { http.Error(w, "", 500) }`, ""},
		{"http.Error near the renderer", "internal/webhooks/a.go", `import "net/http"; func f(w http.ResponseWriter) { http.Error(w, "", 500) }`, "http.Error"},
		{"http.Error in a test", "a/a_test.go", `import "net/http"; func f(w http.ResponseWriter) { http.Error(w, "", 500) }`, ""},
		{"sleep in a test", "a/a_test.go", `import "time"; func f() { time.Sleep(1) }`, "time.Sleep"},
		{"sleep elsewhere", "a/a.go", `import "time"; func f() { time.Sleep(1) }`, ""},
		{"skip", "a/a_test.go", `import "testing"; func f(t *testing.T) { t.Skip("no") }`, "skipped"},
		{"skip in a helper", "a/a.go", `import "testing"; func f(tb testing.TB) { tb.SkipNow() }`, "skipped"},
		{"SQL in a command", "internal/cli/a.go", `func f(c conn) { c.db.QueryRow(ctx, "SELECT 1").Scan(&n) }`, "SQL: ask"},
		{"SQL in a handler", "internal/web/a.go", `func f(c conn) { c.Exec(ctx, "SELECT 1") }`, "SQL: ask"},
		{"SQL where it belongs", "internal/postgres/a.go", `func f(c conn) { c.Exec(ctx, "SELECT 1") }`, ""},
		{"SQL in a command's test", "internal/cli/a_test.go", `func f(c conn) { c.Exec(ctx, "SELECT 1") }`, ""},
		{"the query of an address", "internal/cli/a.go", `func f(r *http.Request) { r.URL.Query().Get("a") }`, ""},
		{"another Skip", "a/a.go", `func f(rows interface{ Skip() }) { rows.Skip() }`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(test.path, "", []byte("package a\n"+strings.ReplaceAll(test.code, "; ", "\n")))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(habits(s, packageVars([]source{s})[path.Dir(s.path)]), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSizeIsSeen(t *testing.T) {
	t.Parallel()
	long := "package a\nfunc f() {\n" + strings.Repeat("\t_ = 1\n", maxFunction) + "}\n"
	table := "package a\nfunc f() {\n\t_ = []int{\n" + strings.Repeat("\t\t1,\n", maxFile) + "\t}\n}\n"
	for _, test := range []struct {
		name, path, text string
		want             int
	}{
		{"long function", "a/a.go", long, 1},
		{"long test", "a/a_test.go", long, 1},
		{"long table", "a/a.go", table, 2},
		{"long table in a test", "a/a_test.go", table, 0},
		{"long file", "a/a.go", "package a\n" + strings.Repeat("\n", maxFile), 1},
		{"short file", "a/a.go", "package a\n", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(test.path, "", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := oversize(s); len(got) != test.want {
				t.Errorf("got %v, want %d", got, test.want)
			}
		})
	}
}

// The package comment is the map: one in each package, and never two.
func TestPackagesHaveOneComment(t *testing.T) {
	t.Parallel()
	comments := make(map[string][]string)
	for _, s := range sources(t) {
		name := path.Dir(s.path) + " " + strings.TrimSuffix(s.tree.Name.Name, "_test")
		if _, ok := comments[name]; !ok {
			comments[name] = nil
		}
		if hasMap(s.tree) {
			comments[name] = append(comments[name], s.path)
		}
	}
	for name, files := range comments {
		if len(files) != 1 {
			t.Errorf("package %s has %d package comments %v, want one", name, len(files), files)
		}
	}
}

// hasMap reports whether a file holds the package comment. A command's comment
// begins with its name.
func hasMap(f *ast.File) bool {
	if f.Doc == nil {
		return false
	}
	return f.Name.Name == "main" || strings.HasPrefix(f.Doc.Text(), "Package ")
}
