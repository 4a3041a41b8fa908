package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/rehearse"
	"github.com/af-auth/af-auth/internal/postgres"
)

// rehearsalRows is the size of each table where no database tells another.
const rehearsalRows = 10_000

type migrateRehearseCmd struct {
	projectFlags
	At      string        `help:"The last file that is applied, 0 for none; without it what the database says, else all but the newest." placeholder:"VERSION"`
	Rows    []string      `help:"How many rows to generate: N in each table, TABLE=N in one, auto for as many as the database has. Repeatable." placeholder:"N|TABLE=N|auto"`
	MaxRows int64         `help:"At most so many in a table, of what the database has." default:"1000000"`
	MaxWait time.Duration `help:"The longest that anybody may wait for a lock." default:"1s"`
	Rate    int           `help:"Sign-ins a second beside the migrations; of af-auth's own schema only." default:"100"`
	Record  string        `help:"File that keeps what was rehearsed; without it, .af-auth/rehearsals.json." placeholder:"FILE" type:"path"`
	JSON    bool          `help:"Print the report as JSON."`
}

// Help is shown by --help.
func (migrateRehearseCmd) Help() string {
	return `Runs what is pending on a private PostgreSQL that is filled with generated rows,
and says how long it takes, which locks it holds, what it rewrites and writes,
and whether the way back leads back. Beside af-auth's own migrations people sign
in meanwhile. The private server keeps its files where TMPDIR says, and commits
to the disk as in production; both are gone afterwards.

The database is only read: what is applied, about how many rows, how many are
NULL. The rows are made up, so what only real rows can show is not shown.

What was rehearsed is kept in --record, by checksum; that is what
"deploy --require-rehearsal" looks at.

Exit code 0: all good. 3: something is not. It is not, where a file fails; where
the way back leads elsewhere or loses what its "-- lost:" lines do not name; where
a sign-in failed; or where somebody waited longer than --max-wait for a lock.
Without sign-ins, a lock that keeps others out for longer counts as well.`
}

// Run rehearses.
func (c *migrateRehearseCmd) Run(ctx context.Context, e *Env) error {
	p, err := e.project(c.projectFlags, true)
	if err != nil {
		return err
	}
	record := e.recordFile(c.Record)
	if _, err := rehearse.LoadRecords(record); err != nil {
		return err // better now than when all is done
	}
	o := rehearse.Options{Files: p.files, MaxWait: c.MaxWait, Progress: func(doing string) { _, _ = fmt.Fprintln(e.Stderr, printable(doing)) }}
	auto, err := c.rows(&o)
	if err != nil {
		return err
	}
	notes, err := c.situation(ctx, p, auto, &o)
	if err != nil {
		return err
	}
	if p.own {
		o.Values, o.Load = postgres.RehearsalValues(), signIns(p, c.Rate, people(o))
	}
	if len(p.files) == 0 || o.Applied == p.files[len(p.files)-1].Version {
		if c.JSON {
			return e.printJSON(rehearse.Nothing())
		}
		e.say("nothing is pending, so there is nothing to rehearse; --at VERSION goes back to there")
		return nil
	}
	report, err := rehearse.Run(ctx, o)
	if err != nil {
		return err
	}
	report.Notes = append(notes, report.Notes...)
	return c.finish(e, p, report, record)
}

// finish records and shows a report.
func (c *migrateRehearseCmd) finish(e *Env, p *project, report rehearse.Report, record string) error {
	recording := rehearse.Add(record, report.Of(e.Now(), e.whoAmI())...)
	if c.JSON {
		if err := errors.Join(e.printJSON(report), recording); err != nil {
			return err
		}
	} else {
		e.printRehearsal(report)
		if recording != nil {
			return recording
		}
		e.say("\n%s", c.next(e, p, report, record))
	}
	if !report.Good {
		return exit{3}
	}
	return nil
}

// next is what to do now.
func (c *migrateRehearseCmd) next(e *Env, p *project, report rehearse.Report, record string) string {
	recorded := "recorded in " + e.short(record)
	if !report.Good {
		return "not good; " + recorded + "\nnext: mend the files, then rehearse again"
	}
	deploy := "af-auth db migrate deploy --require-rehearsal"
	if !p.own {
		deploy += " --dir " + e.short(p.dir)
	}
	if c.Record != "" {
		deploy += " --record " + e.short(record)
	}
	return "good; " + recorded + "\nnext: " + deploy
}

// recordFile is where rehearsals are kept: the file that was named, or one in the
// data folder of this tree.
func (e *Env) recordFile(named string) string {
	if named != "" {
		return named
	}
	data := e.dataDir()
	if data == "" {
		data = filepath.Join(e.Dir, dataFolder)
	}
	return filepath.Join(data, "rehearsals.json")
}

// rows reads --rows. auto: the database is asked, whatever else is said.
func (c *migrateRehearseCmd) rows(o *rehearse.Options) (auto bool, err error) {
	o.Rows, o.DefaultRows = map[string]int64{}, -1
	for _, said := range c.Rows {
		if said == "auto" {
			auto = true
			continue
		}
		at := strings.LastIndex(said, "=")
		n, err := strconv.ParseInt(said[at+1:], 10, 64)
		if err != nil || n < 0 {
			return false, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("--rows %s is no size", said), Hint: "write --rows 100000, --rows users=5000 or --rows auto"}
		}
		if at < 0 {
			o.DefaultRows = n
		} else {
			o.Rows[said[:at]] = n
		}
	}
	return auto, nil
}

// situation finds out what is applied and how large the tables are: from the
// flags, else from the database, else by what is usual.
func (c *migrateRehearseCmd) situation(ctx context.Context, p *project, auto bool, o *rehearse.Options) (notes []string, err error) {
	defer func() {
		if o.DefaultRows < 0 {
			o.DefaultRows = rehearsalRows
		}
	}()
	switch c.At {
	case "":
		if len(p.files) > 1 {
			o.Applied = p.files[len(p.files)-2].Version
		}
	case migrate.Everything:
	default:
		f, err := migrate.Find(p.files, c.At)
		if err != nil {
			return nil, err
		}
		o.Applied = f.Version
	}
	if c.At != "" && o.DefaultRows >= 0 && !auto {
		return nil, nil // all is said
	}
	url, err := p.address()
	if err != nil && !auto {
		return []string{c.assumed(*o, "no database is named")}, nil
	}
	if err != nil {
		return nil, err
	}
	o.Namespace = url.Schema
	d := dialer(p.settings, url, "af-auth migrate", p.env.quiet())
	if p.url.IsZero() && !auto {
		d.Retry.Max = 0
	}
	conn, err := d.Connect(ctx)
	if err != nil && p.url.IsZero() && !auto && ctx.Err() == nil {
		return []string{c.assumed(*o, "the database cannot be reached")}, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return c.live(ctx, conn, o)
}

// assumed says what stands in for what a database would have said.
func (c *migrateRehearseCmd) assumed(o rehearse.Options, why string) string {
	rows := o.DefaultRows
	if rows < 0 {
		rows = rehearsalRows
	}
	text := fmt.Sprintf("%s: each table has %d rows", why, rows)
	if c.At == "" {
		text += ", and only the newest file counts as pending"
	}
	return text
}

// live takes from the database what no flag says.
func (c *migrateRehearseCmd) live(ctx context.Context, conn *pgx.Conn, o *rehearse.Options) ([]string, error) {
	l, err := rehearse.ReadLive(ctx, conn, o.Files)
	if err != nil {
		return nil, err
	}
	o.Roles, o.Columns = l.Roles, l.Columns
	var notes []string
	if c.At == "" {
		if err := l.State.Refusal(); err != nil {
			return nil, err
		}
		o.Applied = ""
		if n := len(l.State.Applied); n > 0 {
			o.Applied = l.State.Applied[n-1].Version
		}
		for _, a := range append(l.State.Failed, l.State.Unfinished...) {
			notes = append(notes, a.FileName()+" was tried on the database and did not come to its end; here it runs from its beginning")
		}
	}
	if l.Drift != nil {
		notes = append(notes, "the schema was changed by hand on the database (see status), and what was changed is not here")
	}
	if o.DefaultRows < 0 {
		var capped []string
		o.Sizes, capped = l.Capped(c.MaxRows)
		o.DefaultRows = 0
		notes = append(notes, capped...)
	}
	return append(notes, l.Elsewhere()...), nil
}
