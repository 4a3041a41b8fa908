package archtest

import (
	"go/ast"
	"go/token"
	"path"
)

// packageVars returns the names of package variables by folder.
func packageVars(all []source) map[string]map[string]bool {
	found := make(map[string]map[string]bool)
	for _, s := range all {
		folder := path.Dir(s.path)
		if found[folder] == nil {
			found[folder] = make(map[string]bool)
		}
		for _, d := range s.tree.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					found[folder][name.Name] = true
				}
			}
		}
	}
	return found
}

// assigned returns the statements of a function that change one of vars: x = …,
// x.f = …, x[k] = …, x++, and delete and clear of one. A name that the function
// declares anywhere itself counts as its own. TestMain and what it hands its
// *testing.M to run once, before the first test: they may set what all tests
// share.
func assigned(f *ast.FuncDecl, vars map[string]bool) []ast.Node {
	if takesM(f) {
		return nil
	}
	own := declared(f)
	changes := func(target ast.Expr) bool {
		name := base(target)
		return name != "_" && vars[name] && !own[name]
	}
	var found []ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				if n.Tok != token.DEFINE && changes(target) {
					found = append(found, n)
				}
			}
		case *ast.IncDecStmt:
			if changes(n.X) {
				found = append(found, n)
			}
		case *ast.CallExpr:
			name, ok := n.Fun.(*ast.Ident)
			if ok && (name.Name == "delete" || name.Name == "clear") && len(n.Args) > 0 && changes(n.Args[0]) {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

// takesM reports whether a function has a parameter *testing.M.
func takesM(f *ast.FuncDecl) bool {
	for _, p := range f.Type.Params.List {
		if star, ok := p.Type.(*ast.StarExpr); ok {
			if t, ok := star.X.(*ast.SelectorExpr); ok && base(t) == "testing" && t.Sel.Name == "M" {
				return true
			}
		}
	}
	return false
}

// declared returns every name that a function declares: receiver, parameters,
// results, :=, var and range.
func declared(f *ast.FuncDecl) map[string]bool {
	own := make(map[string]bool)
	add := func(e ast.Expr) {
		if name, ok := e.(*ast.Ident); ok {
			own[name.Name] = true
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					add(e)
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key)
				add(n.Value)
			}
		}
		return true
	})
	return own
}

// base returns the name at the bottom of x, x.f, x[k] and *x.
func base(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return ""
		}
	}
}

// mutable returns the package variables whose type is from sync or sync/atomic.
func mutable(g *ast.GenDecl) []ast.Node {
	if g.Tok != token.VAR {
		return nil
	}
	var found []ast.Node
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		types := []ast.Expr{v.Type}
		for _, value := range v.Values {
			if literal, ok := value.(*ast.CompositeLit); ok {
				types = append(types, literal.Type)
			}
		}
		for _, t := range types {
			if name := base(unindexed(t)); name == "sync" || name == "atomic" {
				found = append(found, v)
			}
		}
	}
	return found
}

// unindexed takes the type arguments away: atomic.Pointer[T].
func unindexed(e ast.Expr) ast.Expr {
	if x, ok := e.(*ast.IndexExpr); ok {
		return x.X
	}
	return e
}
