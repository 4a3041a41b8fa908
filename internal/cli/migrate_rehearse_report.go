package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/af-auth/af-auth/internal/migrate/rehearse"
)

// printRehearsal shows a report: the circumstances, each file, what is not good.
func (e *Env) printRehearsal(r rehearse.Report) {
	durable := "commits to the disk"
	if !r.Durable {
		durable = "not durable, so times and WAL mean little"
	}
	e.table(func(w io.Writer) {
		row := func(name, format string, args ...any) {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
		}
		row("server", "private PostgreSQL %s, %s", r.PostgreSQL, durable)
		row("before", "%s", cmp.Or(r.Applied, "an empty database"))
		row("rows", "%s", filled(r))
		if r.Load != nil {
			row("load", "%s", r.Load.Name)
			row("  alone", "%s", operations(r.Load.Quiet))
		}
	})
	for _, f := range r.Files {
		e.say("\n%s  %s", f.FileName(), goodness(f.Good))
		e.table(func(w io.Writer) { printFile(w, f) })
	}
	e.printList("notes:", r.Notes)
	e.printList("not good:", r.Faults)
}

func (e *Env) printList(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	e.say("\n%s", title)
	for _, line := range lines {
		e.say("  %s", printable(line))
	}
}

func printFile(w io.Writer, f rehearse.FileReport) {
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %s\t%s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	if f.Error != "" {
		row("failed", "%s", f.Error)
		if f.Hint != "" {
			row("", "%s", f.Hint)
		}
	}
	took := span(f.Took)
	if f.Load != nil && f.Alone > 0 {
		took += " beside the load, " + span(f.Alone) + " alone"
	}
	row("time", "%s", took)
	name := "locks"
	for _, l := range f.Locks {
		if l.Kind == "index" && l.Waiters == 0 && l.Behind == 0 {
			continue // nobody gets there but through its table
		}
		row(name, "%s", lockLine(l))
		name = ""
	}
	if name != "" {
		row("locks", "none on what was there before")
	}
	var rewritten []string
	for _, r := range f.Rewritten {
		rewritten = append(rewritten, fmt.Sprintf("%s %s (%s)", r.Kind, r.Name, size(r.Bytes)))
	}
	row("rewritten", "%s", cmp.Or(strings.Join(rewritten, ", "), "nothing"))
	if f.Alone > 0 {
		row("written", "WAL %s; tables %s, indexes %s", size(f.WAL), growth(f.Tables), growth(f.Indexes))
	}
	if f.Load != nil {
		row("load", "%s", operations(*f.Load))
	}
	row("way back", "%s", wayBack(f.Back))
}

func lockLine(l rehearse.Lock) string {
	text := fmt.Sprintf("%s on %s", l.Mode, l.Relation)
	if l.Held > 0 {
		text += " for " + span(l.Held)
	} else {
		text += " for less than 10ms"
	}
	if l.Blocks != "" {
		text += ", blocks " + l.Blocks
	}
	if l.Waiters > 0 {
		text += fmt.Sprintf("; %d waited, up to %s", l.Waiters, span(l.Waited))
	}
	if l.Behind > 0 {
		text += "; waited " + span(l.Behind) + " for it"
	}
	return text
}

func wayBack(b rehearse.Back) string {
	text := b.Result
	if b.Took > 0 {
		text += ", in " + span(b.Took)
	}
	if b.Result == rehearse.LosesNamed {
		text += ": " + strings.ReplaceAll(b.Lost, "\n", "; ")
	}
	return text
}

func operations(s rehearse.Stats) string {
	if s.Operations == 0 {
		return "none met it"
	}
	text := fmt.Sprintf("%d, p50 %s, p99 %s, longest %s", s.Operations, span(s.P50), span(s.P99), span(s.Max))
	if s.Failed > 0 {
		text += fmt.Sprintf("; %d failed", s.Failed)
	}
	return text
}

// filled names the tables with the most rows.
func filled(r rehearse.Report) string {
	var parts []string
	for _, t := range r.Tables {
		if t.Rows > 0 || t.Note != "" {
			text := fmt.Sprintf("%s %d", t.Name, t.Rows)
			if t.Note != "" {
				text += " (" + t.Note + ")"
			}
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return printable(strings.Join(parts, ", ")) + "; made in " + span(r.FillTook)
}

func goodness(good bool) string {
	if good {
		return "good"
	}
	return "NOT GOOD"
}

// span shows a time with as many digits as mean something.
func span(m rehearse.Millis) string {
	d := time.Duration(m)
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// size shows bytes as pg_size_pretty does, by 1024.
func size(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if value < 10_000 && value > -10_000 {
			break
		}
		value, unit = value/1024, next
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}

func growth(n int64) string {
	if n >= 0 {
		return "+" + size(n)
	}
	return size(n)
}
