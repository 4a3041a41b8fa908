package diff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Source is where a schema comes from.
type Source struct {
	name   string
	config *pgx.ConnConfig                        // of a database
	fill   func(context.Context, *pgx.Conn) error // or what fills an empty schema
}

// String names the source for a message.
func (s Source) String() string { return s.name }

// live reports whether the source is a database.
func (s Source) live() bool { return s.config != nil }

// Database is the schema of a database as it stands. It is only read. The role
// needs USAGE on the schema.
func Database(name string, config *pgx.ConnConfig) Source {
	return Source{name: name, config: config}
}

// Replay is the schema that fill makes in an empty one. fill gets a connection
// outside a transaction, whose search_path is that schema and pg_temp.
func Replay(name string, fill func(context.Context, *pgx.Conn) error) Source {
	return Source{name: name, fill: fill}
}

// Migrations is the schema that the files lead to.
func Migrations(name string, files []migrate.File) Source {
	return Replay(name, func(ctx context.Context, conn *pgx.Conn) error {
		if len(files) == 0 {
			return nil
		}
		_, err := migrate.Deploy(ctx, conn, files, migrate.Options{Actor: "shadow"})
		return err
	})
}

// Folder is the schema that the .sql files in the top folder of fsys make, run
// in the order of their names, each in a transaction of its own. Its error for
// a statement that fails is a [*FileError].
func Folder(name string, fsys fs.FS) Source {
	return Replay(name, func(ctx context.Context, conn *pgx.Conn) error {
		names, err := fs.Glob(fsys, "*.sql")
		if err != nil {
			return err
		}
		if len(names) == 0 {
			return errors.New("there are no .sql files")
		}
		slices.Sort(names)
		for _, n := range names {
			text, err := fs.ReadFile(fsys, n)
			if err != nil {
				return err
			}
			if err := runFile(ctx, conn, n, string(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

// runFile runs a text in one transaction. A file that ends it is not noticed
// before its end.
func runFile(ctx context.Context, conn *pgx.Conn, name, text string) error {
	if _, err := conn.PgConn().Exec(ctx, "BEGIN").ReadAll(); err != nil {
		return err
	}
	_, err := conn.PgConn().Exec(ctx, text).ReadAll()
	if err == nil {
		_, err = conn.PgConn().Exec(ctx, "COMMIT").ReadAll()
	}
	if err == nil {
		return nil
	}
	if !conn.IsClosed() {
		_, _ = conn.PgConn().Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll()
	}
	fe := &FileError{File: name, Err: err}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		fe.Line = line(text, int(pg.Position))
	}
	return fe
}

// line returns the line of a character, both from 1; 0 where it is not known.
func line(text string, position int) int {
	if position <= 0 {
		return 0
	}
	at, n := 0, 1
	for position--; position > 0 && at < len(text); position-- {
		if text[at] == '\n' {
			n++
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return n
}

// FileError is a file of a schema that the server refused.
type FileError struct {
	File string
	Line int // from 1; 0 where the server does not say
	Err  error
}

// Error begins with the file and line.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns the server's error.
func (e *FileError) Unwrap() error { return e.Err }

// Hint says how to go on.
func (e *FileError) Hint() string {
	return "mend the file; nothing was changed outside the shadow database"
}

// read reads a database.
func (s Source) read(ctx context.Context, o Options) (catalog.Catalog, error) {
	conn, err := pgx.ConnectConfig(ctx, s.config)
	if err != nil {
		return catalog.Catalog{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return catalog.Read(ctx, conn, o.schema(), o.exclude()...)
}

// code returns the server's code of an error, or "".
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// quote writes a name as SQL wants it.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// literal writes a text as SQL wants it; standard_conforming_strings is on in
// every migration.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
