package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgserver"
	"github.com/af-auth/af-auth/internal/postgres"
)

// start starts the server and brings every database and folder to where the
// measurements begin.
func (m *migrations) start(ctx context.Context) error {
	if err := m.cluster.start(ctx); err != nil {
		return err
	}
	err := m.prepare(ctx)
	if err != nil {
		m.shut()
	}
	return err
}

func (m *migrations) prepare(ctx context.Context) error {
	// Debian's own psql is a wrapper in Perl, which would flatter us.
	programs, err := pgserver.Find()
	if err != nil {
		return err
	}
	m.psql, m.pgDump = programs.Path("psql"), programs.Path("pg_dump")
	if m.files, err = migrate.Load(postgres.Migrations()); err != nil {
		return err
	}
	if err := m.folders(); err != nil {
		return err
	}
	for _, program := range []*string{&m.program, &m.goose} {
		if *program, err = filepath.Abs(*program); err != nil {
			return err
		}
	}
	for _, name := range []string{"own", "goose", "large"} {
		if err := m.create(ctx, name); err != nil {
			return err
		}
	}
	err = m.with(ctx, "own", func(conn *pgx.Conn) error {
		_, err := migrate.Deploy(ctx, conn, m.files, migrate.Options{Actor: "bench", Shape: diff.Shape, Stamp: catalog.Stamp})
		return err
	})
	if err != nil {
		return err
	}
	if err := m.command(m.goose, "-dir", m.ownGoose, "postgres", m.url("goose"), "up")(ctx); err != nil && !errors.Is(err, errLeftOut) {
		return err
	}
	return m.with(ctx, "large", func(conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, largeSchema(tables)).ReadAll()
		if err == nil {
			_, err = conn.Exec(ctx, "VACUUM ANALYZE")
		}
		return err
	})
}

// folders writes the files of each tool.
func (m *migrations) folders() error {
	m.ownGoose, m.many, m.manyG = filepath.Join(m.folder, "own-goose"), filepath.Join(m.folder, "many"), filepath.Join(m.folder, "many-goose")
	write := func(dir, name, text string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	for _, dir := range []string{m.ownGoose, m.many, m.manyG} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	var all []error
	for _, f := range m.files {
		text := "-- +goose Up\n-- +goose StatementBegin\n" + f.Up + "\n-- +goose StatementEnd\n"
		if f.Outside { // statement by statement, as it has to be
			text = "-- +goose NO TRANSACTION\n-- +goose Up\n" + f.Up
		}
		all = append(all, write(m.ownGoose, f.Version+"_"+f.Name+".sql", text))
	}
	for i := range small {
		name := fmt.Sprintf("20260101%06d_m", i/60*100+i%60)
		sql := fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, name text NOT NULL);\n", i)
		all = append(all, write(m.many, name+".up.sql", fmt.Sprintf("-- schema: 1.%d.0\n-- kind: expand\n", i)+sql),
			write(m.many, name+".down.sql", fmt.Sprintf("DROP TABLE t%d;\n", i)),
			write(m.manyG, name+".sql", "-- +goose Up\n"+sql))
	}
	return errors.Join(all...)
}

// url is the address of a database; "" before there is a server.
func (m *migrations) url(database string) string {
	if m.server == nil {
		return ""
	}
	return m.server.URL(database)
}

// with runs fn on a new connection, which it pays for.
func (m *migrations) with(ctx context.Context, database string, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, m.url(database))
	if err != nil {
		return err
	}
	return errors.Join(fn(conn), conn.Close(ctx))
}

func (m *migrations) create(ctx context.Context, name string) error {
	return m.with(ctx, "postgres", func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		return err
	})
}

// database makes an empty database. What its making left to do on the disk is
// done before it is handed over.
func (m *migrations) database(ctx context.Context) (url string, err error) {
	m.made++
	name := fmt.Sprintf("empty%d", m.made)
	if err := m.create(ctx, name); err != nil {
		return "", err
	}
	return m.url(name), m.with(ctx, "postgres", func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CHECKPOINT")
		return err
	})
}

// command runs a program. af-auth finds its database in the environment.
func (m *migrations) command(program string, args ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) {
			return errLeftOut
		}
		cmd := exec.CommandContext(ctx, program, args...) // #nosec G204 -- the programs that are measured
		cmd.Dir = m.folder
		cmd.Env = append(os.Environ(), "DATABASE_URL="+m.url("own"))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, strings.TrimSpace(out.String()))
		}
		return nil
	}
}

// three is a bare connection with three queries.
func (m *migrations) three(ctx context.Context) error {
	return m.with(ctx, "own", func(conn *pgx.Conn) error {
		for i := range 3 {
			var got int
			if err := conn.QueryRow(ctx, "SELECT $1::int", pgx.QueryExecModeExec, i).Scan(&got); err != nil {
				return err
			}
		}
		return nil
	})
}

// shape is the command line's way to look at a schema, or none.
func (m *migrations) shape(wanted bool) migrate.Options {
	if wanted {
		return migrate.Options{Shape: diff.Shape, Stamp: catalog.Stamp}
	}
	return migrate.Options{}
}

// status asks what `af-auth db migrate status` asks of the migrations.
func (m *migrations) status(ctx context.Context, o migrate.Options) error {
	return m.with(ctx, "own", func(conn *pgx.Conn) error {
		st, err := migrate.Read(ctx, conn, m.files)
		if err != nil || o.Shape == nil {
			return err
		}
		drift, err := migrate.Drift(ctx, conn, st, o)
		if drift != nil {
			return drift
		}
		return err
	})
}

func (m *migrations) nothing(ctx context.Context, o migrate.Options) error {
	return m.with(ctx, "own", func(conn *pgx.Conn) error {
		_, err := migrate.Deploy(ctx, conn, m.files, o)
		return err
	})
}

// fingerprint reads and hashes the large schema.
func (m *migrations) fingerprint(ctx context.Context) error {
	return m.with(ctx, "large", func(conn *pgx.Conn) error {
		_, err := diff.Shape(ctx, conn, "public")
		return err
	})
}

// tables of the large schema.
const tables = 200

// largeSchema has n tables, each with ten columns, keys, a check, indexes,
// comments and a trigger.
func largeSchema(n int) string {
	var b strings.Builder
	b.WriteString("CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n")
	for i := range n {
		fmt.Fprintf(&b, `CREATE TABLE t%[1]d (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint REFERENCES t%[2]d, name text NOT NULL,
    email varchar(200) UNIQUE, state text NOT NULL DEFAULT 'new', score numeric(10, 2) DEFAULT 0 CHECK (score >= 0), tags text[],
    data jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON t%[1]d (parent); CREATE INDEX ON t%[1]d (lower(name)); CREATE INDEX ON t%[1]d (created_at, id) WHERE state = 'new';
COMMENT ON TABLE t%[1]d IS 'Table %[1]d'; COMMENT ON COLUMN t%[1]d.name IS 'Its name';
CREATE TRIGGER touch BEFORE UPDATE ON t%[1]d FOR EACH ROW EXECUTE FUNCTION touch();
`, i, max(0, i-1))
	}
	return b.String()
}
