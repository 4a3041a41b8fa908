package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Plan is what Deploy or Rollback would do.
type Plan struct {
	State State
	Steps []Step // in order; none: nothing to do
}

// Step is one file to run.
type Step struct {
	File       File
	Back       bool        // its down file runs, not its up file
	Outside    bool        // without a transaction around it
	Statements []Statement // to run, in order; what is done already is left out
	// Done is how many statements an earlier attempt has done for good.
	Done int
	// RowsDone is how many rows an earlier attempt has gone through for good,
	// in a backfill.
	RowsDone int64

	leaves    Record // the ledger's, on the way back
	lands     Record // what is newest after the way back; the zero Record where nothing is
	adopts    bool   // it brings a database that others made; see Adopt
	total     int    // statements of the file
	tried     bool   // there was an earlier attempt
	doubt     bool   // the first statement may be done without a note of it
	key       string // the last key that an earlier attempt has done
	rowsTotal int64
}

// Statement is one statement of a Step.
type Statement struct {
	Number int    // in its file, from 1
	Line   int    // in its file, from 1
	SQL    string // without its semicolon
	// Alone: it runs outside a transaction, by its nature.
	Alone bool

	statement
	mode mode
}

// Statements returns the statements of a file, or of its way back, in order and
// as they would run.
func (f File) Statements(back bool) []Statement { return newStep(f, back).Statements }

// Words returns the first bare words of the statement outside parentheses, at
// most 16 and in lower case: enough to tell what kind of statement it is.
func (s Statement) Words() []string { return slices.Clone(s.words) }

// Setting reports whether the statement is SET or RESET in a file without a
// transaction: it is meant for the statements after it.
func (s Statement) Setting() bool { return s.mode == setting }

// FileName returns the name of the file that runs.
func (s Step) FileName() string {
	switch {
	case s.adopts:
		return "adoption"
	case s.Back:
		return s.File.DownName()
	}
	return s.File.UpName()
}

// text is the SQL that runs.
func (s Step) text() string {
	if s.Back {
		return s.File.Down
	}
	return s.File.Up
}

// command is the subcommand that goes on after a failure.
func (s Step) command() string {
	if s.Back {
		return "rollback"
	}
	return "deploy"
}

// again is command in a sentence.
func (s Step) again() string {
	switch {
	case s.adopts:
		return "adopt again"
	case s.Back:
		return "roll back again"
	}
	return "deploy again"
}

// newStep makes the whole of a file a step.
func newStep(f File, back bool) Step {
	s := Step{File: f, Back: back, Outside: f.Outside && !back || f.DownOutside && back}
	text := s.text()
	for i, st := range scan(text) {
		m := inTransaction
		if s.Outside {
			m = modeOf(text, st)
		}
		s.Statements = append(s.Statements, Statement{Number: i + 1, Line: st.line, SQL: text[st.start:st.end],
			Alone: m == alone, statement: st, mode: m})
	}
	s.total = len(s.Statements)
	return s
}

// batched reports whether the step is a backfill in batches.
func (s Step) batched() bool { return !s.Back && s.File.Batch.Table != "" }

// doneChecksum stands for what is done for good when the first n statements are:
// a file that was mended may differ behind them, and not before.
func (s Step) doneChecksum(n int) string {
	switch {
	case s.batched():
		return checksumOf("batch " + s.File.Batch.Table + " " + s.File.Batch.Column + "\n" + strings.TrimSpace(s.Statements[0].SQL))
	case n == 0 || !s.Outside || n > s.total:
		return ""
	}
	var texts []string
	for _, st := range scan(s.text())[:n] {
		texts = append(texts, s.text()[st.start:st.end])
	}
	return checksumOf("outside\n" + strings.Join(texts, ";\n"))
}

func checksumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// resumed returns the step as it goes on after an attempt, and whether it can:
// not where the file was changed in what is done.
func (s Step) resumed(a Attempt) (Step, bool) {
	if want := map[bool]Action{false: Apply, true: RollBack}[s.Back]; a.Action != want || a.Outcome == Done {
		return s, true
	}
	s.tried, s.doubt = a.Version != "", a.Version != "" && a.doubtful()
	if a.half() && s.doneChecksum(a.StatementsDone) != a.DoneChecksum {
		return s, false
	}
	s.Done, s.RowsDone, s.rowsTotal, s.key = a.StatementsDone, a.RowsDone, a.RowsTotal, a.BatchKey
	if s.Done > 0 {
		// Settings are meant for what comes after them.
		var rest []Statement
		for _, st := range s.Statements {
			if st.Number > s.Done || st.mode == setting {
				rest = append(rest, st)
			}
		}
		s.Statements = rest
	}
	return s, true
}

// forward plans a deployment.
func (st State) forward() []Step {
	var steps []Step
	for _, f := range st.Pending {
		s, _ := newStep(f, false).resumed(st.last[f.Version]) // Refusal has what cannot
		steps = append(steps, s)
	}
	return steps
}

// PlanDeploy returns what Deploy would do, and changes nothing. Where Deploy
// would refuse, it returns the same [*RefusedError].
func PlanDeploy(ctx context.Context, conn *pgx.Conn, files []File) (Plan, error) {
	st, err := Read(ctx, conn, files)
	if err != nil {
		return Plan{}, err
	}
	if err := st.Refusal(); err != nil {
		return Plan{State: st}, err
	}
	return Plan{State: st, Steps: st.forward()}, nil
}

// Everything is the target of a Rollback that leaves no migration applied.
const Everything = "0"

// PlanRollback returns what Rollback would do, and changes nothing. Where
// Rollback would refuse, it returns the same error.
func PlanRollback(ctx context.Context, conn *pgx.Conn, files []File, to string) (Plan, error) {
	st, err := Read(ctx, conn, files)
	if err != nil {
		return Plan{}, err
	}
	steps, err := st.backward(files, to)
	return Plan{State: st, Steps: steps}, err
}

// backward plans the way back: newest first, down to a version that stays.
func (st State) backward(files []File, to string) ([]Step, error) {
	from, err := st.rollbackFrom(files, to)
	if err != nil {
		return nil, err
	}
	var faults []string
	var steps []Step
	for i := len(st.Applied) - 1; i >= from; i-- {
		r := st.Applied[i]
		f, err := Find(files, r.Version)
		if err != nil || f.NoDown {
			faults = append(faults, r.Version+"_"+r.Name+".down.sql: is not here, and nothing else knows the way back")
			continue
		}
		if f.Checksum != r.Checksum {
			faults = append(faults, f.UpName()+": was edited after it had been applied, so its way back may be another one")
			continue
		}
		s, ok := newStep(f, true).resumed(st.last[f.Version])
		if !ok {
			faults = append(faults, f.DownName()+": was edited in the part that is done")
		}
		steps = append(steps, s)
	}
	// A file that is half applied stands above all that is applied.
	for _, f := range st.Pending {
		if a := st.last[f.Version]; a.Action == Apply && a.half() && !a.Running {
			faults = append(faults, f.UpName()+": is half applied: deploy it to its end, or undo it by hand and resolve it as rolled back")
		}
	}
	if len(faults) > 0 {
		return nil, &hinted{
			err:  fmt.Errorf("cannot roll back:\n%s", strings.Join(faults, "\n")),
			hint: "nothing was changed; put these files right first, from the release that applied them",
		}
	}
	return steps, nil
}

// rollbackFrom returns the index of the oldest applied file to roll back.
func (st State) rollbackFrom(files []File, to string) (int, error) {
	switch to {
	case "":
		return max(0, len(st.Applied)-1), nil
	case Everything:
		return 0, nil
	}
	version := to
	if f, err := Find(files, to); err == nil {
		version = f.Version
	}
	for i, r := range st.Applied {
		if r.Version == version {
			return i + 1, nil
		}
	}
	return 0, &hinted{
		err:  fmt.Errorf("%q is not applied, so there is no way back to it", to),
		hint: "status lists what is applied; 0 means to roll back everything",
	}
}
