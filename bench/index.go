package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/postgres"
)

const (
	indexName = "index"
	// pace is how many people sign in each second meanwhile: much for one af-auth,
	// little enough to leave the server room, as in a service that is not at its
	// limit already.
	pace = 100
	// quiet is how long sign-ins are measured without the migration.
	quiet = 5 * time.Second
)

// runIndex measures sign-ins without and with a migration that builds an index
// CONCURRENTLY on the table that they write to. It reports whether it was asked
// for.
func runIndex(ctx context.Context, o options) (bool, error) {
	if !o.wants(indexName) {
		return false, nil
	}
	people := cmp.Or(o.rows, 1_000_000)
	w, files, err := newIndexed(ctx, people)
	if err != nil {
		return true, err
	}
	defer w.close()
	fmt.Printf("\nAn index under load (load of the machine before: %s)\n\n", load())
	head("round", "sign-ins quiet", "p50", "p99", "index took", "sign-ins meanwhile", "p50", "p99", "refused", "ratio of p99")
	var ratios []float64
	for round := range turns {
		calm := w.signInsFor(ctx, quiet)
		var took time.Duration
		busy := w.signInsWhile(ctx, func() error {
			begun := time.Now()
			err := w.migrate(ctx, files)
			took = time.Since(begun)
			return err
		})
		if err := w.back(ctx, files); err != nil || busy.err != nil {
			return true, fmt.Errorf("round %d: %w, %w", round+1, err, busy.err)
		}
		ratio := busy.at(0.99).Seconds() / calm.at(0.99).Seconds()
		ratios = append(ratios, ratio)
		line(fmt.Sprint(round+1), fmt.Sprint(len(calm.times)), long(calm.at(0.5)), long(calm.at(0.99)), took.Round(time.Millisecond).String(),
			fmt.Sprint(len(busy.times)), long(busy.at(0.5)), long(busy.at(0.99)), fmt.Sprint(calm.refused+busy.refused), two(ratio))
	}
	slices.Sort(ratios)
	fmt.Printf("\nan index on %d people, %d sign-ins a second: ratio of p99 min %s, median %s, max %s; goal ≤ 2.00\nload of the machine after: %s\n",
		people, pace, two(ratios[0]), two(ratios[turns/2]), two(ratios[turns-1]), load())
	return true, nil
}

func long(d time.Duration) string { return ms(d.Seconds() * 1000) }

// indexed is a world on a server of its own.
type indexed struct {
	cluster
	*world
}

func (w *indexed) close() {
	if w.world != nil {
		w.world.close()
	}
	w.shut()
}

// newIndexed is a database of so many people, and af-auth's migrations with one
// more that builds an index.
func newIndexed(ctx context.Context, people int) (_ *indexed, _ []migrate.File, err error) {
	w := &indexed{}
	if err := w.start(ctx); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	own, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return nil, nil, err
	}
	c := crowd{w.server.URL("postgres"), people, 1}
	err = c.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrate.Deploy(ctx, conn, own, migrate.Options{Shape: diff.Shape}); err != nil {
			return err
		}
		return c.fillRows(ctx, conn)
	})
	if err != nil {
		return nil, nil, err
	}
	files, err := w.withIndex(own)
	if err != nil {
		return nil, nil, err
	}
	w.world = &world{crowd: c}
	w.db, err = openDB(ctx, c.url, 2*time.Second) // as long as serve waits
	return w, files, err
}

// withIndex adds a migration to the files, by way of a folder.
func (w *indexed) withIndex(own []migrate.File) ([]migrate.File, error) {
	dir := filepath.Join(w.folder, "migrations")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	write := func(name, text string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	const version = "20991231235959_bench"
	if err := write(version+".up.sql", "-- transaction: none\nCREATE INDEX CONCURRENTLY bench_idx ON users (email);\n"); err != nil {
		return nil, err
	}
	if err := write(version+".down.sql", "-- transaction: none\nDROP INDEX CONCURRENTLY bench_idx;\n"); err != nil {
		return nil, err
	}
	more, err := migrate.Rules{HeaderOptional: true}.Load(os.DirFS(dir))
	return append(slices.Clone(own), more...), err
}

func (w *indexed) migrate(ctx context.Context, files []migrate.File) error {
	return w.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := migrate.Deploy(ctx, conn, files, migrate.Options{Shape: diff.Shape})
		return err
	})
}

// back drops the index, and lets the server rest from it.
func (w *indexed) back(ctx context.Context, files []migrate.File) error {
	return w.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := migrate.Rollback(ctx, conn, files, "", migrate.Options{Shape: diff.Shape}); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "CHECKPOINT")
		return err
	})
}

// latencies are those of sign-ins that came at an even pace, from the moment
// when each was due: one that has to wait for others has waited.
type latencies struct {
	times   []time.Duration // sorted
	refused int
	err     error // of what ran meanwhile
}

// at returns the latency that a share of the sign-ins did not exceed.
func (l latencies) at(of float64) time.Duration {
	return share(l.times, of)
}

func (w *world) signInsFor(ctx context.Context, length time.Duration) latencies {
	return w.signInsWhile(ctx, func() error {
		select {
		case <-time.After(length):
		case <-ctx.Done():
		}
		return ctx.Err()
	})
}

// signInsWhile lets people sign in until something is done.
func (w *world) signInsWhile(ctx context.Context, what func() error) latencies {
	var l latencies
	done := make(chan error, 1)
	go func() { done <- what() }()
	var all sync.WaitGroup
	var mu sync.Mutex
	begun := time.Now()
	for n := 0; ; n++ {
		due := begun.Add(time.Duration(n) * time.Second / pace)
		select {
		case l.err = <-done:
			all.Wait()
			slices.Sort(l.times)
			return l
		case <-time.After(time.Until(due)):
		}
		all.Go(func() {
			err := w.signIn(ctx, 0)
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			if l.times = append(l.times, took); err != nil {
				l.refused++
			}
		})
	}
}
