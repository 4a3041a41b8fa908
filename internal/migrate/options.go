package migrate

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options of what changes a database; the zero value is good.
type Options struct {
	// Progress is called for each Event as it happens, by the goroutine that
	// called Deploy; nil: not at all.
	Progress func(Event)
	// LockWait is how long to wait for another migrator; 0 means
	// DefaultLockWait, less than 0 means one try.
	LockWait time.Duration
	// LockTimeout is how long a statement waits for a lock on a table before its
	// file is rolled back and tried again; 0 means DefaultLockTimeout. As long
	// as it waits, others wait behind it.
	LockTimeout time.Duration
	// LockTries is how often a file is tried against locks of others; 0 means
	// DefaultLockTries.
	LockTries int
	// ConcurrentWait is how long a CONCURRENTLY statement waits, each time, for
	// transactions of others, who do not wait for it; 0 means
	// DefaultConcurrentWait. It is tried once.
	ConcurrentWait time.Duration
	// Pause is the rest between two batches of a backfill. 0 means as long as
	// the batch took, at most a second; less than 0 means none.
	Pause time.Duration

	Actor   string // who does it, for the ledger, such as "cli:ada"
	Release string // the release that does it, for the ledger, such as "1.4.0"

	// Shape looks at a schema, namespace. Deploy notes its fingerprint after
	// each file (of more than 20 files, after the last), and takes it again before
	// the next: a difference is a [*DriftError]. It is called inside a transaction, with the schema and
	// pg_temp as search_path, and must not change anything. Nil: nothing is
	// recorded or compared.
	Shape func(ctx context.Context, conn *pgx.Conn, namespace string) (Shape, error)

	// Stamp is a cheap look that can tell that nothing has changed, and nothing
	// else: while it returns what it returned before, Shape would too. earlier is
	// that former stamp, or "". It returns "" where there is none. It is called
	// outside a transaction; Deploy keeps the stamp of the last file's schema,
	// and calls Shape only where the stamp has become another. Nil: Shape is
	// called each time.
	Stamp func(ctx context.Context, conn *pgx.Conn, earlier string) (string, error)

	// BeforeCommit is called in each file's transaction when its work is done and
	// before that is written down: who measures a file sees there which locks it
	// took. In a file without a transaction and in a backfill that is the
	// transaction after the last statement. An error takes the transaction back.
	// It may be called by another goroutine than the one that called Deploy. Nil:
	// nothing.
	BeforeCommit func(context.Context, *pgx.Conn, File) error

	// NoStrangers refuses a database where no file was ever tried and tables that
	// the files make are there, with a [*StrangersError].
	NoStrangers bool

	// OlderInstances names the live instances that still need what a contract
	// file takes away, such as "10.0.0.7:8080 (release 1.3.0)". While there are
	// any, the file is refused. Nil: nobody is asked.
	OlderInstances func(context.Context, *pgx.Conn, File) ([]string, error)
}

// What the zero Options mean.
const (
	DefaultLockWait       = 5 * time.Minute
	DefaultLockTimeout    = time.Second
	DefaultLockTries      = 10
	DefaultConcurrentWait = 10 * time.Minute
)

// filled returns the options with what the zero values mean.
func (o Options) filled() Options {
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
	if o.LockWait == 0 {
		o.LockWait = DefaultLockWait
	}
	if o.LockTimeout <= 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	if o.LockTries <= 0 {
		o.LockTries = DefaultLockTries
	}
	if o.ConcurrentWait <= 0 {
		o.ConcurrentWait = DefaultConcurrentWait
	}
	return o
}

// EventKind says what an Event tells.
type EventKind string

const (
	Waiting     EventKind = "waiting"      // another migrator holds the lock: Holder
	Applying    EventKind = "applying"     // File begins
	Applied     EventKind = "applied"      // File is committed: Took
	RollingBack EventKind = "rolling back" // the way back of File begins
	RolledBack  EventKind = "rolled back"  // the way back of File is committed: Took
	// Running: a statement begins in a File without a transaction around it:
	// Statement, Line.
	Running EventKind = "running"
	// Repairing: an index that an earlier try left invalid is dropped: Object.
	Repairing EventKind = "repairing"
	// Found: a statement is not run, because the migrator that was killed had
	// finished it: Statement, Object.
	Found    EventKind = "found"
	Blocked  EventKind = "blocked"  // a statement waits for others: Blockers, Try, Tries
	Retrying EventKind = "retrying" // the wait was given up; Pause, then Try of Tries
	Batched  EventKind = "batched"  // a batch of a backfill is committed: Rows, RowsTotal, Left
)

// Event is one step of a deployment or of the way back. Beside Kind, the fields
// that the kind names are set, and for all but Waiting File, Number and Total.
type Event struct {
	Kind   EventKind
	Holder Holder // for Waiting
	File   File
	Number int           // which file of Total, from 1
	Total  int           // files to run in this call
	Took   time.Duration // for Applied and RolledBack: of the file's SQL

	Statement int    // its number in the file, from 1
	Line      int    // where it begins, from 1
	Object    string // a name as SQL has it

	Blockers []Blocker
	Try      int // from 1
	Tries    int
	Pause    time.Duration

	Rows      int64         // that the backfill has gone through, with earlier calls
	RowsTotal int64         // of the table, about
	Left      time.Duration // about; 0 where it cannot be told
}

// Result is what a deployment did.
type Result struct {
	Namespace     string   // the PostgreSQL schema, such as "public"
	Applied       []Record // by this call, in order
	SchemaVersion string   // the semantic version that the database is at now
	Fingerprint   string   // of the schema now; "" without Options.Shape
}
