package config

import (
	"fmt"
	"strings"
)

// Fault is one thing that is wrong with the settings. No field holds a secret.
type Fault struct {
	Name    string // the variable; "" where a file as a whole is meant
	Problem string // what is wrong, to be read after the name
	Hint    string // what to do
	Source  string // where it was set: environment, .env:3, …
}

// String returns two lines: the fault, and its hint.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Name)
	switch {
	case f.Name == "":
		b.WriteString(f.Source)
	case f.Source != "" && f.Source != sourceNone:
		b.WriteString(" (" + f.Source + ")")
	}
	b.WriteString(" " + f.Problem)
	if f.Hint != "" {
		b.WriteString("\n  hint: " + f.Hint)
	}
	return strings.TrimSpace(b.String())
}

// Faults is all that is wrong, in one error.
type Faults []Fault

// Error lists the faults, one a line, each followed by its hint.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// orNil returns a *Faults, or nil where there is none.
func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return &f
}

// wrong returns a fault that the loader completes with name and source.
func wrong(hint, format string, args ...any) *Fault {
	return &Fault{Problem: fmt.Sprintf(format, args...), Hint: hint}
}

// quote shows a value that is no secret, and not too much of it.
func quote(value string) string {
	if len(value) > 60 {
		value = strings.ToValidUTF8(value[:60], "") + "…"
	}
	return fmt.Sprintf("%q", value)
}
