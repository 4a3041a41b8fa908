// Package address is what studio's addresses say: which table, which row, and
// how its rows are looked at. All that a page shows follows from its address, so
// that anybody with the session can open it, reload it and hand it on.
//
// An address comes from a stranger: what is read from it is text, and becomes a
// table, a column or a value only by looking it up in the catalogue.
package address

import (
	"errors"
	"net/url"
	"strings"
)

var errEscape = errors.New("the address holds a broken ~ escape")

// escapeName writes a name, or a part of a key, as one segment of a path. Names
// may hold anything, "a/b?c#d" and ".." too, which browsers and proxies read as
// more than a name even percent-encoded. Such characters become ~XX, their byte
// in hex; what is left is safe for url.PathEscape.
func escapeName(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == ':', c >= 0x80:
			b.WriteByte(c)
		default:
			b.WriteByte('~')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// unescapeName is the way back. Only what escapeName writes is read.
func unescapeName(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '~' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errEscape
		}
		high, low := strings.IndexByte("0123456789ABCDEF", s[i+1]), strings.IndexByte("0123456789ABCDEF", s[i+2])
		if high < 0 || low < 0 {
			return "", errEscape
		}
		b.WriteByte(byte(high<<4 | low)) // #nosec G115 -- two digits of 16
		i += 2
	}
	return b.String(), nil
}

// Key writes the values of a row's key as one segment of a path.
func Key(values []string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = escapeName(v)
		if v == "" {
			parts[i] = "~" // an empty segment would be no segment
		}
	}
	return strings.Join(parts, ",")
}

// ParseKey reads what Key wrote.
func ParseKey(s string) ([]string, error) {
	parts := strings.Split(s, ",")
	for i, p := range parts {
		if p == "~" {
			parts[i] = ""
			continue
		}
		v, err := unescapeName(p)
		if err != nil || v == "" {
			return nil, errEscape
		}
		parts[i] = v
	}
	return parts, nil
}

// Name reads a name from a segment of a path.
func Name(segment string) (string, error) { return unescapeName(segment) }

// Base is the path that studio stands under: "" or "/like/this".
type Base string

// Path returns one of studio's own paths, such as "/diagram".
func (b Base) Path(p string) string { return string(b) + p }

// Table returns the address of a table's rows.
func (b Base) Table(schema, name string, v View) string {
	return b.table(schema, name) + v.Query()
}

// Row returns the address of a row, beside the rows that v shows.
func (b Base) Row(schema, name, key string, v View) string {
	return b.table(schema, name) + "/row/" + url.PathEscape(key) + v.Query()
}

// Part returns the address of a page about a table: "review", "save", "new" …
func (b Base) Part(schema, name, part string) string { return b.table(schema, name) + "/" + part }

// Export returns the address of a table's rows as a file.
func (b Base) Export(schema, name, format string, v View) string {
	return b.table(schema, name) + "/export/" + format + v.Query()
}

// Import returns the address where a file is put into a table, or that of one
// file that was sent.
func (b Base) Import(schema, name, id string) string {
	if id != "" {
		id = "/" + url.PathEscape(id)
	}
	return b.table(schema, name) + "/import" + id
}

func (b Base) table(schema, name string) string {
	return string(b) + "/t/" + url.PathEscape(escapeName(schema)) + "/" + url.PathEscape(escapeName(name))
}
