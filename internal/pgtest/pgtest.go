// Package pgtest gives every test a database of its own on a real PostgreSQL.
//
// A test asks for a copy of a template with [Clone], or for an empty database
// with [Empty], and gets the superuser's URL of it. The database is dropped when
// the test ends. What a template holds is the caller's affair.
//
// The server is the one whose superuser URL stands in PGTEST_URL;
// `go run ./internal/pgtest/run COMMAND` sets it for a whole `go test ./...`.
// Without it a test binary starts a server of its own at the first use, in
// memory where that is possible; the server and its files go when the binary
// ends, in whatever way. [Main] makes that happen before the binary returns.
//
// A machine without PostgreSQL fails the tests and says what to install. No test
// is skipped.
//
// On a server that lives longer than the tests, the databases of killed test
// binaries are dropped by the next one. Templates stay, one for each key; their
// names begin with af_auth_template_.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"
)

// Variable names the environment variable that holds a superuser's URL.
const Variable = "PGTEST_URL"

// patience bounds each thing asked of the server, a template's making included.
const patience = 2 * time.Minute

// Template says how a template database is made. It is made once for each key
// on a server, however many tests and test binaries ask for it at once.
type Template struct {
	// Key stands for everything that the content depends on, such as a checksum
	// of the migrations. Another key is another template.
	Key string
	// Prepare fills the empty database at the superuser's url. It must have
	// closed its connections when it returns.
	Prepare func(ctx context.Context, url string) error
}

// database returns the name of the template's database.
func (tpl Template) database() string {
	sum := sha256.Sum256([]byte(tpl.Key))
	return templatePrefix + hex.EncodeToString(sum[:8])
}

// Clone returns the superuser's URL of a new copy of the template. It is dropped
// when the test ends, whoever is still connected to it.
func Clone(t testing.TB, tpl Template) (url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := own.session(t)
	if err := s.ensure(ctx, tpl); err != nil {
		fail(t, err)
	}
	return s.create(ctx, t, tpl.database())
}

// Empty returns the superuser's URL of a new empty database. It is dropped when
// the test ends, whoever is still connected to it.
func Empty(t testing.TB) (url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return own.session(t).create(ctx, t, "template0")
}

// Server returns the superuser's URL of the server's database "postgres".
func Server(t testing.TB) (superuserURL string) {
	t.Helper()
	return own.session(t).url("postgres")
}

// Main runs the tests of a package and then ends the server that they may have
// started. It returns the exit code, for
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if err := own.close(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}

// own is what this test binary holds. It is a variable of the package because a
// test binary has no other place that all its tests share.
var own process

// process is a test binary's server, when it had to start one, and its session.
type process struct {
	mu     sync.Mutex
	begun  bool
	server *Private
	open   *session
	err    error
}

// session returns the binary's session, which the first caller opens.
func (p *process) session(t testing.TB) *session {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.begun {
		p.begun = true
		p.open, p.err = p.begin()
	}
	if p.err != nil {
		fail(t, p.err)
	}
	return p.open
}

func (p *process) begin() (*session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	address := os.Getenv(Variable)
	if address == "" {
		server, err := Start(ctx)
		if err != nil {
			return nil, err
		}
		p.server = server
		address = server.URL()
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, fmt.Errorf("%s is no URL like postgres://user:password@host:5432/postgres", Variable)
	}
	return openSession(ctx, *u)
}

// close gives back what begin took. Tests that come later would start anew.
func (p *process) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.open != nil {
		err = p.open.close()
	}
	if p.server != nil {
		err = errors.Join(err, p.server.Stop())
	}
	p.begun, p.open, p.server, p.err = false, nil, nil, nil
	return err
}

// fail ends the test and shows the way out, if the error knows one.
func fail(t testing.TB, err error) {
	t.Helper()
	if hinted := (interface{ Hint() string })(nil); errors.As(err, &hinted) {
		t.Fatalf("pgtest: %v\nhint: %s", err, hinted.Hint())
	}
	t.Fatalf("pgtest: %v", err)
}
