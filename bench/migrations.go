package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/af-auth/af-auth/internal/migrate"
)

// errLeftOut says that a side's program is not there.
var errLeftOut = errors.New("left out")

// migrations is a server with a database for each tool, and folders of files for
// each of them.
type migrations struct {
	options
	cluster
	files    []migrate.File // af-auth's own
	psql     string
	pgDump   string
	ownGoose string // af-auth's own, as goose wants them
	many     string // many small ones
	manyG    string // as goose wants them
	made     int    // databases that were made
}

// small is how many small migrations meet an empty database.
const small = 500

func (m *migrations) timings() []timing {
	three := task{work: m.three}
	status := func(shape bool) task {
		return task{work: func(ctx context.Context) error { return m.status(ctx, m.shape(shape)) }}
	}
	nothing := func(shape bool) task {
		return task{work: func(ctx context.Context) error { return m.nothing(ctx, m.shape(shape)) }}
	}
	const bare = "a connection with three queries"
	list := []timing{
		{"status in process", "what `status` asks", bare, "≤ 1.50", 20, status(true), three},
		{"status in process, no shape", "the same without a look at the schema", bare, "≤ 1.50", 20, status(false), three},
		{"deploy in process", "`deploy` with nothing to do", bare, "≤ 1.50", 20, nothing(true), three},
		{"deploy in process, no shape", "the same without a look at the schema", bare, "≤ 1.50", 20, nothing(false), three},
	}
	psql := task{work: m.command(m.psql, m.url("own"), "-qAtc", "SELECT 1", "-c", "SELECT 2", "-c", "SELECT 3")}
	ours := func(args ...string) task {
		return task{work: m.command(m.program, append([]string{"db", "migrate"}, args...)...)}
	}
	goose := func(args ...string) task {
		return task{work: m.command(m.goose, append([]string{"-dir", m.ownGoose, "postgres", m.url("goose")}, args...)...)}
	}
	list = append(list,
		timing{"status as a process, psql", "`af-auth db migrate status`", "psql with three queries", "≤ 1.50", 10, ours("status"), psql},
		timing{"status as a process, goose", "`af-auth db migrate status`", "`goose status`", "", 10, ours("status"), goose("status")},
		timing{"deploy as a process, psql", "`af-auth db migrate deploy` with nothing to do", "psql with three queries", "≤ 1.50", 10, ours("deploy"), psql},
		timing{"deploy as a process, goose", "`af-auth db migrate deploy` with nothing to do", "`goose up` with nothing to do", "", 10, ours("deploy"), goose("up")},
	)
	list = append(list, timing{"fingerprint", fmt.Sprintf("fingerprint of %d tables, connection included", tables), "`pg_dump --schema-only`", "ours ≤ 100 ms", 5,
		task{work: m.fingerprint}, task{work: m.command(m.pgDump, "--schema-only", "--file", os.DevNull, m.url("large"))}})
	return append(list, m.fromEmpty()...)
}

// fromEmpty are the many small migrations, each time in a new database.
func (m *migrations) fromEmpty() []timing {
	fresh := func(work func(ctx context.Context, url string) error) task {
		var url string
		return task{
			before: func(ctx context.Context) (err error) { url, err = m.database(ctx); return err },
			work:   func(ctx context.Context) error { return work(ctx, url) },
		}
	}
	ours := fresh(func(ctx context.Context, url string) error {
		return m.command(m.program, "db", "migrate", "deploy", "--dir", m.many, "--url", url)(ctx)
	})
	goose := fresh(func(ctx context.Context, url string) error {
		return m.command(m.goose, "-dir", m.manyG, "postgres", url, "up")(ctx)
	})
	psql := fresh(func(ctx context.Context, url string) error {
		names, err := fs.Glob(os.DirFS(m.many), "*.up.sql")
		args := []string{"-qX", url}
		for _, n := range names {
			args = append(args, "-f", filepath.Join(m.many, n))
		}
		return errors.Join(err, m.command(m.psql, args...)(ctx))
	})
	what := fmt.Sprintf("%d small migrations from empty", small)
	return []timing{
		{"from empty, goose", what, "`goose up`", "≤ 1.00", 1, ours, goose},
		{"from empty, psql", what, "psql, a `-f` each", "", 1, ours, psql},
	}
}
