package archtest

import (
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is one page of the documentation.
type document struct {
	path   string // relative to the root, with slashes
	prose  string // without fenced blocks
	blocks []block
}

// block is a fenced block: its language and its lines.
type block struct {
	language string
	lines    []string
}

// documents reads every page in Markdown.
func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		paths, err := fs.Glob(os.DirFS(root(t)), pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no page found: %v", pattern, err)
		}
		for _, path := range paths {
			all = append(all, readPage(t, path))
		}
	}
	return all
}

func readPage(t *testing.T, path string) document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return split(path, string(text))
}

// manual is the pages that describe the product as it is: all but the
// changelog, which also tells how it was.
func manual(t *testing.T) []document {
	t.Helper()
	return slices.DeleteFunc(documents(t), func(d document) bool { return d.path == "CHANGELOG.md" })
}

// split takes the fenced blocks out of a page.
func split(path, text string) document {
	d := document{path: path}
	var prose []string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && !inside:
			d.blocks, inside = append(d.blocks, block{language: language}), true
		case fence:
			inside = false
		case inside:
			last := &d.blocks[len(d.blocks)-1]
			last.lines = append(last.lines, line)
		default:
			prose = append(prose, line)
		}
	}
	d.prose = strings.Join(prose, "\n")
	return d
}

var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// spans returns the inline code of a page. In a table a bar is written \|.
func (d document) spans() []string {
	var found []string
	for _, m := range codeSpan.FindAllStringSubmatch(d.prose, -1) {
		found = append(found, strings.ReplaceAll(m[1], `\|`, "|"))
	}
	return found
}

// The table of rooms names each package, and no other.
func TestArchitecturePageNamesThePackages(t *testing.T) {
	t.Parallel()
	page := readPage(t, "docs/architecture.md")
	_, table, ok := strings.Cut(page.prose, "\n## Rooms and floors\n")
	table, _, end := strings.Cut(table, "\n## ")
	if !ok || !end {
		t.Fatal("docs/architecture.md has no section \"Rooms and floors\"")
	}
	named := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, m := range codeSpan.FindAllStringSubmatch(cells[2], -1) {
			named[strings.TrimSuffix(module+"/"+strings.TrimSuffix(m[1], "afauth"), "/")] = true
		}
	}
	standing := map[string]bool{}
	for _, p := range packages(t) {
		standing[p.ImportPath] = true
		if !named[p.ImportPath] {
			t.Errorf("the table of rooms does not name %s", p.ImportPath)
		}
	}
	for p := range named {
		if !standing[p] {
			t.Errorf("the table of rooms names %s, and there is no such package", p)
		}
	}
}

// A promise is kept by the test beside it.
func TestDocumentedTestsExist(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	for _, s := range sources(t) {
		for _, decl := range s.tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && s.isTest() {
				tests[f.Name.Name] = true
			}
		}
	}
	name := regexp.MustCompile(`^(?:Test|Fuzz)[A-Z]\w*$`)
	for _, d := range manual(t) {
		for _, span := range d.spans() {
			if name.MatchString(span) && !tests[span] {
				t.Errorf("%s: there is no test %s", d.path, span)
			}
		}
	}
}

func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	page := readPage(t, "docs/dependencies.md").spans()
	for _, file := range []string{"go.mod", "tools/goose/go.mod", "tools/lint/go.mod", "tools/sqlc/go.mod"} {
		text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		// In go.mod what is required directly; in the tools' what is a tool.
		wanted := regexp.MustCompile(`(?m)^(?:require |tool |\t)(\S+/\S+)(?: v\S+)?$`)
		for _, m := range wanted.FindAllStringSubmatch(string(text), -1) {
			if !slices.ContainsFunc(page, func(name string) bool { return m[1] == name || strings.HasPrefix(m[1], name+"/") }) {
				t.Errorf("docs/dependencies.md says nothing about %s (%s)", m[1], file)
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(d.prose, "x"), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") {
				continue // another site
			}
			file := filepath.Join(filepath.Dir(d.path), filepath.FromSlash(target))
			if target == "" {
				file = filepath.FromSlash(d.path)
			}
			if _, err := os.Stat(filepath.Join(root(t), file)); err != nil {
				t.Errorf("%s: the link %s leads to no file", d.path, m[1])
			} else if anchor != "" && !slices.Contains(readPage(t, file).anchors(), anchor) {
				t.Errorf("%s: the link %s leads to no heading", d.path, m[1])
			}
		}
	}
}

// anchors returns the names by which GitHub lets a link point at a heading.
func (d document) anchors() []string {
	var found []string
	dropped := regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	for line := range strings.Lines(d.prose) {
		if marks, heading, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.Trim(marks, "#") == "" {
			name := dropped.ReplaceAllString(strings.ToLower(heading), "")
			found = append(found, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return found
}
