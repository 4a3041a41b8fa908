package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// ErrNoSchema says that the database has no schema of that name.
var ErrNoSchema = errors.New("there is no such schema")

// LockedError says that the schema is being changed by another session: to write
// a view or a default PostgreSQL needs the lightest lock on its table.
type LockedError struct{ Err error }

// Error says so.
func (e *LockedError) Error() string {
	return "read the schema: it is being changed: " + e.Err.Error()
}

// Unwrap returns the server's error, SQLSTATE 55P03 of a lock, or XX000 where what
// was to be described was gone each time.
func (e *LockedError) Unwrap() error { return e.Err }

// Hint says how to go on.
func (e *LockedError) Hint() string {
	return "another session is changing a table; try again when it is done"
}

// RightsError says that a role may not use the schema. PostgreSQL would then
// write the names in it differently.
type RightsError struct{ Schema, Role string } // the role is quoted

// Error names both.
func (e *RightsError) Error() string {
	return fmt.Sprintf("read the schema: the role %s may not use the schema %q", e.Role, e.Schema)
}

// Hint says how to go on.
func (e *RightsError) Hint() string {
	return "as its owner: GRANT USAGE ON SCHEMA " + pgx.Identifier{e.Schema}.Sanitize() + " TO " + e.Role
}

// lockWait is how long reading waits for a session that changes a table.
const lockWait = 2 * time.Second

// SQLSTATE codes, from the appendix "PostgreSQL Error Codes".
const (
	lockNotAvailable = "55P03"
	internalError    = "XX000"
)

// patience is how long a schema is read again that changes meanwhile. It is a
// time and not a number: how many tries one needs depends on how busy the server
// is.
const patience = 10 * time.Second

// Read reads a schema, in one round trip. exclude are names, as they are, of
// relations to leave out with all that is part of them, and of extensions.
//
// Outside a transaction it reads a single snapshot. Inside one it sees what that
// transaction has done, and leaves the transaction and its settings as they
// were; after an error the transaction is failed. The role needs USAGE on the
// schema, and no right on anything in it.
//
// Errors: [ErrNoSchema]; [*RightsError]; [*LockedError] after two seconds of a
// lock, or ten of changes.
func Read(ctx context.Context, conn *pgx.Conn, schema string, exclude ...string) (Catalog, error) {
	r := reader{conn: conn, schema: schema, exclude: arrayLiteral(exclude), nested: conn.PgConn().TxStatus() != 'I'}
	err := r.read(ctx)
	// The functions that write a definition look at the catalogue of this
	// moment, not at the snapshot, and fail for what was dropped since.
	for begun := time.Now(); code(err) == internalError && !r.nested && time.Since(begun) < patience; {
		err = r.read(ctx)
	}
	switch {
	case code(err) == lockNotAvailable, code(err) == internalError && !r.nested:
		return Catalog{}, &LockedError{Err: err}
	case err != nil:
		return Catalog{}, fmt.Errorf("read the schema: %w", err)
	}
	slices.SortFunc(r.objects, order)
	if len(r.objects) == 0 || r.objects[0].Kind != Schema {
		return Catalog{}, fmt.Errorf("%w: %q", ErrNoSchema, schema)
	}
	if role, ok := r.objects[0].Get(noUsage); ok {
		return Catalog{}, &RightsError{Schema: schema, Role: role}
	}
	return Catalog{Schema: schema, Objects: r.objects}, nil
}

// noUsage is set on a schema that the role may not use.
const noUsage = "no usage"

// code returns the server's code of an error, or "".
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

type reader struct {
	conn    *pgx.Conn
	schema  string
	exclude string
	nested  bool // inside a transaction of the caller
	objects []Object
}

// settings shape the text of constants, or make the server quote more than it
// must. pg_temp is named last, or a temporary table would hide one of ours.
var settings = []string{
	"SET LOCAL TimeZone TO 'UTC'", "SET LOCAL DateStyle TO 'ISO, YMD'", "SET LOCAL IntervalStyle TO 'postgres'",
	"SET LOCAL bytea_output TO 'hex'", "SET LOCAL extra_float_digits TO 1", "SET LOCAL quote_all_identifiers TO off",
	"SET LOCAL lc_monetary TO 'C'", "SET LOCAL xmlbinary TO 'base64'",
	// A plan for a handful of rows of the catalogue is not worth compiling.
	"SET LOCAL jit TO off",
}

// safePath is where queries are parsed.
const safePath = "SET LOCAL search_path TO pg_catalog, pg_temp"

// read sends everything in one pipeline, and gathers the answers.
func (r *reader) read(ctx context.Context) error {
	r.objects = nil
	begin, end := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", []string{"ROLLBACK"}
	if r.nested {
		begin, end = "SAVEPOINT af_auth_catalog", []string{"ROLLBACK TO SAVEPOINT af_auth_catalog", "RELEASE SAVEPOINT af_auth_catalog"}
	}
	batch := &pgconn.Batch{}
	exec := func(sql string) { batch.ExecParams(sql, nil, nil, nil, nil) }
	exec(begin)
	exec("SET LOCAL lock_timeout TO " + strconv.FormatInt(lockWait.Milliseconds(), 10))
	for _, s := range settings {
		exec(s)
	}
	path := pgx.Identifier{r.schema}.Sanitize() + ", pg_temp"
	params := [][]byte{[]byte(r.schema), []byte(r.exclude), []byte(path)}
	types := []uint32{pgtype.NameOID, pgtype.TextArrayOID, pgtype.TextOID}
	for _, q := range queries() {
		exec(safePath)
		batch.ExecParams(q, params, types, nil, nil)
	}
	for _, s := range end {
		exec(s)
	}
	results := r.conn.PgConn().ExecBatch(ctx, batch)
	var err error
	for err == nil && results.NextResult() {
		err = r.result(results.ResultReader())
	}
	if closing := results.Close(); closing != nil {
		err = closing
	}
	if err != nil && !r.nested {
		r.rollback(ctx)
	}
	return err
}

// rollback ends the transaction that read began. The context may be over.
func (r *reader) rollback(ctx context.Context) {
	if r.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockWait)
	defer cancel()
	_, _ = r.conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll() // the end of the connection does the same
}

// result gathers the objects of one query. A statement that gives no rows has
// no columns.
func (r *reader) result(rows *pgconn.ResultReader) error {
	fields := rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	for rows.NextRow() {
		o, err := object(names, rows.Values())
		if err != nil {
			return err
		}
		r.objects = append(r.objects, o)
	}
	_, err := rows.Close()
	return err
}

// object makes one of a row.
func object(names []string, values [][]byte) (Object, error) {
	var o Object
	var err error
	for i, raw := range values {
		if len(raw) == 0 {
			continue
		}
		value := string(raw)
		switch {
		case names[i] == "kind":
			o.Kind = Kind(value)
		case names[i] == "of":
			o.Of = value
		case names[i] == "name":
			o.Name = value
		case names[i] == "owner":
			o.Owner = value
		case names[i] == "position":
			o.Position, err = strconv.Atoi(value)
		case names[i] == "grants":
			o.Grants, err = grants(raw)
		default:
			o.Attributes = append(o.Attributes, Attribute{names[i], value})
		}
		if err != nil {
			return Object{}, fmt.Errorf("%s of %s %s: %w", names[i], o.Kind, o.Path(), err)
		}
	}
	return o, nil
}

// grants reads a list of rights, and sorts it: their order is the order in which
// they were granted.
func grants(raw []byte) ([]Grant, error) {
	var list []struct {
		Privilege, Role, By string
		Option              bool
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	out := make([]Grant, len(list))
	for i, g := range list {
		out[i] = Grant{Privilege: g.Privilege, Role: g.Role, Option: g.Option, By: g.By}
	}
	slices.SortFunc(out, func(a, b Grant) int {
		return cmp.Or(strings.Compare(a.Role, b.Role), strings.Compare(a.Privilege, b.Privilege), strings.Compare(a.By, b.By))
	})
	return out, nil
}

// arrayLiteral writes names as PostgreSQL reads an array.
func arrayLiteral(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(n) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}
