// Package value shows what PostgreSQL wrote as people read it, by type: NULL
// apart from empty, moments in UTC and in local time, bytes as hex and length,
// JSON as a tree.
//
// It changes how a value looks and never what it is: all digits of a number and
// all microseconds of a time stay.
package value

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/rows"
)

// Look is how a value is drawn.
type Look string

// The looks, which are classes of the stylesheet too.
const (
	Plain  Look = "plain"
	Null   Look = "null"
	Empty  Look = "empty"
	Masked Look = "masked"
	Closed Look = "closed"
	Number Look = "num"
	Bytes  Look = "bytes"
	// Default is what the database fills in.
	Default Look = "default"
)

// Shown is a value as it is drawn.
type Shown struct {
	Look Look
	Text string
	// Note stands behind it: a length.
	Note string
	// Cut says that Text is the beginning only, and Size how long the whole is.
	Cut  bool
	Size string
}

// Show draws a cell.
func Show(c rows.Cell) Shown {
	switch {
	case !c.Column.Readable:
		return Shown{Look: Closed, Text: "no right to read"}
	case c.Null:
		return Shown{Look: Null, Text: "NULL"}
	case c.Column.Masked:
		return Shown{Look: Masked, Text: "masked · " + Size(c.Bytes)}
	case c.Text == nil:
		return Shown{Look: Null, Text: "NULL"}
	}
	s := Shown{Look: Plain, Text: *c.Text, Cut: c.Cut}
	if c.Cut {
		s.Size = Size(c.Bytes)
	}
	switch t := c.Column.Type; {
	case t.Kind == catalog.Bytes:
		s.Look, s.Note = Bytes, Size(c.Bytes)
		if c.Bytes == 0 {
			s.Look, s.Text, s.Note = Empty, "empty", ""
		}
	case s.Text == "":
		s.Look, s.Text = Empty, "empty"
	case t.Kind == catalog.Number:
		s.Look = Number
	case t.Kind == catalog.Bool:
		s.Text = map[string]string{"t": "true", "f": "false"}[s.Text]
	case t.Zoned():
		// The header says UTC.
		s.Text = strings.TrimSuffix(s.Text, "+00")
	}
	return s
}

// Local is a moment in another zone, with the zone's name: "15:02:11.482913
// CET". It is empty for what is no
// moment, such as infinity, and where the zone's time is UTC.
func Local(c rows.Cell, zone *time.Location) string {
	if !c.Column.Type.Zoned() || c.Text == nil {
		return ""
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999-07", *c.Text)
	if err != nil {
		return ""
	}
	if _, offset := at.In(zone).Zone(); offset == 0 {
		return "" // the same as UTC
	}
	return at.In(zone).Format("2006-01-02 15:04:05.999999 MST")
}

// Size writes a number of bytes: "32 B", "4.1 kB", "312 MB".
func Size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	f, unit := float64(n), 0
	for f >= 999.5 && unit < len(units)-1 {
		f, unit = f/1000, unit+1
	}
	if unit == 0 || f >= 9.95 {
		return fmt.Sprintf("%.0f %s", f, units[unit])
	}
	return fmt.Sprintf("%.1f %s", f, units[unit])
}

// Span writes how long something may take: "5 seconds", "0.1 seconds",
// "30 minutes".
func Span(d time.Duration) string {
	switch {
	case d == time.Second:
		return "1 second"
	case d >= 2*time.Minute && d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + " minutes"
	}
	return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) + " seconds"
}

// Roughly writes a number in four characters or so: 31, 1.2 k, 9.4 M.
func Roughly(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(max(n, 0), 10)
	case n < 999_500:
		return short(float64(n)/1e3) + " k"
	case n < 999_500_000:
		return short(float64(n)/1e6) + " M"
	}
	return short(float64(n)/1e9) + " G"
}

func short(f float64) string {
	if f >= 9.95 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}
