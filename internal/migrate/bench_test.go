package migrate_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// many makes n small migrations.
func many(b *testing.B, n int) []migrate.File {
	b.Helper()
	var pairs []string
	for i := range n {
		name := fmt.Sprintf("20260101%06d_m", i/60*100+i%60)
		pairs = append(pairs, name+".up.sql", fmt.Sprintf("-- schema: 1.%d.0\n-- kind: expand\nCREATE TABLE t%d (id bigint PRIMARY KEY, name text NOT NULL);", i, i),
			name+".down.sql", fmt.Sprintf("DROP TABLE t%d", i))
	}
	files, err := migrate.Load(folder(pairs...))
	if err != nil {
		b.Fatal(err)
	}
	return files
}

// with runs fn on a new connection, which it pays for.
func with(b *testing.B, url string, fn func(*pgx.Conn) error) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	if err := fn(conn); err != nil {
		b.Fatal(err)
	}
	if err := conn.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkNothingToDo is a deployment that finds everything applied, beside a
// bare connection with three queries. Both begin with the connection.
func BenchmarkNothingToDo(b *testing.B) {
	for _, n := range []int{10, 500} {
		url := pgtest.Empty(b)
		files := many(b, n)
		deploy := func(conn *pgx.Conn) error {
			_, err := migrate.Deploy(b.Context(), conn, files, migrate.Options{})
			return err
		}
		with(b, url, deploy)
		b.Run(fmt.Sprintf("deploy of %d files", n), func(b *testing.B) {
			for b.Loop() {
				with(b, url, deploy)
			}
		})
		b.Run("three queries", func(b *testing.B) {
			for b.Loop() {
				with(b, url, func(conn *pgx.Conn) error {
					for i := range 3 {
						var got int
						if err := conn.QueryRow(b.Context(), "SELECT $1::int", pgx.QueryExecModeExec, i).Scan(&got); err != nil {
							return err
						}
					}
					return nil
				})
			}
		})
	}
}

// BenchmarkFromEmpty applies 500 small migrations to an empty database.
func BenchmarkFromEmpty(b *testing.B) {
	files := many(b, 500)
	for b.Loop() {
		b.StopTimer()
		url := pgtest.Empty(b)
		b.StartTimer()
		with(b, url, func(conn *pgx.Conn) error {
			_, err := migrate.Deploy(b.Context(), conn, files, migrate.Options{})
			return err
		})
	}
}
