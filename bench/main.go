// Bench measures af-auth beside the plainest thing that does the same work, and
// beside goose for migrations, in one run: all sides take turns, round after
// round after a warm-up, and what counts is their ratio with minimum, median and
// maximum. Absolute figures belong to the machine; ratios travel.
//
//	go run ./bench [-only NAME] [-full] [-seconds N] [-rows N]
//
// It starts a private PostgreSQL of its own, with fsync on, and talks to
// loopback only. docs/performance.md holds the tables and what was learned.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are what a run is asked for.
type options struct {
	only    string
	full    bool
	length  time.Duration // of one measurement of a rate
	rows    int           // in the tables; 0: as each line has it
	program string        // af-auth
	goose   string
	profile string // file for a profile of verify from memory
}

// wants reports whether a line of this name is asked for.
func (o options) wants(name string) bool {
	for begins := range strings.SplitSeq(o.only, ",") {
		if strings.HasPrefix(name, begins) {
			return true
		}
	}
	return false
}

// size is how many rows a line works on.
func (o options) size(full int) int {
	switch {
	case o.rows > 0:
		return o.rows
	case o.full:
		return full
	default:
		return 100_000
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == roleCommand {
		if err := playRole(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.only, "only", "", "run the lines whose names begin so; several with commas between them share their rows")
	flag.BoolVar(&o.full, "full", false, "run all lines at the sizes that docs/performance.md names")
	seconds := flag.Float64("seconds", 0, "length of one measurement of a rate; 1 if not given, 3 with -full")
	flag.IntVar(&o.rows, "rows", 0, "rows in the tables, for all lines; 100,000 if not given")
	flag.StringVar(&o.program, "af-auth", "bin/af-auth", "the program")
	flag.StringVar(&o.goose, "goose", "bin/goose", "goose; its lines are left out where it is not there")
	flag.StringVar(&o.profile, "profile", "", "write a profile of the processor time of verify from memory to this file, for go tool pprof")
	flag.Parse()
	o.length = time.Second
	if o.full {
		o.length = 3 * time.Second
	}
	if *seconds > 0 {
		o.length = time.Duration(*seconds * float64(time.Second))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// part is one table.
type part struct {
	name string
	run  func(context.Context, *site) error
}

func parts() []part {
	return []part{
		{"verify", runVerify},
		{"memory", runMemory},
		{"revoke", runRevoke},
		{"cold start", runColdStart},
		{"import", runImport},
		{"sign-in", runSignIn},
		{"gate", runGate},
		{"growth", runGrowth},
		{"lists", runLists},
		{"studio pages", runStudioPages},
		{"studio tables", runStudioTables},
		{"studio export", runStudioExports},
		{"studio browser", runStudioBrowser},
	}
}

// run runs what is asked for. Migrations are measured when they are named, or
// all is.
func run(ctx context.Context, o options) error {
	s := &site{options: o, made: map[string]crowd{}}
	defer s.shut()
	ran := false
	for _, p := range parts() {
		if !o.wants(p.name) {
			continue
		}
		ran = true
		begun := time.Now()
		if err := p.run(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(os.Stderr, "bench: %s took %s\n", p.name, time.Since(begun).Round(time.Second))
	}
	s.shut() // what follows starts a server of its own
	if o.only == "" && !o.full {
		return nil
	}
	more, err := runTimings(ctx, o)
	if err != nil {
		return err
	}
	last, err := runIndex(ctx, o)
	if err == nil && !ran && !more && !last {
		return fmt.Errorf("no line has a name that begins with %q", o.only)
	}
	return err
}

// line prints a row of a table in Markdown.
func line(cells ...string) { fmt.Println("| " + strings.Join(cells, " | ") + " |") }

// head prints the head of a table.
func head(cells ...string) {
	line(cells...)
	fmt.Println(strings.Repeat("|---", len(cells)) + "|")
}
