package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// conditionWait is how long a look at the database waits for a free
	// connection. Whoever waits longer has company.
	conditionWait = time.Second
	// probeWithin bounds the connection that is opened where none is free.
	probeWithin = 900 * time.Millisecond
)

// Condition is how the database stands to this server at one moment.
type Condition struct {
	// Err says why the database does not answer; nil where it does.
	Err error
	// Busy is how many connections there are, where all are in use and requests
	// wait in vain although the database answers; else 0.
	Busy int
}

// Condition asks the database for an answer: on a connection of the pool, or
// where none is free, on one of its own. So a pool that is merely busy is told
// apart from a database that has stopped, whose connections are all in use too.
func (db *DB) Condition(ctx context.Context) Condition {
	_, err := patient{pool: db.pool, wait: conditionWait}.Exec(ctx, "SELECT 1")
	var full *fullError
	if !errors.As(err, &full) {
		return Condition{Err: fault(err, "asking the database")}
	}
	if err := db.dialer.probe(ctx); err != nil {
		return Condition{Err: err}
	}
	return Condition{Busy: full.connections}
}

// probe opens one connection, asks it for an answer, and closes it.
func (d Dialer) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	d.Timeout = probeWithin
	config, err := d.config()
	if err != nil {
		return err
	}
	conn, err := d.try(ctx, config)
	if err != nil {
		return explain(err, d.target())
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	_, err = conn.Exec(ctx, "SELECT 1")
	return fault(err, "asking the database")
}

// Missing names what this release's schema has and the database has not:
// "the table events", "the column users.login". It looks where the queries look,
// along the search_path.
func (db *DB) Missing(ctx context.Context) ([]string, error) {
	wanted, err := columns(Schema())
	if err != nil {
		return nil, err
	}
	var tables, names []string
	for _, c := range wanted {
		tables, names = append(tables, c.table), append(names, c.name)
	}
	const sql = `SELECT w.tab, CASE WHEN there.oid IS NULL THEN '' ELSE w.col END
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (tab, col, n),
    LATERAL (SELECT to_regclass(quote_ident(w.tab))::oid AS oid) AS there
WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = there.oid AND a.attname = w.col AND NOT a.attisdropped)
ORDER BY w.n`
	rows, err := patient{pool: db.pool, wait: db.wait}.Query(ctx, sql, tables, names)
	if err != nil {
		return nil, fault(err, "looking for the tables")
	}
	var missing []string
	var c column
	_, err = pgx.ForEachRow(rows, []any{&c.table, &c.name}, func() error {
		if what := c.String(); len(missing) == 0 || missing[len(missing)-1] != what {
			missing = append(missing, what)
		}
		return nil
	})
	return missing, fault(err, "looking for the tables")
}

// column is a column of the wanted schema, or a whole table where name is empty.
type column struct{ table, name string }

func (c column) String() string {
	if c.name == "" {
		return "the table " + c.table
	}
	return "the column " + c.table + "." + c.name
}

// columns reads the tables out of the description of the wanted schema, in which
// each column stands on a line of its own. A test compares the outcome with what
// PostgreSQL makes of it.
func columns(schema fs.FS) ([]column, error) {
	files, err := fs.Glob(schema, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("reading the wanted schema: %w", err)
	}
	var out []column
	for _, file := range files {
		text, err := fs.ReadFile(schema, file)
		if err != nil {
			return nil, fmt.Errorf("reading the wanted schema: %w", err)
		}
		table := ""
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(line, "CREATE "), "UNLOGGED "))
			switch {
			case len(words) > 2 && words[0] == "TABLE":
				table = words[1]
			case len(words) == 0, words[0] == "--", words[0] == "CONSTRAINT", table == "":
			case strings.HasPrefix(words[0], ")"):
				table = ""
			default:
				out = append(out, column{table, words[0]})
			}
		}
	}
	return out, nil
}
