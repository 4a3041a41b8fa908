package rehearse

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// judge decides: a file is good when it ran, made nobody wait for too long, let
// the load do its work, and its way back leads back or loses only what its file
// names.
func (r *Report) judge(maxWait time.Duration) {
	r.Faults = []string{}
	for i := range r.Files {
		f := &r.Files[i]
		f.Faults = append([]string{}, faults(*f, maxWait)...)
		f.Good = len(f.Faults) == 0
		for _, fault := range f.Faults {
			r.Faults = append(r.Faults, f.FileName()+": "+fault)
		}
	}
	if r.Load != nil && r.Load.Quiet.Failed > 0 {
		r.Faults = append(r.Faults, fmt.Sprintf("the load failed before any file ran (%d of %d operations): %s",
			r.Load.Quiet.Failed, r.Load.Quiet.Operations, r.Load.Quiet.FirstError))
	}
	r.Good = len(r.Faults) == 0
}

func faults(f FileReport, maxWait time.Duration) []string {
	var out []string
	if f.Error != "" {
		return []string{"it fails: " + f.Error}
	}
	for _, l := range f.Locks {
		switch {
		case time.Duration(l.Waited) > maxWait:
			out = append(out, fmt.Sprintf("%s waited %s for its %s lock on %s, more than %s",
				sessions(l.Waiters), round(l.Waited), l.Mode, l.Relation, maxWait))
		case f.Load == nil && l.Blocks != "" && l.Kind != "index" && time.Duration(l.Held) > maxWait:
			// Nobody was there to wait, so what counts is how long anybody would have.
			out = append(out, fmt.Sprintf("its %s lock on %s blocks %s for %s, more than %s",
				l.Mode, l.Relation, l.Blocks, round(l.Held), maxWait))
		}
	}
	if f.Load != nil && f.Load.Failed > 0 {
		out = append(out, fmt.Sprintf("%d of %d operations of the load failed beside it: %s",
			f.Load.Failed, f.Load.Operations, f.Load.FirstError))
	}
	return append(out, f.Back.faults()...)
}

func (b Back) faults() []string {
	var out []string
	if len(b.Schema) > 0 {
		out = append(out, "its way back leads to another schema: "+list(b.Schema))
	}
	if b.Error != "" {
		out = append(out, "its way back fails: "+b.Error)
	}
	if len(b.Again) > 0 {
		out = append(out, "back and forward again leads to another schema: "+list(b.Again))
	}
	if len(b.Contents) > 0 && b.Lost == "" {
		out = append(out, "its way back loses what it does not name (-- lost: …): "+list(b.Contents))
	}
	return out
}

// list joins lines, and cuts a list that is too long for a screen.
func list(lines []string) string {
	const most = 5
	if len(lines) > most {
		return strings.Join(lines[:most], "; ") + fmt.Sprintf("; and %d more", len(lines)-most)
	}
	return strings.Join(lines, "; ")
}

func sessions(n int) string {
	if n == 1 {
		return "a session"
	}
	return fmt.Sprintf("up to %d sessions", n)
}

func round(m Millis) time.Duration { return time.Duration(m).Round(time.Millisecond) }

// hinted is an error that says what to do next.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }
func (e *hinted) Hint() string  { return e.hint }

// hintOf returns what an error says to do next.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
