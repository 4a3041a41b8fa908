package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"testing"
)

// renderers may write errors to a response themselves: the one renderer of the
// product, the simulator that answers as GitHub does, and the demo application.
func renderers() []string { return []string{"internal/web", "internal/githubsim", "internal/cli"} }

// withoutSQL hold no SQL: what they ask of a database they ask of
// internal/postgres, or of a tool.
func withoutSQL() []string {
	return []string{"cmd/af-auth", "internal/cli", "internal/web", "internal/signin", "internal/gate", "internal/access", "internal/webhook"}
}

func TestHabits(t *testing.T) {
	t.Parallel()
	vars := packageVars(sources(t))
	for _, s := range sources(t) {
		for _, fault := range habits(s, vars[path.Dir(s.path)]) {
			t.Error(fault)
		}
	}
}

// habits returns the dropped habits of one file. vars are the package variables
// of its folder.
func habits(s source, vars map[string]bool) []string {
	var faults []string
	report := func(n ast.Node, text string) {
		faults = append(faults, fmt.Sprintf("%s:%d: %s", s.path, s.line(n.Pos()), text))
	}
	for _, d := range s.tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				report(d, "init() hides work at start: do it in a constructor")
			}
			for _, n := range assigned(d, vars) {
				report(n, "a package variable is changed: hold it in a value that a constructor makes")
			}
		case *ast.GenDecl:
			for _, n := range mutable(d) {
				report(n, "a package variable of a kind made to change: hold it in a value that a constructor makes")
			}
		}
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if text := badCall(s, call); text != "" {
				report(call, text)
			}
		}
		return true
	})
	return faults
}

// badCall says what is wrong with a call, "" where nothing is.
func badCall(s source, call *ast.CallExpr) string {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	// pgx takes a context and the text; url.URL's Query takes nothing.
	if slices.Contains([]string{"Exec", "Query", "QueryRow"}, f.Sel.Name) && len(call.Args) >= 2 &&
		!s.isTest() && s.under(withoutSQL()...) {
		return "SQL: ask internal/postgres, or a tool beside it"
	}
	on, ok := f.X.(*ast.Ident)
	if !ok {
		return ""
	}
	switch name := on.Name + "." + f.Sel.Name; {
	case name == "http.Error" && !s.isTest() && !s.under(renderers()...):
		return "http.Error: return the error, and let the renderer in internal/web show it"
	case name == "time.Sleep" && s.isTest():
		return "time.Sleep in a test: wait for what should happen, by a channel or a condition"
	case slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, f.Sel.Name) &&
		slices.Contains([]string{"t", "b", "f", "tb"}, on.Name):
		return "a skipped test proves nothing: fail, and say what is missing"
	}
	return ""
}
