package cli

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/af-auth/af-auth"
)

// pageRows is how many rows are asked for at once. A list of any length takes
// the memory of so many.
const pageRows = 500

// pageFlags are those of every command that lists what there may be much of.
type pageFlags struct {
	Limit *int    `help:"How many at most, 0 for all; 50 where it is not given." xor:"amount" placeholder:"N"`
	All   bool    `help:"All, however many." xor:"amount"`
	After *string `help:"Go on at this place: a page that is not the last ends with it." placeholder:"CURSOR"`
	JSON  bool    `help:"Print JSON: the rows, and in \"next\" the CURSOR of the next page, or null."`
}

func (p pageFlags) check() error {
	if p.Limit != nil && *p.Limit < 0 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("--limit is %d, and must be 0 or more", *p.Limit), Hint: "--limit 0, or --all, lists all"}
	}
	return nil
}

// limit is how many rows are wanted; 0: all.
func (p pageFlags) limit() int {
	switch {
	case p.All:
		return 0
	case p.Limit == nil:
		return 50
	default:
		return *p.Limit
	}
}

// noPlace says that a --after cannot be read.
func noPlace(cursor string) error {
	return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("--after %q is not a place in this list", cursor),
		Hint: "a page that is not the last ends with the command for the next one; JSON has the cursor in \"next\""}
}

// list is one list, to be read page by page, newest first.
type list[T any] struct {
	// noun is its name in JSON.
	noun string
	// fetch reads n rows behind a row; nil begins the list.
	fetch func(behind *T, n int) ([]T, error)
	// cursor writes down where a row is.
	cursor func(T) string
	// json is a row for programs.
	json func(T) any
	// table has the columns, and cells a row of them.
	table *table
	cells func(T) []string
	// empty is what is said where there is nothing.
	empty string
}

// print prints what was asked for, and never ends without saying so where there
// is more.
func (l list[T]) print(e *Env, p pageFlags) error {
	limit := p.limit()
	show, end := l.showTable(e), l.endTable(e)
	if p.JSON {
		show, end = l.showJSON(e), l.endJSON(e)
	}
	var behind *T
	for seen := 0; ; {
		n := pageRows
		if limit > 0 {
			n = min(n, limit-seen)
		}
		rows, err := l.fetch(behind, n+1)
		if err != nil {
			return err
		}
		more := len(rows) > n
		rows = rows[:min(n, len(rows))]
		if err := show(rows, seen == 0); err != nil {
			return err
		}
		seen += len(rows)
		if !more {
			end("", seen)
			return nil
		}
		behind = &rows[n-1]
		if seen == limit {
			end(l.cursor(*behind), seen)
			return nil
		}
	}
}

func (l list[T]) showTable(*Env) func([]T, bool) error {
	return func(rows []T, _ bool) error {
		for _, row := range rows {
			l.table.add(l.cells(row)...)
		}
		if len(rows) > 0 {
			l.table.flush()
		}
		return nil
	}
}

func (l list[T]) endTable(e *Env) func(string, int) {
	return func(next string, seen int) {
		switch {
		case seen == 0:
			e.say("%s", l.empty)
		case next != "":
			e.say("there are more; the next page: %s", e.again(next))
		}
	}
}

// showJSON writes one object, a row a line: {"users":[…],"next":null}. What is
// cut short by a fault does not parse, so nobody takes it for all.
func (l list[T]) showJSON(e *Env) func([]T, bool) error {
	return func(rows []T, first bool) error {
		var out bytes.Buffer
		if first {
			fmt.Fprintf(&out, "{%q:[", l.noun)
		}
		for i, row := range rows {
			if i > 0 || !first {
				out.WriteByte(',')
			}
			out.WriteByte('\n')
			line, err := oneLineJSON(l.json(row))
			if err != nil {
				return err
			}
			out.Write(line)
		}
		_, err := e.Stdout.Write(out.Bytes())
		return err
	}
}

func (l list[T]) endJSON(e *Env) func(string, int) {
	return func(next string, seen int) {
		if seen > 0 {
			e.say("")
		}
		if next == "" {
			e.say(`],"next":null}`)
			return
		}
		e.say(`],"next":%q}`, next)
		_, _ = fmt.Fprintf(e.Stderr, "af-auth: there are more; the next page: %s\n", e.again(next))
	}
}

func oneLineJSON(v any) ([]byte, error) {
	text, err := encodeJSON(v, "")
	return bytes.TrimSuffix(text, []byte("\n")), err
}

// again is this very command, for another page.
func (e *Env) again(cursor string) string {
	args := slices.Clone(e.Args)
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			break
		}
		if args[i] == "--after" && i+1 < len(args) {
			args = slices.Delete(args, i, i+2)
			i--
		} else if strings.HasPrefix(args[i], "--after=") {
			args = slices.Delete(args, i, i+1)
			i--
		}
	}
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	args = slices.Insert(args, end, "--after", cursor)
	return shellWords(append([]string{e.program()}, args...))
}

// command is another command on the same database.
func (e *Env) command(args ...string) string {
	words := []string{e.program()}
	if e.ConfigFile != "" {
		words = append(words, "--config", e.ConfigFile)
	}
	if e.Data != "" {
		words = append(words, "--data", e.Data)
	}
	return shellWords(append(words, args...))
}

// shellWords writes a command so that a shell reads the same words.
func shellWords(words []string) string {
	plain := regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)
	out := make([]string, len(words))
	for i, word := range words {
		if out[i] = word; !plain.MatchString(word) {
			out[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
