package migrate

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Batch says how a backfill goes through a table, from the header line
//
//	-- batch: users by id 1000
//
// The names stand as SQL has them, quoted where it needs quotes. The file's one
// statement is run again and again with the first and the last key of a range of
// at most Size rows as $1 and $2:
//
//	UPDATE users SET name_lower = lower(name) WHERE id BETWEEN $1 AND $2;
//
// The column must be NOT NULL and lead an index. Rows that come in behind the
// point that the backfill has reached are not seen by it: a default, a trigger
// or the release that writes them has to fill them.
type Batch struct {
	Table  string
	Column string
	Size   int // keys in a batch, from 1 to 1,000,000
}

var (
	headerField = regexp.MustCompile(`^--\s*(schema|kind|transaction|batch|lost)\s*:\s*(.*?)\s*$`)
	batchForm   = regexp.MustCompile(`^(` + sqlName + `(?:\.` + sqlName + `)?)\s+(?i:by)\s+(` + sqlName + `)\s+([1-9]\d{0,6})$`)
)

// sqlName is a name of SQL, bare or quoted.
const sqlName = `(?:[A-Za-z_\x{80}-\x{10FFFF}][\w$\x{80}-\x{10FFFF}]*|"(?:[^"]|"")+")`

const maxBatch = 1_000_000

// fields returns the header's fields: what the comment lines say that a text
// begins with. Only lost may be said more than once.
func (l *loader) fields(file, text string) map[string][]string {
	seen := map[string][]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "--") {
			break
		}
		if m := headerField.FindStringSubmatch(line); m != nil {
			seen[m[1]] = append(seen[m[1]], m[2])
		}
	}
	for _, name := range []string{"schema", "kind", "transaction", "batch"} {
		if len(seen[name]) > 1 {
			l.fault(file, "the header says %q twice", name)
		}
	}
	return seen
}

// About returns what the header of the file that goes forward says beside its
// fields: the text of the comment lines that the file begins with, without their
// dashes.
func (f File) About() string {
	var b strings.Builder
	for line := range strings.Lines(f.Up) {
		line = strings.TrimRight(line, " \t\r\n")
		comment, ok := strings.CutPrefix(line, "--")
		if !ok {
			break
		}
		if headerField.MatchString(line) {
			continue
		}
		b.WriteString(strings.TrimPrefix(comment, " ") + "\n")
	}
	return strings.Trim(b.String(), "\n")
}

// last is what a field says, "" where it is not there.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// upHeader reads the header of a file that goes forward.
func (l *loader) upHeader(f *File, file string) {
	fields := l.fields(file, f.Up)
	f.Schema, f.Kind = last(fields["schema"]), last(fields["kind"])
	if (f.Schema != "" || !l.rules.HeaderOptional) && !semantic.MatchString(f.Schema) {
		l.fault(file, "the header needs a line like %q with a semantic version, and has %q", "-- schema: 1.0.0", f.Schema)
	}
	if (f.Kind != "" || !l.rules.HeaderOptional) && !slices.Contains([]string{Expand, Backfill, Contract}, f.Kind) {
		l.fault(file, "the header needs a line %q (or backfill, or contract), and has %q", "-- kind: expand", f.Kind)
	}
	f.Outside = l.outside(file, fields)
	if spec, ok := fields["batch"]; ok {
		l.batch(f, file, last(spec))
	}
	l.lost(file, fields, true)
}

// downHeader reads the header of a file that goes back.
func (l *loader) downHeader(f *File, file string) {
	fields := l.fields(file, f.Down)
	f.DownOutside = l.outside(file, fields)
	f.Lost = strings.Join(fields["lost"], "\n")
	l.lost(file, fields, false)
	if len(fields["batch"]) > 0 {
		l.fault(file, "batch stands in files that go forward")
	}
}

func (l *loader) lost(file string, fields map[string][]string, up bool) {
	switch {
	case up && len(fields["lost"]) > 0:
		l.fault(file, "lost stands in the file that goes back")
	case slices.Contains(fields["lost"], ""):
		l.fault(file, "the header says %q and not what", "-- lost:")
	}
}

// outside reports whether the header asks for no transaction around the file.
func (l *loader) outside(file string, fields map[string][]string) bool {
	value, said := last(fields["transaction"]), len(fields["transaction"]) > 0
	if said && value != "none" {
		l.fault(file, "the header says %q; leave the line out, or write %q", "-- transaction: "+value, "-- transaction: none")
	}
	return said && value == "none"
}

var (
	firstKey = regexp.MustCompile(`\$1(?:\D|$)`)
	lastKey  = regexp.MustCompile(`\$2(?:\D|$)`)
)

func (l *loader) batch(f *File, file, spec string) {
	m := batchForm.FindStringSubmatch(spec)
	if m == nil {
		l.fault(file, "the header says %q and needs the form %q", "-- batch: "+spec, "-- batch: TABLE by COLUMN SIZE")
		return
	}
	size, err := strconv.Atoi(m[3])
	if err != nil || size > maxBatch {
		l.fault(file, "a batch has at most %d rows, and the header says %s", maxBatch, m[3])
		return
	}
	f.Batch = Batch{Table: m[1], Column: m[2], Size: size}
	switch statements := scan(f.Up); {
	case f.Kind != Backfill:
		l.fault(file, "only a file of the kind backfill runs in batches, and this one is of the kind %q", f.Kind)
	case f.Outside:
		l.fault(file, "each batch is a transaction: take %q out of the header", "-- transaction: none")
	case len(statements) > 1:
		l.fault(file, "a backfill in batches is one statement, and here are %d", len(statements))
	case len(statements) == 1 && !(firstKey.MatchString(f.Up) && lastKey.MatchString(f.Up)):
		l.fault(file, "the statement needs $1 and $2, the first and the last key of a batch, as in %q",
			"WHERE "+f.Batch.Column+" BETWEEN $1 AND $2")
	default:
		l.wholeBatches(file, f.Batch, statements, f.Up)
	}
}

var (
	comments = regexp.MustCompile(`--[^\n]*|(?s:/\*.*?\*/)`)
	// beyond is a key compared by < or > alone, on either side. Other operators that
	// end or begin so, such as <> and ->>, are none of that.
	beyond = regexp.MustCompile(`(?:^|[^-+*/<>=~!@#%^&|?])([<>])\s*\(*\s*\$([12])(?:\D|$)|\$([12])(?:\s*::\s*\w+)?\s*\)*\s*([<>])(?:[^-+*/<>=~!@#%^&|?]|$)`)
)

// wholeBatches refuses a statement that leaves out the first or the last key of
// each batch: rows that are skipped without a word are found a release later.
func (l *loader) wholeBatches(file string, b Batch, statements []statement, text string) {
	for _, s := range statements {
		m := beyond.FindStringSubmatch(comments.ReplaceAllString(text[s.start:s.end], " "))
		if m == nil {
			continue
		}
		said := m[1] + " $" + m[2]
		if m[4] != "" {
			said = "$" + m[3] + " " + m[4]
		}
		l.fault(file, "the statement says %q, which leaves a key of every batch out: a batch is all from $1 to $2, both with it; write %q",
			said, b.Column+" BETWEEN $1 AND $2")
	}
}
