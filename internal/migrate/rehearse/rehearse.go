package rehearse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// What the zero Options mean.
const (
	DefaultQuiet   = 3 * time.Second
	DefaultMaxWait = time.Second
)

// Options say what to rehearse.
type Options struct {
	Files []migrate.File // all of them, as migrate.Load returned them
	// Applied is the file up to which the database already is, as in
	// [migrate.Find]; "" for an empty database. What comes after it is rehearsed.
	Applied string
	// Namespace is the PostgreSQL schema to work in; "" means "public".
	Namespace string
	// Roles are made before anything else, because files may grant them something.
	Roles []string

	// Rows are the sizes of tables, by their names as SQL has them. Sizes are those
	// of a live database, for tables that Rows does not name: it may have tables
	// that the files do not make. DefaultRows is the size of the others.
	Rows, Sizes map[string]int64
	DefaultRows int64
	// Columns say what live columns are like, by TABLE.COLUMN as SQL has it. Nil:
	// one value in ten is NULL where it may be.
	Columns map[string]Column
	// Values are SQL expressions for columns, by TABLE.COLUMN as SQL has it, for
	// where the usual value means something else than is wanted. Columns that are
	// not there are left alone.
	Values map[string]string

	// Load is done beside the files; nil: nothing.
	Load *Load
	// Quiet is how long the load is measured before; 0 means DefaultQuiet.
	Quiet time.Duration
	// MaxWait is how long others may wait for a lock; 0 means DefaultMaxWait.
	MaxWait time.Duration

	// Open is where the rehearsal takes place; nil means [Private].
	Open func(context.Context) (Server, error)
	// Progress hears what is being done; nil: nobody does.
	Progress func(doing string)
}

// run is a rehearsal under way.
type run struct {
	o        Options
	url      string
	copy     string    // the name of a database that holds the same, before any file
	conn     *pgx.Conn // the migrator's
	watching *pgx.Conn
	start    int // of Options.Files, the first to rehearse
	crowd    *crowd
	report   Report
	shapes   []catalog.Catalog // before each file, and after the last
	failed   bool              // a file did
}

// Run rehearses. What a file does wrong stands in the Report; an error says that
// the rehearsal itself could not be made: the server, the files before, the rows
// ([*RowsError]) or the load.
//
// Nothing is left behind, also where ctx ends: then the error wraps its cause.
func Run(ctx context.Context, o Options) (_ Report, err error) {
	r := &run{o: o.filled(), report: Nothing()}
	r.tell("starting a private PostgreSQL")
	server, err := r.o.Open(ctx)
	if err != nil {
		return Report{}, err
	}
	r.url = server.URL
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
		defer cancel()
		r.leave(late)
		err = errors.Join(err, server.Close(late))
	}()
	if err := r.prepare(ctx, server.Filled); err != nil {
		return Report{}, stopped(ctx, err)
	}
	if err := r.forward(ctx); err != nil {
		return Report{}, stopped(ctx, err)
	}
	if r.failed {
		r.note("no way back was tried, because a file failed")
	} else if err := errors.Join(r.backOver(ctx), r.alone(ctx)); err != nil {
		return Report{}, stopped(ctx, err)
	}
	r.report.judge(r.o.MaxWait)
	return r.report, nil
}

func (o Options) filled() Options {
	if o.Namespace == "" {
		o.Namespace = "public"
	}
	if o.Quiet == 0 {
		o.Quiet = DefaultQuiet
	}
	if o.MaxWait == 0 {
		o.MaxWait = DefaultMaxWait
	}
	if o.Open == nil {
		o.Open = Private
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}

// stopped says that it was the context which ended, where it was.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
	return err
}

func (r *run) tell(format string, args ...any) { r.o.Progress(fmt.Sprintf(format, args...)) }

func (r *run) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

// leave ends what uses the server, and drops the copy where the server stays.
func (r *run) leave(ctx context.Context) {
	if r.crowd != nil {
		r.crowd.end()
	}
	if r.copy != "" {
		if conn, err := r.connect(ctx, ""); err == nil {
			_, _ = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{r.copy}.Sanitize()+" WITH (FORCE)")
			_ = conn.Close(ctx)
		}
	}
	r.disconnect(ctx)
}

// prepare brings the database to the state before the files.
func (r *run) prepare(ctx context.Context, filled bool) (err error) {
	if err := r.reconnect(ctx); err != nil {
		return err
	}
	if err := r.settings(ctx); err != nil {
		return err
	}
	if filled {
		err = r.asFound(ctx)
	} else if err = r.makeRoles(ctx); err == nil {
		err = r.replay(ctx)
	}
	if err != nil {
		return err
	}
	if r.start == len(r.o.Files) {
		return &hinted{err: errors.New("there is nothing to rehearse: no file is pending"), hint: "to rehearse what is applied already, say from where"}
	}
	if !filled {
		began := time.Now()
		if err := r.fill(ctx); err != nil {
			return err
		}
		r.report.FillTook = Millis(time.Since(began))
	}
	return r.duplicate(ctx)
}

// shape reads the schema, as a deployment's fingerprint sees it.
func (r *run) shape(ctx context.Context, conn *pgx.Conn) (catalog.Catalog, error) {
	c, err := catalog.Read(ctx, conn, r.o.Namespace, migrate.Tables()...)
	if err != nil {
		return c, fmt.Errorf("read the schema: %w", err)
	}
	return c, nil
}

func majorOf(conn *pgx.Conn) string { return major(conn.PgConn().ParameterStatus("server_version")) }

// major is the major version of a server: "15" of "15.18", "18" of "18beta1".
func major(version string) string {
	if end := strings.IndexFunc(version, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		return version[:end]
	}
	return version
}
