package migrate

import "strings"

// statement is one SQL statement of a file.
type statement struct {
	start, end int // byte offsets of its text, without the semicolon
	line       int // of its first character, from 1
	// words are its first bare words outside parentheses, in lower case:
	// enough to tell what kind of statement it is.
	words []string
}

const maxWords = 16

// scan splits a file into statements. It follows PostgreSQL's lexical rules
// ("SQL Syntax, Lexical Structure") as psql does: quotes, dollar quotes, nested
// comments, semicolons in parentheses (CREATE RULE), and the bodies of
// CREATE FUNCTION … BEGIN ATOMIC … END. A text that ends inside a quote gives a
// last statement that reaches to the end.
func scan(sql string) []statement {
	s := scanner{sql: sql, first: -1}
	for s.pos < len(s.sql) {
		s.step()
	}
	s.finish()
	return s.out
}

type scanner struct {
	sql    string
	pos    int
	out    []statement
	first  int // where the current statement begins; -1 before it does
	last   int // just after its last character that is no space or comment
	words  []string
	parens int
	blocks int // open BEGIN and CASE in a function's body
	lines  int // line breaks before counted
	count  int // the offset up to which lines are counted
}

// step consumes one token, comment or stretch of space.
func (s *scanner) step() {
	rest := s.sql[s.pos:]
	c := rest[0]
	switch {
	case isSpace(c):
		s.pos++
		return
	case strings.HasPrefix(rest, "--"):
		s.skipTo("\n")
		return
	case strings.HasPrefix(rest, "/*"):
		s.skipComment()
		return
	case c == ';' && s.parens == 0 && s.blocks == 0:
		s.finish()
		s.pos++
		return
	}
	if s.first < 0 {
		s.first = s.pos
	}
	switch {
	case c == '\'':
		s.skipQuoted('\'', false)
	case c == '"':
		s.skipQuoted('"', false)
	case c == '$':
		s.skipDollar()
	case isWordStart(c):
		s.word()
	default:
		s.symbol(c)
	}
	s.last = s.pos
}

func (s *scanner) symbol(c byte) {
	switch c {
	case '(':
		s.parens++
	case ')':
		s.parens = max(0, s.parens-1)
	}
	s.pos++
}

// word consumes a bare word, and the string after it where the word is the E of
// E'…', in which a backslash escapes a quote.
func (s *scanner) word() {
	start := s.pos
	for s.pos < len(s.sql) && isWordPart(s.sql[s.pos]) {
		s.pos++
	}
	word := strings.ToLower(s.sql[start:s.pos])
	if word == "e" && strings.HasPrefix(s.sql[s.pos:], "'") {
		s.skipQuoted('\'', true)
		return
	}
	if s.parens > 0 {
		return
	}
	if createsRoutine(s.words) {
		switch {
		case word == "begin", word == "case" && s.blocks > 0:
			s.blocks++
		case word == "end" && s.blocks > 0:
			s.blocks--
		}
	}
	if len(s.words) < maxWords {
		s.words = append(s.words, word)
	}
}

// createsRoutine reports whether a statement that begins so may hold a body of
// statements.
func createsRoutine(words []string) bool {
	if len(words) == 0 || words[0] != "create" {
		return false
	}
	words = words[1:]
	if len(words) >= 2 && words[0] == "or" && words[1] == "replace" {
		words = words[2:]
	}
	return len(words) > 0 && (words[0] == "function" || words[0] == "procedure")
}

// skipQuoted consumes a quoted string or name. A doubled quote needs no case of
// its own: it reads as two strings side by side.
func (s *scanner) skipQuoted(quote byte, escapes bool) {
	for s.pos++; s.pos < len(s.sql); s.pos++ {
		switch {
		case escapes && s.sql[s.pos] == '\\':
			s.pos++
		case s.sql[s.pos] != quote:
		case escapes && s.continues():
			// E'a' and 'b' on the next line are one string with one set of
			// rules, and so are E'a''b'.
			s.pos += strings.IndexByte(s.sql[s.pos+1:], quote) + 1
		default:
			s.pos++
			return
		}
	}
	s.pos = min(s.pos, len(s.sql))
}

// continues reports whether the quote at pos is followed by another, at once or
// after space with a line break in it.
func (s *scanner) continues() bool {
	rest := s.sql[s.pos+1:]
	trimmed := strings.TrimLeft(rest, " \t\n\r\f\v")
	space := rest[:len(rest)-len(trimmed)]
	return strings.HasPrefix(trimmed, "'") && (space == "" || strings.ContainsAny(space, "\n\r"))
}

// skipDollar consumes $tag$ … $tag$, or one $ where it opens no quote.
func (s *scanner) skipDollar() {
	end := s.pos + 1
	for end < len(s.sql) && isWordPart(s.sql[end]) && s.sql[end] != '$' {
		end++
	}
	tagged := end < len(s.sql) && s.sql[end] == '$' && (end == s.pos+1 || isWordStart(s.sql[s.pos+1]))
	if !tagged {
		s.pos++
		return
	}
	tag := s.sql[s.pos : end+1]
	s.pos = end + 1
	s.skipTo(tag)
}

// skipComment consumes a block comment; unlike in C, they nest.
func (s *scanner) skipComment() {
	depth := 0
	for s.pos < len(s.sql) {
		switch {
		case strings.HasPrefix(s.sql[s.pos:], "/*"):
			depth++
			s.pos += 2
		case strings.HasPrefix(s.sql[s.pos:], "*/"):
			depth--
			s.pos += 2
			if depth == 0 {
				return
			}
		default:
			s.pos++
		}
	}
}

// skipTo moves behind the next occurrence of a text, or to the end.
func (s *scanner) skipTo(text string) {
	i := strings.Index(s.sql[s.pos:], text)
	if i < 0 {
		s.pos = len(s.sql)
		return
	}
	s.pos += i + len(text)
}

func (s *scanner) finish() {
	if s.first >= 0 {
		s.lines += strings.Count(s.sql[s.count:s.first], "\n")
		s.count = s.first
		s.out = append(s.out, statement{start: s.first, end: s.last, line: s.lines + 1, words: s.words})
	}
	s.first, s.words, s.parens, s.blocks = -1, nil, 0, 0
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isWordStart(c byte) bool {
	return c == '_' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isWordPart(c byte) bool {
	return isWordStart(c) || '0' <= c && c <= '9' || c == '$'
}
