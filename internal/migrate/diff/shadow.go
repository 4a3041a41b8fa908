package diff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Shadow opens the scratch database: empty, and of nobody else's use. close is
// called when the work is done. The role must own the database or its schema;
// it needs no right to create databases.
type Shadow func(ctx context.Context) (config *pgx.ConnConfig, close func(context.Context) error, err error)

// At is the shadow at an address that was handed in. It is refused where it
// holds anything, and is empty again after use.
func At(config *pgx.ConnConfig) Shadow {
	return func(context.Context) (*pgx.ConnConfig, func(context.Context) error, error) {
		return config, func(context.Context) error { return nil }, nil
	}
}

// ShadowError says that the shadow database cannot be used. It was not changed.
type ShadowError struct {
	Database string
	Reason   string
	hint     string
}

// Error says why.
func (e *ShadowError) Error() string {
	return fmt.Sprintf("the shadow database %q cannot be used: %s", e.Database, e.Reason)
}

// Hint says how to go on.
func (e *ShadowError) Hint() string { return e.hint }

const (
	// shadowMark is a table that stands in the schema while the shadow is in use.
	// It tells people what a run that was killed has left. Nothing is dropped for
	// its sake: somebody may have begun to use that database.
	shadowMark = "af_auth_shadow"
	// shadowLock is the key of an advisory lock: the letters "afshadow".
	shadowLock = 0x6166736861646f77
	// shadowPatience bounds what is done after the context is over.
	shadowPatience = 30 * time.Second
)

// SQLSTATE codes, from the appendix "PostgreSQL Error Codes".
const (
	unsafeEnumValue = "55P04"
	notSupported    = "0A000"
)

// shadow is the scratch database in use.
type shadow struct {
	conn    *pgx.Conn
	config  *pgx.ConnConfig
	options Options
	keep    []string // schemas and extensions that were there
	empty   catalog.Catalog
}

// withShadow opens the shadow, and leaves it as it was.
func withShadow(ctx context.Context, o Options, work func(*shadow) error) (err error) {
	if o.Shadow == nil {
		return errors.New("no shadow database was given, and files need one")
	}
	config, closing, err := o.Shadow(ctx)
	if err != nil {
		return fmt.Errorf("open the shadow database: %w", err)
	}
	after := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.WithoutCancel(ctx), shadowPatience)
	}
	defer func() {
		late, cancel := after()
		defer cancel()
		err = errors.Join(err, closing(late))
	}()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("open the shadow database: %w", err)
	}
	defer func() {
		late, cancel := after()
		defer cancel()
		_ = conn.Close(late)
	}()
	s := &shadow{conn: conn, config: config, options: o}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer func() {
		late, cancel := after()
		defer cancel()
		err = errors.Join(err, s.end(late))
	}()
	return work(s)
}

// begin takes the shadow, if it is empty.
func (s *shadow) begin(ctx context.Context) error {
	refuse := func(reason, hint string) error {
		return &ShadowError{Database: s.config.Database, Reason: reason, hint: hint}
	}
	var locked bool
	if err := s.conn.QueryRow(ctx, "SELECT pg_catalog.pg_try_advisory_lock($1)", shadowLock).Scan(&locked); err != nil {
		return fmt.Errorf("lock the shadow database: %w", err)
	}
	if !locked {
		return refuse("another run is using it", "wait for that run, or hand over another empty database")
	}
	left, err := s.occupied(ctx)
	if err != nil {
		return err
	}
	if left != "" {
		return refuse("it is not empty: it has "+left, "hand over an empty database; this one was not touched. "+
			"Where there is a table "+shadowMark+", an earlier run was killed: drop that database and make it anew")
	}
	if err := s.mark(ctx); err != nil {
		return refuse(err.Error(), "its role must be able to create tables there; a role that owns the database can")
	}
	s.empty, err = s.read(ctx)
	return err
}

// mark notes what is there, and makes the mark.
func (s *shadow) mark(ctx context.Context) error {
	err := s.conn.QueryRow(ctx, `SELECT pg_catalog.array_agg(x.name) FROM (
    SELECT nspname::text FROM pg_catalog.pg_namespace
    UNION ALL SELECT 'extension ' || pg_catalog.quote_ident(extname) FROM pg_catalog.pg_extension) x (name)`).Scan(&s.keep)
	if err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	name := quote(s.options.schema())
	_, err = s.conn.PgConn().Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+name+"; CREATE TABLE "+name+"."+shadowMark+" ()").ReadAll()
	return err
}

// settle undoes what files may have done to the session.
func (s *shadow) settle(ctx context.Context) error {
	_, err := s.conn.PgConn().Exec(ctx, "ROLLBACK; RESET SESSION AUTHORIZATION; RESET ALL; DISCARD TEMP; "+
		"SET client_min_messages TO warning; SET lock_timeout TO '5s'; SET statement_timeout TO 0; "+
		"SET standard_conforming_strings TO on; SET search_path TO "+quote(s.options.schema())+", pg_temp").ReadAll()
	return err
}

// occupied names something that the shadow holds, or "". Members of extensions
// do not count.
func (s *shadow) occupied(ctx context.Context) (string, error) {
	var name string
	err := s.conn.QueryRow(ctx, `SELECT pg_catalog.format('%I.%I', n.nspname, x.name)
FROM (SELECT relnamespace, relname, oid, 'pg_catalog.pg_class'::pg_catalog.regclass FROM pg_catalog.pg_class
    UNION ALL SELECT pronamespace, proname, oid, 'pg_catalog.pg_proc'::pg_catalog.regclass FROM pg_catalog.pg_proc) x (space, name, oid, class)
    JOIN pg_catalog.pg_namespace n ON n.oid = x.space
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = x.class AND d.objid = x.oid AND d.deptype = 'e')
ORDER BY 1 LIMIT 1`).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the shadow database: %w", err)
	}
	return name, nil
}

// end empties the shadow and takes the mark away. Where the work was stopped,
// its connection is gone, and the server may need a moment to notice.
func (s *shadow) end(ctx context.Context) error {
	if s.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, s.config)
		if err != nil {
			return fmt.Errorf("empty the shadow database: %w", err)
		}
		defer func() { _ = conn.Close(ctx) }()
		s.conn = conn
		if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_advisory_lock($1)", shadowLock); err != nil {
			return fmt.Errorf("empty the shadow database: %w", err)
		}
	}
	if err := s.wipe(ctx); err != nil {
		return err
	}
	// The lock is given back in so many words: the server may take a while to
	// notice that a connection was closed.
	_, err := s.conn.PgConn().Exec(ctx, fmt.Sprintf("DROP TABLE %s.%s; SELECT pg_catalog.pg_advisory_unlock(%d)",
		quote(s.options.schema()), shadowMark, shadowLock)).ReadAll()
	if err != nil {
		return fmt.Errorf("empty the shadow database: %w", err)
	}
	return nil
}

func (s *shadow) read(ctx context.Context) (catalog.Catalog, error) {
	return catalog.Read(ctx, s.conn, s.options.schema(), s.options.exclude()...)
}

// wipe drops everything in the schema but the mark, one by one: whoever owns
// the database may not own the schema public, and could not drop that.
func (s *shadow) wipe(ctx context.Context) error {
	err := s.settle(ctx)
	var all catalog.Catalog
	if err == nil {
		all, err = catalog.Read(ctx, s.conn, s.options.schema(), shadowMark)
	}
	var around []string
	if err == nil {
		around, err = s.around(ctx)
	}
	for _, o := range all.Objects {
		ofItself := o.Of == "" && o.Kind != catalog.Schema && o.Kind != catalog.DefaultRights && o.Value(catalog.Identity) == ""
		if ofItself && !slices.Contains(s.keep, "extension "+o.Name) {
			around = append(around, "DROP "+word(o.Kind)+" IF EXISTS "+o.Name+" CASCADE")
		}
	}
	if err == nil {
		_, err = s.conn.PgConn().Exec(ctx, strings.Join(around, ";\n")).ReadAll()
	}
	if err == nil {
		// Rights on the schema, its comment, default privileges.
		b := builder{conn: s.conn, schema: s.options.schema(), want: s.empty, read: s.read, parts: parts()}
		err = b.run(ctx)
	}
	if err != nil {
		return fmt.Errorf("empty the shadow database: %w", err)
	}
	return nil
}

// around returns the statements that drop the schemas which files made beside
// ours.
func (s *shadow) around(ctx context.Context) ([]string, error) {
	rows, err := s.conn.Query(ctx, `SELECT 'DROP SCHEMA IF EXISTS ' || pg_catalog.quote_ident(nspname) || ' CASCADE'
FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname::text <> ALL ($1::text[]) AND nspname::text <> $2`,
		s.keep, s.options.schema())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// materialise brings the empty shadow to the schema of a source, and reads it.
func (s *shadow) materialise(ctx context.Context, src Source) (catalog.Catalog, error) {
	if src.live() {
		return s.reproduce(ctx, src)
	}
	err := src.fill(ctx, s.conn)
	if err == nil && s.conn.PgConn().TxStatus() != 'I' {
		err = errors.New("a transaction was begun and not ended")
	}
	if err == nil {
		err = s.settle(ctx)
	}
	if err != nil {
		return catalog.Catalog{}, fmt.Errorf("%s: %w", src, err)
	}
	return s.read(ctx)
}

// reproduce makes on the shadow what a database holds.
func (s *shadow) reproduce(ctx context.Context, src Source) (catalog.Catalog, error) {
	want, err := src.read(ctx, s.options)
	if err != nil {
		return catalog.Catalog{}, fmt.Errorf("%s: %w", src, err)
	}
	if err := s.make(ctx, want); err != nil {
		return catalog.Catalog{}, fmt.Errorf("make the schema of %s on the shadow database: %w", src, err)
	}
	return s.read(ctx)
}

// make makes in the empty schema what a catalogue holds.
func (s *shadow) make(ctx context.Context, want catalog.Catalog) error {
	for _, o := range want.Objects {
		if o.Kind == catalog.Extension && !slices.Contains(s.keep, "extension "+o.Name) {
			// A tool's extension may not be installed here, and is not missed. One
			// that is needed is, by the first statement that needs it.
			_, _ = s.conn.PgConn().Exec(ctx, createExtension(o)).ReadAll()
		}
	}
	b := builder{conn: s.conn, schema: s.options.schema(), want: strip(want, s.options.Roles), parts: []catalog.Part{catalog.Grants}, read: s.stripped}
	return b.run(ctx)
}
