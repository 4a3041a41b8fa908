// Package dump writes rows as files: CSV, JSON lines, SQL.
//
// Values stay whole: all digits, microseconds, bytes as \x and hex. It writes
// one row at a time and keeps none.
package dump

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/csvfile"
)

// Format is a kind of file; its text is the end of the file's name.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
	SQL       Format = "sql"
)

// Formats returns all of them.
func Formats() []Format { return []Format{CSV, JSONLines, SQL} }

// ContentType is the format's media type.
func (f Format) ContentType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8; header=present"
	case JSONLines:
		return "application/jsonl; charset=utf-8"
	}
	return "application/sql; charset=utf-8"
}

// Writer turns rows of a table into a file.
type Writer struct {
	columns []*catalog.Column
	head    []byte
	row     func(b []byte, cells [][]byte) ([]byte, error)
}

// Insertable are the columns that an INSERT may name: generated ones it may not.
func Insertable(columns []*catalog.Column) []*catalog.Column {
	var named []*catalog.Column
	for _, c := range columns {
		if c.Generated == "" {
			named = append(named, c)
		}
	}
	return named
}

// NewWriter makes a writer for rows with these columns.
func NewWriter(f Format, t *catalog.Table, columns []*catalog.Column) *Writer {
	w := &Writer{columns: columns}
	switch f {
	case CSV:
		names := make([][]byte, len(columns))
		for i, c := range columns {
			names[i] = []byte(c.Name)
		}
		w.head, w.row = csvfile.AppendRow(nil, names), w.csv
	case JSONLines:
		w.row = w.jsonLine(columns)
	case SQL:
		// A session may have these set otherwise, and read the texts otherwise.
		w.head = []byte("SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n")
		w.row = w.insert(t, columns)
	}
	return w
}

// Head is what the file begins with.
func (w *Writer) Head() []byte { return w.head }

// errText says that a database without an encoding holds bytes that are no text.
var errText = errors.New("a value is not UTF-8")

// Append adds a row to b. A nil cell is NULL.
func (w *Writer) Append(b []byte, cells [][]byte) ([]byte, error) {
	for _, cell := range cells {
		if !utf8.Valid(cell) {
			return b, errText
		}
	}
	return w.row(b, cells)
}

func (w *Writer) csv(b []byte, cells [][]byte) ([]byte, error) {
	for i, c := range w.columns {
		if c.Type.Kind == catalog.Bool && cells[i] != nil {
			cells[i] = truth(cells[i])
		}
	}
	return csvfile.AppendRow(b, cells), nil
}

func truth(cell []byte) []byte {
	if string(cell) == "t" {
		return []byte("true")
	}
	return []byte("false")
}

// plain is a number as JSON and SQL both write it.
var plain = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// exact reports whether every reader of JSON keeps all digits of the type's
// values: a double holds those of int4 and float8, and not those of int8 and
// numeric, which are therefore written as texts, small ones too.
func exact(t *catalog.Type) bool {
	return t.Kind == catalog.Number && t.Name != "int8" && t.Name != "numeric" && t.Name != "money"
}

func (w *Writer) jsonLine(columns []*catalog.Column) func([]byte, [][]byte) ([]byte, error) {
	names := make([][]byte, len(columns))
	for i, c := range columns {
		names[i] = quoteJSON(c.Name)
	}
	return func(b []byte, cells [][]byte) ([]byte, error) {
		b = append(b, '{')
		for i, cell := range cells {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, names[i]...), ':')
			b = appendJSON(b, columns[i].Type, cell)
		}
		return append(b, '}', '\n'), nil
	}
}

func appendJSON(b []byte, t *catalog.Type, cell []byte) []byte {
	switch {
	case cell == nil:
		return append(b, "null"...)
	case t.Kind == catalog.Bool:
		return append(b, truth(cell)...)
	case exact(t) && plain.Match(cell):
		return append(b, cell...)
	case t.Kind == catalog.JSON:
		var line bytes.Buffer // json keeps line ends, and a line is a row
		if json.Compact(&line, cell) == nil {
			return append(b, line.Bytes()...)
		}
	}
	return append(b, quoteJSON(string(cell))...)
}

// quoteJSON writes a text as JSON does, without escapes for HTML.
func quoteJSON(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (w *Writer) insert(t *catalog.Table, columns []*catalog.Column) func([]byte, [][]byte) ([]byte, error) {
	names := make([]string, len(columns))
	overriding := ""
	for i, c := range columns {
		names[i] = pgx.Identifier{c.Name}.Sanitize()
		if c.Identity == "a" {
			overriding = " OVERRIDING SYSTEM VALUE"
		}
	}
	begin := "INSERT INTO " + t.Identifier() + " (" + strings.Join(names, ", ") + ")" + overriding + " VALUES ("
	return func(b []byte, cells [][]byte) ([]byte, error) {
		b = append(b, begin...)
		for i, cell := range cells {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendLiteral(b, columns[i].Type, cell)
		}
		return append(b, ");\n"...), nil
	}
}

// appendLiteral writes a value for SQL. With standard_conforming_strings a quote
// is all that ends a text, and a text takes the type of the column.
func appendLiteral(b []byte, t *catalog.Type, cell []byte) []byte {
	switch {
	case cell == nil:
		return append(b, "NULL"...)
	case t.Kind == catalog.Bool:
		return append(b, truth(cell)...)
	case t.Kind == catalog.Number && t.Name != "money" && plain.Match(cell) && !bytes.HasPrefix(cell, []byte("-0")):
		return append(b, cell...) // -0 would be the 0 of an integer
	}
	b = append(b, '\'')
	for _, c := range cell {
		if c == '\'' {
			b = append(b, '\'')
		}
		b = append(b, c)
	}
	return append(b, '\'')
}
