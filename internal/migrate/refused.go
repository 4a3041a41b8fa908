package migrate

import (
	"fmt"
	"strings"
)

// RefusedError says that the files are not a continuation of what the database
// has had. Nothing was changed.
type RefusedError struct{ State State }

// Refusal returns a [*RefusedError] where the files do not continue what the
// database has had, else nil.
func (s State) Refusal() error {
	if len(s.Edited)+len(s.Clashing)+len(s.Missing)+len(s.OutOfOrder)+len(s.Diverged)+len(s.HalfBack) == 0 {
		return nil
	}
	return &RefusedError{State: s}
}

// Error names each file and what is wrong with it, one a line.
func (e *RefusedError) Error() string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, f := range e.State.Edited {
		add("%s: was edited after it had been applied", f.UpName())
	}
	for _, f := range e.State.Clashing {
		add("%s: another file of the same version is applied: two branches chose the same time", f.UpName())
	}
	for _, r := range e.State.Missing {
		by := ""
		if r.Release != "" {
			by = " by release " + r.Release
		}
		add("%s: was applied%s, but the file is not here: it was deleted, or a newer release brought it", r.FileName(), by)
	}
	for _, f := range e.State.OutOfOrder {
		add("%s: is new, but older than %s, which has been applied", f.UpName(), e.State.newest().FileName())
	}
	for _, f := range e.State.Diverged {
		add("%s: is half applied, and was changed in the half that is done: %s", f.UpName(), e.State.last[f.Version].progress())
	}
	for _, a := range e.State.HalfBack {
		add("%s: is half rolled back: %s", a.FileName(), a.progress())
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return "the files do not continue what this database has had:\n" + strings.Join(lines, "\n")
}

// Hint says how to go on.
func (e *RefusedError) Hint() string {
	var hints []string
	add := func(wrong int, hint string) {
		if wrong > 0 {
			hints = append(hints, hint)
		}
	}
	add(len(e.State.Edited), "put the edited file back as it was, and write the change as a new migration; where only words were mended: resolve --applied VERSION")
	add(len(e.State.Clashing), "give the file that is not applied a later time in its name, both up and down")
	add(len(e.State.Missing), "bring the missing file back, or use the release that has it; where it is gone for good, undo its work by hand, newest first, then: resolve --rolled-back VERSION --force")
	add(len(e.State.OutOfOrder), "give the older file a later time in its name, both up and down")
	add(len(e.State.Diverged), "put the half that is done back as it was and deploy; or undo it by hand, then: resolve --rolled-back VERSION")
	add(len(e.State.HalfBack), "go on with: rollback")
	return "nothing was changed; " + strings.Join(hints, "; ")
}

// progress says what of a file is done for good.
func (a Attempt) progress() string {
	switch {
	case a.RowsDone > 0:
		return fmt.Sprintf("%d rows are done", a.RowsDone)
	case a.StatementsDone == 1:
		return fmt.Sprintf("statement 1 of %d is done", a.Statements)
	case a.StatementsDone > 0:
		return fmt.Sprintf("statements 1 to %d of %d are done", a.StatementsDone, a.Statements)
	}
	return "nothing of it is done"
}
