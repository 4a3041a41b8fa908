package access

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// line is one person of a file: by githubID, or where that is 0 by login.
type line struct {
	number   int // in the file, counted from 1
	githubID int64
	login    string
	until    *time.Time
	apps     []string
	reason   string
}

// called is the person as the file has it.
func (l line) called() string {
	if l.githubID != 0 {
		return fmt.Sprintf("#%d", l.githubID)
	}
	return strconv.Quote(l.login)
}

// Flaw is what is wrong with one line of a file.
type Flaw struct {
	Line   int    // counted from 1; 0: the file as a whole
	Column string // "" where the whole line is meant
	Why    string
}

// String is the flaw in one line.
func (f Flaw) String() string {
	switch {
	case f.Line == 0:
		return f.Why
	case f.Column == "":
		return fmt.Sprintf("line %d: %s", f.Line, f.Why)
	}
	return fmt.Sprintf("line %d, %s: %s", f.Line, f.Column, f.Why)
}

const (
	columnID     = "github_user_id"
	columnLogin  = "login"
	columnUntil  = "until"
	columnReason = "reason"
	columnApps   = "apps"
	// longestRecord bounds what a quote that nobody closes can hold in memory.
	longestRecord = 1 << 20
)

// csvFile reads a file of people: comma-separated values as RFC 4180 has them,
// with names of columns in the first line. A byte order mark and either end of
// line are taken as they come.
type csvFile struct {
	records *csv.Reader
	source  *bounded
	at      map[string]int // column by name
	names   []string       // of the columns
	ended   int            // the line on which the last record ended
	checks  csvChecks
}

// csvChecks is what a file is held against.
type csvChecks struct {
	now time.Time
	// host says what is wrong with the host of an application; "": nothing.
	host func(string) string
}

var errLongRecord = errors.New("the record from here on is longer than 1 MiB; is a quote not closed?")

// bounded ends with an error where one record takes too much.
type bounded struct {
	from  io.Reader
	read  int  // since the last record
	line  int  // bytes behind the last end of line
	ended bool // more was wanted, and there is none
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.read > longestRecord {
		return 0, errLongRecord
	}
	n, err := b.from.Read(p)
	b.read, b.line = b.read+n, b.line+n
	if end := bytes.LastIndexByte(p[:n], '\n'); end >= 0 {
		b.line = n - end - 1
	}
	if n > 0 && errors.Is(err, io.EOF) {
		return n, nil // and again with nothing
	}
	b.ended = errors.Is(err, io.EOF)
	return n, err
}

// readHeader begins a file. What is wrong with the header is one flaw, because
// nothing behind it can be read then.
func readHeader(r io.Reader, checks csvChecks) (*csvFile, *Flaw) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	f := &csvFile{source: &bounded{from: buffered}, at: map[string]int{}, checks: checks}
	f.records = csv.NewReader(f.source)
	f.records.ReuseRecord = true
	header, err := f.records.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &Flaw{Why: "the file is empty; its first line names the columns"}
	case err != nil:
		return nil, &Flaw{Line: 1, Why: f.fault(header, err).Why}
	}
	f.ended = f.lastLine(header)
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains([]string{columnID, columnLogin, columnUntil, columnReason, columnApps}, name) {
			return nil, &Flaw{Line: 1, Why: fmt.Sprintf("there is no column %q; the columns are github_user_id or login, and if wanted until, reason and apps, separated by commas", cut(name))}
		}
		if _, twice := f.at[name]; twice {
			return nil, &Flaw{Line: 1, Column: name, Why: "is there twice"}
		}
		f.at[name], f.names = i, append(f.names, name)
	}
	if !f.has(columnID) && !f.has(columnLogin) {
		return nil, &Flaw{Line: 1, Why: "names neither github_user_id nor login, so nobody is named"}
	}
	return f, nil
}

func (f *csvFile) has(column string) bool { _, ok := f.at[column]; return ok }

// lines reads on to the end. A line that is wrong comes with its flaws; what
// cannot be told into lines any more ends the reading.
func (f *csvFile) lines() iter.Seq2[line, []Flaw] {
	return func(yield func(line, []Flaw) bool) {
		for {
			f.source.read = 0
			record, err := f.records.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			number := 0
			if len(record) > 0 { // FieldPos panics where nothing was read
				number, _ = f.records.FieldPos(0)
			}
			if err == nil || errors.Is(err, csv.ErrFieldCount) {
				f.ended = f.lastLine(record)
			}
			switch {
			case errors.Is(err, csv.ErrFieldCount):
				why := fmt.Sprintf("has %d fields, and the header %d", len(record), f.records.FieldsPerRecord)
				if !yield(line{number: number}, []Flaw{{Line: number, Why: why}}) {
					return
				}
				continue
			case err != nil:
				flaw := f.fault(record, err)
				flaw.Why += "; what follows was not read"
				yield(line{}, []Flaw{flaw})
				return
			}
			if !yield(f.line(number, record)) {
				return
			}
		}
	}
}

// lastLine is the line on which the last field of a record ends.
func (f *csvFile) lastLine(record []string) int {
	last := len(record) - 1
	begins, _ := f.records.FieldPos(last)
	return begins + strings.Count(record[last], "\n")
}

// fault says why the file cannot be told into records any more, and where that
// begins. record is as much of the last one as was read.
func (f *csvFile) fault(record []string, err error) Flaw {
	var parse *csv.ParseError
	switch last := len(record) - 1; {
	case errors.Is(err, errLongRecord):
		return Flaw{Line: f.ended + 1, Why: err.Error()}
	case !errors.As(err, &parse):
		return Flaw{Why: "the file cannot be read: " + err.Error()}
	case errors.Is(err, csv.ErrQuote) && f.source.ended && (f.source.line == 0 || parse.Column > f.source.line):
		// The reader came to the end of the file, and names that.
		number := parse.StartLine
		if last >= 0 {
			number = f.lastLine(record)
		}
		return Flaw{Line: number, Why: "a quote opens here and is not closed"}
	case errors.Is(err, csv.ErrBareQuote), errors.Is(err, csv.ErrQuote):
		return Flaw{Line: parse.Line, Why: "a quote stands where none may: fields with quotes are quoted themselves, and their quotes doubled"}
	default:
		return Flaw{Line: parse.Line, Why: parse.Err.Error()}
	}
}

// line reads one record.
func (f *csvFile) line(number int, record []string) (line, []Flaw) {
	l := line{number: number}
	var flaws []Flaw
	wrong := func(column, format string, args ...any) {
		flaws = append(flaws, Flaw{number, column, fmt.Sprintf(format, args...)})
	}
	field := func(column string) string {
		if i, ok := f.at[column]; ok {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	for i, text := range record {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			wrong(f.names[i], "is not text in UTF-8")
		}
	}
	if len(flaws) > 0 {
		return l, flaws
	}
	id, login := strings.TrimPrefix(field(columnID), "#"), strings.TrimPrefix(field(columnLogin), "@")
	switch {
	case id != "":
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			wrong(columnID, "%q is not a GitHub id, which is a number above 0", cut(id))
		}
		l.githubID = n
	case login == "":
		wrong("", "names nobody")
	case !isLogin(login):
		wrong(columnLogin, "%q is not a login, which has letters, digits and hyphens", cut(login))
	default:
		l.login = strings.Clone(login)
	}
	if s := field(columnUntil); s != "" {
		until, why := parseEnd(s, f.checks.now)
		if why != "" {
			wrong(columnUntil, "%s", why)
		}
		l.until = until
	}
	if l.reason = strings.Clone(field(columnReason)); utf8.RuneCountInString(l.reason) > mostReason {
		wrong(columnReason, "has %d characters, and the record keeps %d", utf8.RuneCountInString(l.reason), mostReason)
	}
	hosts := strings.FieldsFunc(field(columnApps), func(r rune) bool { return r == ';' || r == ' ' })
	if i, ok := f.at[columnApps]; ok && record[i] != "" && len(hosts) == 0 {
		// To read it as empty would open everything, where somebody may have
		// taken the last host away and left its separator.
		wrong(columnApps, "names no application; leave the field empty for all of them, or name some")
	}
	for _, host := range hosts {
		if why := f.checks.host(host); why != "" {
			wrong(columnApps, "%s", why)
		}
		l.apps = append(l.apps, strings.Clone(host))
	}
	return l, flaws
}

// parseEnd reads the end of a permission: a date, that day included, or a moment.
// A length of time would be another moment each time the file is read.
func parseEnd(s string, now time.Time) (t *time.Time, why string) {
	at, err := time.Parse(time.DateOnly, s)
	if err == nil {
		at = at.AddDate(0, 0, 1)
	} else if at, err = time.Parse(time.RFC3339, s); err != nil || at.UTC().Year() > 9999 {
		return nil, fmt.Sprintf("%q is neither a date, as 2027-01-31, nor a moment, as 2027-01-31T18:00:00Z", cut(s))
	}
	if at = at.UTC().Truncate(time.Microsecond); !at.After(now) {
		return nil, fmt.Sprintf("%s has passed already", s)
	}
	return &at, ""
}

// cut is a value as far as a message shows it.
func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
