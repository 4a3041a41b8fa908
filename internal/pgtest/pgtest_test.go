package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgserver"
)

// key returns a template's key that nobody used before: the server may live
// longer than this test binary.
func key() string { return strings.ToLower(rand.Text()) }

func TestCloneIsOnesOwn(t *testing.T) {
	t.Parallel()
	tpl := counting(key())
	dropTemplate(t, tpl)
	var urls [4]string
	t.Run("clones", func(t *testing.T) {
		for i := range urls {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				urls[i] = Clone(t, tpl)
				if got := query(t, urls[i], "update filled set answer = answer || $1 returning answer", fmt.Sprint(i)); got != fmt.Sprintf("yes%d", i) {
					t.Errorf("the clone holds %q", got)
				}
			})
		}
	})
	for _, url := range urls {
		if exists(t, url) {
			t.Errorf("%s is left after its test", url)
		}
	}
}

func TestCloneIsDroppedWithClients(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("test", func(t *testing.T) {
		url = Empty(t)
		// Nobody closes this connection before the test ends.
		if _, err := pgx.Connect(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	})
	if exists(t, url) {
		t.Error("it is left")
	}
}

func TestEmptyIsEmpty(t *testing.T) {
	t.Parallel()
	if got := query(t, Empty(t), "select count(*)::text from pg_class where relnamespace = 'public'::regnamespace"); got != "0" {
		t.Errorf("%s tables", got)
	}
}

func TestTemplateIsMadeOnceForAllBinaries(t *testing.T) {
	t.Parallel()
	tpl := counting(key())
	dropTemplate(t, tpl)
	helpers := [3]*helper{}
	for i := range helpers {
		helpers[i] = startHelper(t, tpl.Key, Server(t))
	}
	for _, h := range helpers {
		if got := query(t, h.url(t), "select answer from filled"); got != "yes" {
			t.Errorf("a clone holds %q", got)
		}
	}
	if got := query(t, Clone(t, tpl), "select answer from filled"); got != "yes" {
		t.Errorf("our clone holds %q", got)
	}
}

func TestTemplateThatFails(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	broken := errors.New("no such table")
	tpl := Template{Key: key(), Prepare: func(context.Context, string) error {
		if calls.Add(1) == 1 {
			return broken
		}
		return nil
	}}
	dropTemplate(t, tpl)
	s := own.session(t)
	if err := s.ensure(t.Context(), tpl); !errors.Is(err, broken) {
		t.Errorf("ensure answers %v", err)
	}
	if got := query(t, Server(t), "select count(*)::text from pg_database where starts_with(datname, $1)", tpl.database()); got != "0" {
		t.Error("half a template is left")
	}
	if err := s.ensure(t.Context(), tpl); err != nil {
		t.Errorf("the second try: %v", err)
	}
}

func TestTemplateThatKeepsAConnection(t *testing.T) {
	t.Parallel()
	var kept *pgx.Conn
	tpl := Template{Key: key(), Prepare: func(ctx context.Context, url string) (err error) {
		kept, err = pgx.Connect(ctx, url)
		return err
	}}
	dropTemplate(t, tpl)
	err := own.session(t).ensure(t.Context(), tpl)
	if err == nil || !strings.Contains(err.Error(), "close its connections") {
		t.Errorf("ensure answers %v", err)
	}
	if err := kept.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestKilledBinaryLeavesNothing kills a binary on a server that lives on.
func TestKilledBinaryLeavesNothing(t *testing.T) {
	t.Parallel()
	tpl := counting(key())
	dropTemplate(t, tpl)
	killed, living := startHelper(t, tpl.Key, Server(t)), startHelper(t, tpl.Key, Server(t))
	orphan, held := killed.url(t), living.url(t)
	killed.kill()
	base, err := url.Parse(Server(t))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next binary drops the orphan", func() bool {
		next, err := openSession(t.Context(), *base)
		if err != nil {
			t.Fatal(err)
		}
		if err := next.close(); err != nil {
			t.Fatal(err)
		}
		return !exists(t, orphan)
	})
	if !exists(t, held) {
		t.Error("the database of a living binary was dropped")
	}
}

// TestOwnServerGoesWithTheBinary lets binaries that started their own server end
// in two ways.
func TestOwnServerGoesWithTheBinary(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*helper){
		"kill -9": func(h *helper) { h.kill() },
		"exit":    func(h *helper) { _ = h.stdin.Close(); _ = h.cmd.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHelper(t, "own", "")
			address := h.url(t)
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if got := query(t, address, "select answer from filled"); got != "yes" {
				t.Errorf("the clone holds %q", got)
			}
			home := strings.TrimSuffix(u.Query().Get("host"), "/run")
			end(h)
			eventually(t, home+" is removed", func() bool {
				_, err := os.Stat(home)
				return os.IsNotExist(err)
			})
		})
	}
}

func TestNoServerFailsTheTest(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	func() {
		defer func() { _ = recover() }()
		fail(r, fmt.Errorf("starting: %w", &pgserver.VersionError{Data: "/data", Major: 13}))
	}()
	if !strings.Contains(r.text, "made by PostgreSQL 13") || !strings.Contains(r.text, "\nhint: install") {
		t.Errorf("the test ends with %q", r.text)
	}
}

func TestBadAddress(t *testing.T) {
	for _, address := range []string{"host=localhost user=postgres", "http://localhost", "postgres://%zz", "://"} {
		t.Setenv(Variable, address)
		if _, err := new(process).begin(); err == nil || !strings.Contains(err.Error(), Variable) {
			t.Errorf("%q: %v", address, err)
		}
	}
	t.Setenv(Variable, "postgres://postgres:secret@127.0.0.1:1/postgres")
	_, err := new(process).begin()
	if err == nil || !strings.Contains(err.Error(), "does not answer") || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody listens: %v", err)
	}
}

// BenchmarkClone makes and drops a copy of a template with 40 tables.
func BenchmarkClone(b *testing.B) {
	tpl := Template{Key: "benchmark " + key(), Prepare: func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		for i := range 40 {
			if _, err := conn.Exec(ctx, fmt.Sprintf(
				"create table t%d (id bigint primary key, name text unique, at timestamptz default now());"+
					"create index on t%[1]d (at); insert into t%[1]d select g, g::text from generate_series(1, 10) g", i)); err != nil {
				return err
			}
		}
		return nil
	}}
	dropTemplate(b, tpl)
	s := own.session(b)
	if err := s.ensure(b.Context(), tpl); err != nil {
		b.Fatal(err)
	}
	b.Run("clone and drop", func(b *testing.B) {
		for b.Loop() {
			r := &recorder{TB: b}
			s.create(b.Context(), r, tpl.database())
			r.cleanups[0]()
		}
	})
	b.Run("clone", func(b *testing.B) {
		for b.Loop() {
			s.create(b.Context(), b, tpl.database())
		}
	})
}

// dropTemplate drops what a test made on a server that lives on.
func dropTemplate(t testing.TB, tpl Template) {
	s := own.session(t)
	t.Cleanup(func() {
		for _, name := range []string{tpl.database(), tpl.database() + "_unfinished"} {
			if err := s.drop(name); err != nil {
				t.Error(err)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, err := s.conn.Exec(context.Background(), "drop role if exists "+quote("made_"+tpl.Key)); err != nil {
			t.Error(err)
		}
	})
}
