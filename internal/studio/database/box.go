package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
)

const (
	// boxes bounds how many typed statements run at once.
	boxes = 2
	// messageLimit bounds one row of an answer, valueLimit how much of a value is
	// kept, answerLimit all of them, in bytes; a page shows a cell with cellCost
	// bytes and more around its value.
	messageLimit = 32 << 20
	valueLimit   = 64 << 10
	answerLimit  = 4 << 20
	cellCost     = 64
	// typed is what the session's user is told apart by in pg_stat_activity.
	typed = application + " sql"
	// held is the prepared statement's name.
	held = "typed"
)

// Box runs statements that a person has typed.
//
// Each has a connection of its own, which ends with it: a lock, a prepared
// statement or a setting that it leaves in its session goes along. It is sent by
// the extended protocol, so that there is one of it, inside a transaction whose
// mode PostgreSQL does not let it change: the transaction has asked before.
type Box struct {
	config *pgx.ConnConfig
	slots  chan struct{}

	mu      sync.Mutex
	running map[string]*run
}

type run struct {
	conn   *pgconn.PgConn
	cancel context.CancelFunc
	asked  bool // to stop
}

// The box's own refusals.
var (
	ErrBusy       = errors.New("two statements are running already")
	ErrParameters = errors.New("the statement has parameters")
	ErrCancelled  = errors.New("the statement was cancelled")
	ErrTooLong    = errors.New("the statement took too long")
)

// OpenBox makes a box. It does not connect yet.
func OpenBox(o Options) (*Box, error) {
	config, err := pgx.ParseConfig(o.URL.Pgx())
	if err != nil {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "the SQL box's database URL cannot be used", Err: err}
	}
	config.ConnectTimeout = dialTimeout
	if o.URL.ConnectTimeout > 0 {
		config.ConnectTimeout = o.URL.ConnectTimeout
	}
	config.RuntimeParams["application_name"] = typed
	return &Box{config: config, slots: make(chan struct{}, boxes), running: make(map[string]*run)}, nil
}

// Job is one statement.
type Job struct {
	// ID is what Cancel knows it by; empty: it cannot be cancelled.
	ID  string
	SQL string
	// Write opens a transaction that may write, and commits it. Else it is READ
	// ONLY, and rolled back.
	Write bool
	// Limit is how long the statement may take.
	Limit time.Duration
	// Rows is how many rows of the answer are kept.
	Rows int
	// Before decides, in the same transaction and as the user that has logged
	// in, whether the statement may run. Described is told what will be answered.
	Before    func(*Tx) error
	Described func(*Tx, []Field) error
}

// Field is a column of an answer.
type Field struct {
	Name string
	Type uint32 // pg_type.oid
}

// Value is one value of an answer, nil in place of NULL.
type Value struct {
	// Text is its beginning, Bytes the length of the whole.
	Text  string
	Bytes int64
}

// Answer is what came back.
type Answer struct {
	Rows [][]*Value
	// More says that there were more rows than are kept.
	More bool
	// Tag is PostgreSQL's word for what was done: "SELECT 3", "UPDATE 1".
	Tag  string
	Took time.Duration
}

// Check runs fn in a READ ONLY transaction of a new connection.
func (b *Box) Check(ctx context.Context, limit time.Duration, fn func(*Tx) error) error {
	_, err := b.Run(ctx, Job{Limit: limit, Before: fn})
	return err
}

// Run runs a statement; without SQL only what comes before it. PostgreSQL's
// refusal comes back as *pgconn.PgError.
func (b *Box) Run(ctx context.Context, j Job) (*Answer, error) {
	if j.SQL != "" {
		select {
		case b.slots <- struct{}{}:
			defer func() { <-b.slots }()
		default:
			return nil, ErrBusy
		}
	}
	// PostgreSQL stops the statement by itself. This is for what it does not
	// stop, such as waiting for us.
	ctx, cancel := context.WithTimeout(ctx, b.config.ConnectTimeout+2*j.Limit+time.Second)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, b.config)
	if err != nil {
		return nil, err
	}
	defer func() {
		ending, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		_ = conn.Close(ending) // whatever is open is rolled back
	}()
	conn.PgConn().Frontend().SetMaxBodyLen(messageLimit)
	mine := &run{conn: conn.PgConn(), cancel: cancel}
	if err := b.begin(j.ID, mine); err != nil {
		return nil, err
	}
	answer, err := b.transact(ctx, conn, j)
	b.end(j.ID)
	var pg *pgconn.PgError
	switch {
	case err == nil:
	case mine.asked:
		return nil, ErrCancelled
	case errors.As(err, &pg) && pg.Code == "57014", errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, ErrTooLong
	}
	return answer, err
}

func (b *Box) begin(id string, r *run) error {
	if id == "" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running[id] != nil {
		return ErrBusy
	}
	b.running[id] = r
	return nil
}

func (b *Box) end(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.running, id)
}

// Cancel stops a statement in PostgreSQL. It returns false where none of that
// name is running.
func (b *Box) Cancel(ctx context.Context, id string) bool {
	b.mu.Lock()
	r := b.running[id]
	if r != nil {
		r.asked = true
	}
	b.mu.Unlock()
	if r == nil {
		return false
	}
	if err := r.conn.CancelRequest(ctx); err != nil {
		r.cancel() // PostgreSQL is told by the end of the connection
	}
	return true
}

func (b *Box) transact(ctx context.Context, conn *pgx.Conn, j Job) (*Answer, error) {
	o := pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead}
	if j.Write {
		o = pgx.TxOptions{AccessMode: pgx.ReadWrite}
	}
	begun, err := conn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	tx := &Tx{tx: begun}
	path, err := tx.Query(ctx, "SELECT pg_catalog.current_setting('search_path')")
	if err != nil {
		return nil, err
	}
	if err := tx.settle(ctx, "", Limits{Statement: j.Limit, Lock: min(j.Limit, 2*time.Second)}); err != nil {
		return nil, err
	}
	if err := j.Before(tx); err != nil || j.SQL == "" {
		return nil, err
	}
	// Names are found as in any session of this user.
	if _, err := tx.Query(ctx, "SELECT pg_catalog.set_config('search_path', $1, true)", path[0][0]); err != nil {
		return nil, err
	}
	answer, err := b.statement(ctx, conn, tx, j)
	if err != nil || !j.Write {
		return answer, err
	}
	if err := begun.Commit(ctx); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return answer, nil
}

func (b *Box) statement(ctx context.Context, conn *pgx.Conn, tx *Tx, j Job) (*Answer, error) {
	begun := time.Now()
	description, err := conn.PgConn().Prepare(ctx, held, j.SQL, nil)
	if err != nil {
		return nil, err
	}
	if len(description.ParamOIDs) > 0 {
		return nil, ErrParameters
	}
	fields := make([]Field, len(description.Fields))
	for i, f := range description.Fields {
		fields[i] = Field{Name: f.Name, Type: f.DataTypeOID}
	}
	if err := j.Described(tx, fields); err != nil {
		return nil, err
	}
	reader := conn.PgConn().ExecPrepared(ctx, held, nil, nil, nil)
	answer, size := &Answer{}, 0
	for reader.NextRow() {
		if len(answer.Rows) >= j.Rows || size > answerLimit {
			answer.More = true
			if !j.Write {
				answer.Took = time.Since(begun)
				_ = conn.PgConn().CancelRequest(ctx) // the connection ends with it
				return answer, nil
			}
			continue // what was written stays whole
		}
		row := make([]*Value, 0, len(fields))
		for _, raw := range reader.Values() {
			row = append(row, keep(raw))
			size += min(len(raw), valueLimit) + cellCost
		}
		answer.Rows = append(answer.Rows, row)
	}
	tag, err := reader.Close()
	answer.Tag, answer.Took = tag.String(), time.Since(begun)
	return answer, err
}

func keep(raw []byte) *Value {
	if raw == nil {
		return nil
	}
	return &Value{Text: strings.ToValidUTF8(string(raw[:min(len(raw), valueLimit)]), ""), Bytes: int64(len(raw))}
}
