package schemadoc

import "strings"

// names reads a list in brackets at the beginning of a text, as PostgreSQL
// writes it: (a, "b ""c"). It returns the names as they stand and what follows;
// ok is false where there is no such list.
func names(s string) (list []string, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "(")
	for ok {
		n := nameEnd(s)
		if n == 0 {
			return nil, "", false
		}
		list, s = append(list, s[:n]), s[n:]
		if after, more := strings.CutPrefix(s, ", "); more {
			s = after
			continue
		}
		rest, ok = strings.CutPrefix(s, ")")
		return list, rest, ok
	}
	return nil, "", false
}

// nameEnd returns where the name at the beginning of a text ends.
func nameEnd(s string) int {
	if !strings.HasPrefix(s, `"`) {
		if n := strings.IndexAny(s, " ,.()"); n >= 0 {
			return n
		}
		return len(s)
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 == len(s) || s[i+1] != '"' {
			return i + 1
		}
		i++
	}
	return 0
}

// key is what a constraint says about columns.
type key struct {
	kind    string // "PRIMARY KEY", "UNIQUE", "FOREIGN KEY"
	columns []string
	table   string // that a foreign key leads to, with its schema where that is another
}

// readKey reads the definition of a constraint.
func readKey(definition string) (key, bool) {
	for _, kind := range []string{"PRIMARY KEY ", "UNIQUE NULLS NOT DISTINCT ", "UNIQUE ", "FOREIGN KEY "} {
		rest, ok := strings.CutPrefix(definition, kind)
		if !ok {
			continue
		}
		columns, rest, ok := names(rest)
		if !ok {
			return key{}, false
		}
		k := key{kind: strings.TrimSpace(kind), columns: columns}
		if kind == "UNIQUE NULLS NOT DISTINCT " {
			k.kind = "UNIQUE"
		}
		if rest, ok = strings.CutPrefix(rest, " REFERENCES "); ok {
			n := nameEnd(rest)
			if n > 0 && n < len(rest) && rest[n] == '.' {
				n += 1 + nameEnd(rest[n+1:])
			}
			k.table = rest[:n]
		}
		return k, true
	}
	return key{}, false
}
