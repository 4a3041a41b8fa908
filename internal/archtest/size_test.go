package archtest

import (
	"fmt"
	"go/ast"
	"testing"
)

const (
	maxFile     = 400 // lines of a file
	maxFunction = 60  // lines of a function, its comment not counted
)

// longer are the exceptions, by file or file:function, each with its reason.
func longer() map[string]string {
	return map[string]string{}
}

func TestSize(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for _, s := range sources(t) {
		for where, fault := range oversize(s) {
			if longer()[where] == "" {
				t.Errorf("%s: split it by noun, or add it to longer() with the reason", fault)
			}
			used[where] = true
		}
	}
	for where := range longer() {
		if !used[where] {
			t.Errorf("%s is not too long any more: take it out of longer()", where)
		}
	}
}

// oversize returns what is too long in a file. In tests, tables do not count:
// a list of cases is data, and is read one row at a time.
func oversize(s source) map[string]string {
	found := make(map[string]string)
	tables := 0
	for _, d := range s.tree.Decls {
		inTables := 0
		if s.isTest() {
			inTables = tableLines(s, d)
			tables += inTables
		}
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.line(f.End()) - s.line(f.Pos()) + 1 - inTables; n > maxFunction {
			where := s.path + ":" + f.Name.Name
			found[where] = fmt.Sprintf("%s:%d: %s has %d lines, more than %d", s.path, s.line(f.Pos()), f.Name.Name, n, maxFunction)
		}
	}
	if n := s.lines() - tables; n > maxFile {
		found[s.path] = fmt.Sprintf("%s has %d lines, more than %d", s.path, n, maxFile)
	}
	return found
}

// tableLines counts the lines of the outermost composite literals below n.
func tableLines(s source, n ast.Node) int {
	total := 0
	ast.Inspect(n, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		total += s.line(literal.End()) - s.line(literal.Pos())
		return false
	})
	return total
}

// main is what nobody tests: it stays too small to hold anything.
func TestMainIsSmall(t *testing.T) {
	t.Parallel()
	total := 0
	for _, s := range sources(t) {
		if s.under("cmd/af-auth") && !s.isTest() {
			total += s.lines()
		}
	}
	if total == 0 || total >= 60 {
		t.Errorf("cmd/af-auth has %d lines, want 1 to 59: what it does belongs to internal/cli", total)
	}
}
