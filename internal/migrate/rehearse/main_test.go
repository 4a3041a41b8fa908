package rehearse_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/rehearse"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// load makes files from pairs of up and down. An empty down is none.
func load(t *testing.T, pairs ...string) []migrate.File {
	t.Helper()
	folder := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		name := "2026010100000" + string(rune('0'+i/2)) + "_f"
		folder[name+".up.sql"] = &fstest.MapFile{Data: []byte(pairs[i])}
		if pairs[i+1] != "" {
			folder[name+".down.sql"] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
	}
	files, err := migrate.Rules{HeaderOptional: true, DownOptional: true}.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// elsewhere is a database of the tests' server, which can be looked at afterwards.
func elsewhere(t *testing.T, o *rehearse.Options) (url string) {
	t.Helper()
	url = pgtest.Empty(t)
	o.Open = func(context.Context) (rehearse.Server, error) {
		return rehearse.Server{URL: url, Close: func(context.Context) error { return nil }}, nil
	}
	return url
}

// rehearsal runs on a database of the tests' server; the first file is applied.
func rehearsal(t *testing.T, o rehearse.Options) rehearse.Report {
	t.Helper()
	if o.Open == nil {
		elsewhere(t, &o)
	}
	if o.Applied == "" {
		o.Applied = o.Files[0].Version
	}
	report, err := rehearse.Run(t.Context(), o)
	if err != nil {
		t.Fatalf("%v (hint: %s)", err, hint(err))
	}
	return report
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func exec(t *testing.T, url, sql string) {
	t.Helper()
	conn := connect(t, url)
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func one[T any](t *testing.T, url, sql string) (v T) {
	t.Helper()
	conn := connect(t, url)
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// writing is a load that inserts into a table.
func writing(sql string) *rehearse.Load {
	return &rehearse.Load{Name: "inserts", Clients: 2, Rate: 200, Open: func(ctx context.Context, url string) (func(context.Context) error, func(), error) {
		conns := make(chan *pgx.Conn, 2)
		for range cap(conns) {
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				return nil, nil, err
			}
			conns <- conn
		}
		operate := func(ctx context.Context) error {
			conn := <-conns
			defer func() { conns <- conn }()
			_, err := conn.Exec(ctx, sql)
			return err
		}
		return operate, func() {
			for range cap(conns) {
				_ = (<-conns).Close(context.Background())
			}
		}, nil
	}}
}

// lockOn finds the lock on a relation.
func lockOn(f rehearse.FileReport, relation string) rehearse.Lock {
	for _, l := range f.Locks {
		if l.Relation == relation {
			return l
		}
	}
	return rehearse.Lock{}
}

func contains(lines []string, part string) bool {
	return strings.Contains(strings.Join(lines, "\n"), part)
}

const quick = 100 * time.Millisecond
