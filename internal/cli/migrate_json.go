package cli

import (
	"errors"
	"io"

	"github.com/af-auth/af-auth/internal/migrate"
)

// deployJSON is what deploy, rollback and backfill print for scripts.
type deployJSON struct {
	DryRun        bool           `json:"dry_run"`
	Pending       []string       `json:"pending"` // what would run, or was to run
	Applied       []appliedJSON  `json:"applied"` // by this call; of a rollback: taken back
	SchemaVersion string         `json:"schema_version"`
	Fingerprint   string         `json:"fingerprint"`
	Error         *migrationJSON `json:"error"`
}

type appliedJSON struct {
	Version       string `json:"version"`
	Name          string `json:"name"`
	SchemaVersion string `json:"schema_version"`
	TookMS        int64  `json:"took_ms"`
}

// migrationJSON is what went wrong. All but Message and Hint are of a statement
// that failed.
type migrationJSON struct {
	Message   string   `json:"message"`
	Hint      string   `json:"hint"`
	File      string   `json:"file,omitempty"`
	Line      int      `json:"line,omitempty"`
	Number    int      `json:"statement_number,omitempty"`
	Statement string   `json:"statement,omitempty"`
	SQLState  string   `json:"sqlstate,omitempty"`
	Drift     []string `json:"drift,omitempty"`
}

func (d *deployJSON) fill(plan migrate.Plan, dry bool) {
	d.DryRun, d.SchemaVersion = dry, plan.State.SchemaVersion
	for _, s := range plan.Steps {
		d.Pending = append(d.Pending, s.File.Version+"_"+s.File.Name)
	}
}

func (d *deployJSON) done(r migrate.Result) {
	for _, rec := range r.Applied {
		d.Applied = append(d.Applied, appliedJSON{rec.Version, rec.Name, rec.Schema, rec.Took.Milliseconds()})
	}
	d.SchemaVersion, d.Fingerprint = r.SchemaVersion, r.Fingerprint
}

// answered prints the result as JSON, where that is wanted.
func (e *Env) answered(wanted bool, d *deployJSON, err error) error {
	if !wanted {
		return err
	}
	return errors.Join(e.printResult(d, err), silent(err))
}

// printResult prints the result with what went wrong in it.
func (e *Env) printResult(d *deployJSON, err error) error {
	if d.Pending == nil {
		d.Pending = []string{}
	}
	if d.Applied == nil {
		d.Applied = []appliedJSON{}
	}
	if err != nil {
		d.Error = migrationError(err)
	}
	return e.aloud().printJSON(d)
}

func migrationError(err error) *migrationJSON {
	out := &migrationJSON{Message: err.Error(), Hint: hintOf(err)}
	var failed *migrate.SQLError
	if errors.As(err, &failed) {
		out.File, out.Line, out.Number = failed.File, failed.Line, failed.Number
		out.Statement, out.SQLState = failed.Statement, failed.SQLSTATE
	}
	var drift *migrate.DriftError
	if errors.As(err, &drift) {
		out.Drift = drifted(drift)
	}
	return out
}

// asJSON prints an error as JSON too, where JSON is wanted.
func (e *Env) asJSON(wanted bool, err error) error {
	if _, done := errors.AsType[exit](err); !wanted || err == nil || done {
		return err
	}
	return errors.Join(e.printJSON(map[string]any{"error": migrationError(err)}), silent(err))
}

// silent turns an error that was printed as JSON into its exit code.
func silent(err error) error {
	if err == nil {
		return nil
	}
	return exit{exitCode(err)}
}

// hush keeps everything from stdout, where one document of JSON is wanted, until
// aloud.
func (e *Env) hush() { e.stdout, e.Stdout = e.Stdout, io.Discard }

// aloud ends hush.
func (e *Env) aloud() *Env {
	e.Stdout, e.stdout = e.stdout, nil
	return e
}
