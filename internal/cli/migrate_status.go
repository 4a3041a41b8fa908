package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/postgres"
)

type migrateStatusCmd struct {
	projectFlags
	JSON bool `help:"Print JSON."`
}

// Help is shown by --help.
func (migrateStatusCmd) Help() string {
	return `Exit code 0: in sync. 2: migrations are pending, or one is being applied. 3: one
failed; files were changed or are missing; or the schema was changed by hand.`
}

// statusJSON is what scripts read.
type statusJSON struct {
	InSync        bool              `json:"in_sync"`
	SchemaVersion string            `json:"schema_version"`
	Applied       []string          `json:"applied"`
	Pending       []string          `json:"pending"`
	Failed        []migrate.Attempt `json:"failed"`
	Unfinished    []migrate.Attempt `json:"unfinished"`
	Running       []migrate.Attempt `json:"running"`
	FailedBack    []migrate.Attempt `json:"failed_back"` // nothing was taken back, so in_sync can be true
	Edited        []string          `json:"edited"`
	Missing       []string          `json:"missing"`
	OutOfOrder    []string          `json:"out_of_order"`
	Drift         []string          `json:"drift"`
	// Unknown are tables that migrations make, in a database that has had none.
	Unknown   []string       `json:"unknown"`
	Instances []instanceJSON `json:"instances"`
}

type instanceJSON struct {
	ID          afauth.ID `json:"id"`
	Release     string    `json:"release"`
	Address     string    `json:"address"`
	StartedAt   time.Time `json:"started_at"`
	HeartbeatAt time.Time `json:"heartbeat_at"`
}

// standing is all that status has to tell.
type standing struct {
	migrate.State
	drift     *migrate.DriftError
	unknown   []string
	instances []afauth.Instance
}

// Run says where the schema is.
func (c *migrateStatusCmd) Run(ctx context.Context, e *Env) error {
	return e.asJSON(c.JSON, c.run(ctx, e))
}

func (c *migrateStatusCmd) run(ctx context.Context, e *Env) error {
	p, err := e.project(c.projectFlags, false)
	if err != nil {
		return err
	}
	var s standing
	if err := p.withConn(ctx, func(conn *pgx.Conn) error { return s.look(ctx, conn, p) }); err != nil {
		return err
	}
	if c.JSON {
		err = e.printJSON(s.json())
	} else {
		e.printStatus(p, s)
	}
	if err != nil {
		return err
	}
	return s.exit()
}

func (s *standing) look(ctx context.Context, conn *pgx.Conn, p *project) (err error) {
	if s.State, err = migrate.Read(ctx, conn, p.files); err != nil {
		return err
	}
	if s.drift, err = migrate.Drift(ctx, conn, s.State, p.options()); err != nil {
		return err
	}
	if s.unknown, err = migrate.Strangers(ctx, conn, s.State, p.files); err != nil || !p.own {
		return err
	}
	s.instances, err = postgres.LiveInstances(ctx, conn)
	return err
}

func (s *standing) exit() error {
	switch {
	case s.Refusal() != nil || s.drift != nil || len(s.unknown)+len(s.Failed)+len(s.Unfinished) > 0:
		return exit{3}
	case len(s.Pending)+len(s.Running) > 0:
		return exit{2}
	}
	return nil
}

func (s *standing) json() statusJSON {
	out := statusJSON{
		InSync: s.exit() == nil, SchemaVersion: s.SchemaVersion,
		Applied: recordNames(s.Applied), Pending: fileNames(s.Pending), Edited: fileNames(append(s.Edited, s.Clashing...)),
		Missing: recordNames(s.Missing), OutOfOrder: fileNames(s.OutOfOrder),
		Failed: notNull(s.Failed), Unfinished: notNull(s.Unfinished), Running: notNull(s.Running), FailedBack: notNull(s.FailedBack),
		Drift: []string{}, Unknown: notNull(s.unknown), Instances: []instanceJSON{},
	}
	for _, i := range s.instances {
		out.Instances = append(out.Instances, instanceJSON(i))
	}
	if s.drift != nil {
		out.Drift = drifted(s.drift)
	}
	return out
}

// notNull is a list that JSON writes as [] where it is empty.
func notNull[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// wrong says of each version what is not as it should be.
func (s *standing) wrong() map[string]string {
	wrong := map[string]string{}
	for _, f := range s.Edited {
		wrong[f.Version] = "edited after it was applied"
	}
	for _, f := range s.Clashing {
		wrong[f.Version] = "applied, with another file of the same version"
	}
	for _, r := range s.Missing {
		wrong[r.Version] = "applied, but this release has no such file"
	}
	for _, f := range s.OutOfOrder {
		wrong[f.Version] = "older than what is applied"
	}
	for _, a := range s.FailedBack {
		wrong[a.Version] = "applied; its way back failed"
	}
	for _, a := range s.Failed {
		wrong[a.Version] = "failed"
	}
	for _, a := range s.Unfinished {
		wrong[a.Version] = "unfinished"
	}
	for _, a := range s.Running {
		wrong[a.Version] = "at work now"
	}
	for _, f := range s.Diverged {
		wrong[f.Version] = "half applied, and then changed"
	}
	for _, a := range s.HalfBack {
		wrong[a.Version] = "half rolled back"
	}
	return wrong
}

func (e *Env) printStatus(p *project, s standing) {
	wrong := s.wrong()
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "MIGRATION\tSCHEMA\tSTATE\tWHEN\tTOOK")
		for _, r := range s.Applied {
			word := cmp.Or(wrong[r.Version], "applied")
			if r.Resolved && word == "applied" {
				word = "marked as applied"
			}
			_, _ = fmt.Fprintf(w, "%s_%s\t%s\t%s\t%s\t%s\n", r.Version, r.Name, dash(r.Schema), word, stamp(r.AppliedAt), r.Took.Round(time.Millisecond))
		}
		for _, f := range s.Pending {
			_, _ = fmt.Fprintf(w, "%s_%s\t%s\t%s\t-\t-\n", f.Version, f.Name, dash(f.Schema), cmp.Or(wrong[f.Version], "pending"))
		}
	})
	for _, a := range s.Running {
		e.say("\n%s is at work: process %d of the server, since %s, by %s", a.FileName(), a.PID, stamp(a.StartedAt), dash(a.Actor))
	}
	for _, a := range append(s.Failed, s.Unfinished...) {
		e.printAttempt(a)
	}
	for _, a := range s.FailedBack {
		e.printAttempt(a)
		e.say("    a way back failed, and the file is still applied; mend it, then: %s", p.command("rollback"))
	}
	if s.drift != nil {
		e.say("\nchanged outside of migrations, since %s:\n%s", s.drift.After, strings.TrimRight(indented(drifted(s.drift)), "\n"))
	}
	for _, a := range s.Between() {
		e.say("\n%s is not at its end: the schema stands between two files, so what was changed by hand cannot be told", a.FileName())
	}
	if len(s.instances) > 0 {
		e.say("\nservers at work:")
		for _, i := range s.instances {
			e.say("    %s  release %s, since %s", printable(i.Address), printable(i.Release), stamp(i.StartedAt))
		}
	}
	e.say("\n%s", s.verdict(p))
}

// printAttempt tells of an attempt that did not come to its end.
func (e *Env) printAttempt(a migrate.Attempt) {
	e.say("\n%s: try %d to %s, %s, by %s", a.FileName(), a.Number, a.Action, stamp(a.StartedAt), dash(a.Actor))
	if a.Outcome != migrate.Failed {
		e.say("    the migrator was killed, or lost its connection")
	}
	if a.Message != "" {
		place := ""
		if a.Line > 0 {
			place = fmt.Sprintf("line %d: ", a.Line)
		}
		code := ""
		if a.SQLState != "" {
			code = fmt.Sprintf(" (SQLSTATE %s)", a.SQLState)
		}
		e.say("    %s%s%s", place, printable(a.Message), code)
	}
	if a.Statement != "" {
		e.say("%s", strings.TrimRight(indented(strings.Split(shortened(a.Statement), "\n")), "\n"))
	}
	if a.Hint != "" {
		e.say("    hint: %s", printable(a.Hint))
	}
}

// verdict is the last line: how it stands, and the next command.
func (s *standing) verdict(p *project) string {
	refusal := s.Refusal()
	switch {
	case len(s.unknown) > 0:
		return fmt.Sprintf("unknown: no migration was ever applied here, but %s is there\nnext: %s", strings.Join(s.unknown, ", "), p.command("adopt"))
	case refusal != nil:
		if p.outdated(s.Missing) {
			return "not in sync: this program was built before the newest files of this tree were written\nnext: make build"
		}
		return "not in sync: " + refusal.Error() + "\nnext: " + hintOf(refusal)
	case len(s.HalfBack) > 0:
		return "not in sync: a way back was not finished\nnext: " + p.command("rollback")
	case len(s.Failed) > 0 && len(s.Unfinished) == 0 && !slices.ContainsFunc(s.Failed, func(a migrate.Attempt) bool { return !a.Stopped() }):
		return "not in sync: a migration was stopped\nnext: " + p.command("deploy")
	case len(s.Failed)+len(s.Unfinished) > 0:
		return "not in sync: a migration did not come to its end\nnext: mend the cause, then: " + p.command("deploy")
	case s.drift != nil:
		return "not in sync: the schema was changed by hand\nnext: " + hintOf(s.drift)
	case len(s.Running) > 0:
		return "a migration is at work"
	case len(s.Pending) > 0:
		return count(len(s.Pending), "migration") + " pending; apply: " + p.command("deploy")
	case s.SchemaVersion == "":
		return "in sync"
	}
	return "in sync; the schema is at " + s.SchemaVersion
}
