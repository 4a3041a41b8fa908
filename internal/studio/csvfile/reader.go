package csvfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

const (
	// maxCells bounds the cells of a line: PostgreSQL's tables have at most 1,600 columns.
	maxCells = 1664
	// maxLine bounds a line, in bytes.
	maxLine = 8 << 20
)

// Cell is one cell of a line.
type Cell struct {
	Text   string
	Quoted bool
}

// Line is one line of the file, which quoted line ends may spread over several.
type Line struct {
	// Number is where it begins, from 1.
	Number int
	Cells  []Cell
}

// Fault is a line that cannot be read. Reading goes on behind it, unless it is
// the End.
type Fault struct {
	Line int
	Text string
	End  bool
}

// Error says which line, and what about it.
func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Text) }

// Reader reads lines.
type Reader struct {
	in        *bufio.Reader
	separator byte
	line      int // the one that is read
	size      int
	begun     bool
	over      bool
}

// NewReader makes a reader. A separator of 0 is found in the first line: the
// most frequent of comma, semicolon and tab outside quotes.
func NewReader(r io.Reader, separator byte) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 64<<10), separator: separator, line: 1}
}

// Separator is what parts the cells. It is known after the first Next.
func (r *Reader) Separator() byte { return r.separator }

var (
	marks  = []byte("\xef\xbb\xbf")
	wide   = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff")}
	zipped = []byte("PK\x03\x04")
)

// begin passes over the mark that spreadsheets put first, and refuses what is
// another kind of file.
func (r *Reader) begin() error {
	r.begun = true
	head, err := r.in.Peek(32 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, mark := range wide {
		if bytes.HasPrefix(head, mark) {
			return r.end("the file is UTF-16. Save it as CSV in UTF-8")
		}
	}
	if bytes.HasPrefix(head, zipped) {
		return r.end("the file is a spreadsheet or an archive. Save it as CSV in UTF-8")
	}
	if bytes.HasPrefix(head, marks) {
		_, _ = r.in.Discard(len(marks))
		head = head[len(marks):]
	}
	if r.separator == 0 {
		r.separator = separatorOf(head)
	}
	return nil
}

func separatorOf(head []byte) byte {
	counts := map[byte]int{}
	quoted := false
	for _, c := range head {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n' || c == '\r':
			return most(counts)
		default:
			counts[c]++
		}
	}
	return most(counts)
}

func most(counts map[byte]int) byte {
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

func (r *Reader) end(text string) error {
	r.over = true
	return &Fault{Line: r.line, Text: text, End: true}
}

// Next returns the next line; io.EOF when there is none, and a *Fault for one
// that cannot be read.
func (r *Reader) Next() (Line, error) {
	if r.over {
		return Line{}, io.EOF
	}
	if !r.begun {
		if err := r.begin(); err != nil {
			return Line{}, err
		}
	}
	if _, err := r.in.Peek(1); err != nil {
		return Line{}, err // io.EOF too
	}
	l, fault := Line{Number: r.line}, ""
	r.size = 0
	for {
		cell, last, wrong, err := r.cell()
		if err != nil {
			return Line{}, err
		}
		if fault == "" {
			fault = wrong
		}
		if len(l.Cells) < maxCells {
			l.Cells = append(l.Cells, cell)
		} else if fault == "" {
			fault = fmt.Sprintf("it has more than %d cells", maxCells)
		}
		if last {
			break
		}
	}
	if fault != "" {
		return Line{}, &Fault{Line: l.Number, Text: fault}
	}
	return l, nil
}

// cell reads one cell and what ends it; last says that the line ends with it,
// and wrong what is wrong with it.
func (r *Reader) cell() (cell Cell, last bool, wrong string, err error) {
	var b []byte
	begin := r.line
	inside, closed := false, false
	for first := true; ; first = false {
		c, err := r.in.ReadByte()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return cell, true, "", err
			}
			if inside {
				r.line = begin
				return cell, true, "", r.end("a quote opens here and is never closed")
			}
			last = true
			break
		}
		if r.size++; r.size > maxLine {
			return cell, true, "", r.end(fmt.Sprintf("it is longer than %d MiB; a quote before it may not be closed", maxLine>>20))
		}
		if inside {
			inside = r.quoted(c, &b)
			closed = !inside
			continue
		}
		if c == r.separator {
			break
		}
		if c == '\n' || c == '\r' {
			r.newline(c)
			last = true
			break
		}
		switch {
		case first && c == '"':
			cell.Quoted, inside = true, true
		case closed && wrong == "":
			wrong = "text stands behind a closing quote"
		case c == '"' && wrong == "":
			wrong = "a quote stands inside a cell that does not begin with one"
		default:
			b = append(b, c)
		}
	}
	switch {
	case wrong != "":
	case bytes.IndexByte(b, 0) >= 0:
		wrong = "it holds a NUL, which no text in PostgreSQL can hold"
	case !utf8.Valid(b):
		wrong = "it is not UTF-8. Save the file as CSV in UTF-8"
	}
	cell.Text = string(b)
	return cell, last, wrong, nil
}

// quoted takes a byte inside quotes, and reports whether the cell goes on.
func (r *Reader) quoted(c byte, b *[]byte) bool {
	if c == '"' {
		if next, err := r.in.Peek(1); err != nil || next[0] != '"' {
			return false
		}
		_, _ = r.in.Discard(1)
	}
	if c == '\n' {
		r.line++
	}
	*b = append(*b, c)
	return true
}

// newline passes over the second half of a CRLF.
func (r *Reader) newline(c byte) {
	r.line++
	if c == '\r' {
		if next, err := r.in.Peek(1); err == nil && next[0] == '\n' {
			_, _ = r.in.Discard(1)
		}
	}
}
