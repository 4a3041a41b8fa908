package migrate

import "strings"

// cursor reads the names at the beginning of a statement.
type cursor struct {
	scanner
}

func newCursor(sql string) *cursor { return &cursor{scanner{sql: sql, first: -1}} }

// skip moves over space and comments.
func (c *cursor) skip() {
	for c.pos < len(c.sql) {
		rest := c.sql[c.pos:]
		switch {
		case isSpace(rest[0]):
			c.pos++
		case strings.HasPrefix(rest, "--"):
			c.skipTo("\n")
		case strings.HasPrefix(rest, "/*"):
			c.skipComment()
		default:
			return
		}
	}
}

// words consumes the given bare words, or nothing where others stand there.
func (c *cursor) accept(words ...string) bool {
	before := c.pos
	for _, want := range words {
		c.skip()
		end := c.pos
		for end < len(c.sql) && isWordPart(c.sql[end]) {
			end++
		}
		if !strings.EqualFold(c.sql[c.pos:end], want) {
			c.pos = before
			return false
		}
		c.pos = end
	}
	return true
}

// name consumes a name as SQL has it, with its schema where it has one, or
// returns "".
func (c *cursor) name() string {
	out := ""
	for {
		c.skip()
		start := c.pos
		switch {
		case c.pos == len(c.sql):
		case c.sql[c.pos] == '"':
			c.skipQuoted('"', false)
			// A doubled quote reads as two names side by side.
			for c.pos < len(c.sql) && c.sql[c.pos] == '"' {
				c.skipQuoted('"', false)
			}
		case isWordStart(c.sql[c.pos]):
			for c.pos < len(c.sql) && isWordPart(c.sql[c.pos]) {
				c.pos++
			}
		}
		if start == c.pos {
			return out
		}
		out += c.sql[start:c.pos]
		c.skip()
		if c.pos == len(c.sql) || c.sql[c.pos] != '.' {
			return out
		}
		c.pos++
		out += "."
	}
}

// build is CREATE INDEX CONCURRENTLY. The names are as SQL has them.
type build struct {
	index string // without a schema: an index lives in its table's; may be ""
	table string
}

func readBuild(sql string) (build, bool) {
	c := newCursor(sql)
	if !c.accept("create", "index", "concurrently") && !c.accept("create", "unique", "index", "concurrently") {
		return build{}, false
	}
	c.accept("if", "not", "exists")
	var b build
	if !c.accept("on") {
		b.index = c.name()
		c.accept("on")
	}
	c.accept("only")
	b.table = c.name()
	return b, true
}

// readDrop reads the name in DROP INDEX CONCURRENTLY.
func readDrop(sql string) (index string, ok bool) {
	c := newCursor(sql)
	if !c.accept("drop", "index", "concurrently") {
		return "", false
	}
	c.accept("if", "exists")
	return c.name(), true
}

// readReindex reads what REINDEX works on. Of a schema, a database or the
// system, name is "".
func readReindex(sql string) (kind, name string, ok bool) {
	c := newCursor(sql)
	if !c.accept("reindex") {
		return "", "", false
	}
	c.skip()
	if strings.HasPrefix(c.sql[c.pos:], "(") {
		c.skipTo(")")
	}
	for _, k := range []string{"index", "table"} {
		if c.accept(k) {
			c.accept("concurrently")
			return k, c.name(), true
		}
	}
	return "", "", true
}
