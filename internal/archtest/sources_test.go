package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// source is one Go file of the repository that people wrote.
type source struct {
	path  string // relative to the root, with slashes
	files *token.FileSet
	tree  *ast.File
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// line returns the line of a position.
func (s source) line(p token.Pos) int { return s.files.Position(p).Line }

// lines returns the length of the file.
func (s source) lines() int { return s.files.File(s.tree.FileStart).LineCount() }

// under reports whether the file stands in one of the folders or below.
func (s source) under(folders ...string) bool {
	for _, f := range folders {
		if strings.HasPrefix(s.path, f+"/") {
			return true
		}
	}
	return false
}

// sources parses the repository. Left out are generated files, folders that
// begin with a dot (the private PostgreSQL's data among them) and testdata.
func sources(t *testing.T) []source {
	t.Helper()
	top := root(t)
	var all []source
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != top && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		relative, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(relative), path, nil)
		if err == nil && !ast.IsGenerated(s.tree) {
			all = append(all, s)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("found no Go file")
	}
	return all
}

// parse reads one file; text, if not nil, stands for what is on disk.
func parse(name, path string, text []byte) (source, error) {
	if text == nil {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return source{}, err
		}
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return source{path: name, files: files, tree: tree}, err
}
