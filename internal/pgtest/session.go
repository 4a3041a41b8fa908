package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	templatePrefix = "af_auth_template_"
	// clonePrefix is followed by the owner in 16 hexadecimal digits, "_" and a
	// number.
	clonePrefix = "af_auth_test_"
)

// session is this binary's one connection to the database "postgres". While it
// lives it holds an advisory lock on the owner number that stands in the names
// of all databases it made. A killed binary loses the connection and with it the
// lock: that is how others know, on whatever machine they run, that a database
// has no owner any more.
type session struct {
	base     url.URL
	owner    [8]byte
	strategy string // of CREATE DATABASE

	mu       sync.Mutex // guards what follows: a connection does one thing at a time
	conn     *pgx.Conn
	made     int             // databases so far, for their names
	prepared map[string]bool // templates known to be there
}

func openSession(ctx context.Context, base url.URL) (*session, error) {
	s := &session{base: base, prepared: map[string]bool{}}
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return nil, fmt.Errorf("the test server does not answer: %w", err)
	}
	s.conn = conn
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return s, nil
}

func (s *session) begin(ctx context.Context) error {
	if _, err := rand.Read(s.owner[:]); err != nil {
		return err
	}
	// Taken before the first database is made, or a neighbour would drop that.
	if _, err := s.conn.Exec(ctx, "select pg_advisory_lock($1)", lockNumber(s.owner[:])); err != nil {
		return err
	}
	var version int
	if err := s.conn.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	// Version 15 copies a template through the WAL by default. Copying its files,
	// the only way until then, takes a third of the time.
	if version >= 150000 {
		s.strategy = " strategy file_copy"
	}
	return s.sweep(ctx)
}

// sweep drops the databases whose owners are gone.
func (s *session) sweep(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, "select datname from pg_database where starts_with(datname, $1)", clonePrefix)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		digits, _, _ := strings.Cut(strings.TrimPrefix(name, clonePrefix), "_")
		owner, err := hex.DecodeString(digits)
		if err != nil || len(owner) != len(s.owner) || [8]byte(owner) == s.owner {
			continue // not one of ours by its name, or really ours
		}
		if err := s.dropOrphan(ctx, name, owner); err != nil {
			return err
		}
	}
	return nil
}

// dropOrphan drops a database if nobody holds its owner's lock. Two sweeps do
// not meet, because the lock is held meanwhile.
func (s *session) dropOrphan(ctx context.Context, name string, owner []byte) error {
	var orphan bool
	if err := s.conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", lockNumber(owner)).Scan(&orphan); err != nil || !orphan {
		return err
	}
	_, err := s.conn.Exec(ctx, "drop database if exists "+quote(name)+" with (force)")
	_, unlock := s.conn.Exec(ctx, "select pg_advisory_unlock($1)", lockNumber(owner))
	return errors.Join(err, unlock)
}

// ensure makes the template unless it is there. It is made under another name
// and renamed when whole, so that a binary killed meanwhile leaves nothing that
// could be taken for it.
func (s *session) ensure(ctx context.Context, tpl Template) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := tpl.database()
	if s.prepared[name] {
		return nil
	}
	// Waiting here cannot stand in the way of a CREATE INDEX CONCURRENTLY in the
	// template: that waits for its own database alone, and this is "postgres".
	sum := sha256.Sum256([]byte(name))
	lock := lockNumber(sum[:8])
	if _, err := s.conn.Exec(ctx, "select pg_advisory_lock($1)", lock); err != nil {
		return err
	}
	defer func() {
		_, unlock := s.conn.Exec(ctx, "select pg_advisory_unlock($1)", lock)
		err = errors.Join(err, unlock)
	}()
	var there bool
	if err := s.conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there); err != nil {
		return err
	}
	if !there {
		if err := s.prepare(ctx, name, tpl); err != nil {
			return err
		}
	}
	s.prepared[name] = true
	return nil
}

func (s *session) prepare(ctx context.Context, name string, tpl Template) error {
	unfinished := name + "_unfinished"
	for _, statement := range []string{
		"drop database if exists " + quote(unfinished) + " with (force)",
		"create database " + quote(unfinished) + " template template0" + s.strategy,
	} {
		if _, err := s.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := tpl.Prepare(ctx, s.url(unfinished)); err != nil {
		_, drop := s.conn.Exec(ctx, "drop database if exists "+quote(unfinished)+" with (force)")
		return errors.Join(fmt.Errorf("preparing the template: %w", err), drop)
	}
	for _, statement := range []string{
		// A database with clients cannot be copied: from here on there are none.
		"alter database " + quote(unfinished) + " allow_connections false",
		"alter database " + quote(unfinished) + " rename to " + quote(name),
	} {
		if _, err := s.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("finishing the template (did Prepare close its connections?): %w", err)
		}
	}
	return nil
}

// create makes a database from a template and returns its URL.
func (s *session) create(ctx context.Context, t testing.TB, template string) string {
	t.Helper()
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("%s%x_%d", clonePrefix, s.owner, s.made)
	_, err := s.conn.Exec(ctx, "create database "+quote(name)+" template "+quote(template)+s.strategy)
	s.mu.Unlock()
	if err != nil {
		fail(t, fmt.Errorf("making a database: %w", err))
	}
	t.Cleanup(func() {
		if err := s.drop(name); err != nil {
			t.Errorf("pgtest: dropping a database: %v", err)
		}
	})
	return s.url(name)
}

func (s *session) drop(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Exec(ctx, "drop database if exists "+quote(name)+" with (force)")
	return err
}

// url returns the superuser's URL of a database.
func (s *session) url(database string) string {
	u := s.base
	u.Path, u.RawPath = "/"+database, ""
	return u.String()
}

func (s *session) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.Close(ctx)
}

// lockNumber reads the key of an advisory lock from eight bytes.
func lockNumber(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b)) // #nosec G115 -- any 64 bits do
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
