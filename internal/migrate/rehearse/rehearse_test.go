package rehearse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/migrate/rehearse"
)

const (
	table = "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, n int NOT NULL)"
	noop  = "SELECT 1"
)

// A blocking index shows its lock, how long it is held, and who waited; beside a
// CONCURRENTLY one writers go on.
func TestIndexBesideWriters(t *testing.T) {
	t.Parallel()
	o := rehearse.Options{Quiet: quick, DefaultRows: 80_000, MaxWait: time.Millisecond,
		Files: load(t, table, "", "CREATE INDEX t_blocking ON t (md5(name))", "DROP INDEX t_blocking",
			"-- transaction: none\nCREATE INDEX CONCURRENTLY t_gentle ON t (md5(name))", "-- transaction: none\nDROP INDEX CONCURRENTLY t_gentle"),
		Load: writing("INSERT INTO t (name, n) VALUES ('new', 1)")}
	r := rehearsal(t, o)
	blocking, gentle := r.Files[0], r.Files[1]
	l := lockOn(blocking, "t")
	if l.Mode != "SHARE" || l.Blocks != "writes" || l.Held <= 0 || l.Held > blocking.Took || l.Waited <= 0 || l.Waiters < 1 || l.Waiters > 2 {
		t.Errorf("the blocking index holds %+v and took %v", l, time.Duration(blocking.Took))
	}
	if blocking.Load == nil || blocking.Load.Operations == 0 || blocking.Load.Failed > 0 || blocking.Load.Max < l.Waited {
		t.Errorf("the load beside it: %+v", blocking.Load)
	}
	if blocking.Good || len(blocking.Faults) != 1 || !contains(r.Faults, "for its SHARE lock on t, more than 1ms") {
		t.Errorf("faults: %q", r.Faults)
	}
	l = lockOn(gentle, "t")
	if l.Mode != "SHARE UPDATE EXCLUSIVE" || l.Blocks != "" || l.Waiters != 0 || !gentle.Good {
		t.Errorf("the gentle index holds %+v; faults: %q", l, gentle.Faults)
	}
	if gentle.Load == nil || gentle.Load.Failed > 0 || gentle.Load.Operations == 0 {
		t.Errorf("the load beside it: %+v", gentle.Load)
	}
	for _, f := range r.Files {
		if f.Back.Result != rehearse.LeadsBack || f.WAL <= 0 || f.Indexes <= 0 || f.Alone <= 0 || len(f.Rewritten) > 0 {
			t.Errorf("%s: %+v", f.Name, f)
		}
	}
	if r.Load.Quiet.Operations == 0 || r.Load.Quiet.Failed > 0 || r.Load.Quiet.P99 < r.Load.Quiet.P50 || r.Applied != "20260101000000_f" {
		t.Errorf("%+v, load %+v", r, r.Load)
	}
}

// Locks of a file that is over before the first look are known all the same.
func TestRewriteAndShortLocks(t *testing.T) {
	t.Parallel()
	r := rehearsal(t, rehearse.Options{DefaultRows: 5000,
		Files: load(t, table+"; CREATE INDEX t_n ON t (n)", "", "ALTER TABLE t ALTER n TYPE bigint", "ALTER TABLE t ALTER n TYPE int",
			"ALTER TABLE t ADD COLUMN later int; CREATE TABLE fresh (id int)", "DROP TABLE fresh; ALTER TABLE t DROP COLUMN later")})
	f := r.Files[0]
	if len(f.Rewritten) != 2 || f.Rewritten[0].Name != "t" || f.Rewritten[0].Kind != "table" || f.Rewritten[0].Bytes == 0 ||
		f.Rewritten[1].Name != "t_pkey" && f.Rewritten[1].Name != "t_n" {
		t.Errorf("rewritten: %+v", f.Rewritten)
	}
	for _, f := range r.Files {
		if l := lockOn(f, "t"); l.Mode != "ACCESS EXCLUSIVE" || l.Blocks != "reads and writes" {
			t.Errorf("%s: locks %+v", f.FileName(), f.Locks)
		}
		if !f.Good || f.Back.Result != rehearse.LeadsBack || f.Load != nil {
			t.Errorf("%s: %+v", f.FileName(), f)
		}
	}
	if f := r.Files[1]; len(f.Rewritten) > 0 || len(f.Locks) != 1 {
		t.Errorf("a column without a default: rewritten %+v, locks %+v", f.Rewritten, f.Locks)
	}
	text, err := json.Marshal(r)
	if err != nil || !r.Good || !strings.Contains(string(text), `"way_back":{"result":"leads back","took_ms":`) {
		t.Errorf("%v, %s", err, text)
	}
}

func TestWayBack(t *testing.T) {
	t.Parallel()
	const drop = "ALTER TABLE t DROP COLUMN name"
	const again = "ALTER TABLE t ADD COLUMN name text NOT NULL DEFAULT ''; ALTER TABLE t ALTER name DROP DEFAULT"
	tests := []struct {
		name, up, down, result, fault string
	}{
		{"leads elsewhere", "ALTER TABLE t ADD COLUMN b int", noop, rehearse.LeadsAway, "leads to another schema: column t.b: not wanted"},
		{"fails", "ALTER TABLE t ADD COLUMN b int", "DROP TABLE gone", rehearse.LeadsAway, "way back fails: 20260101000001_f.down.sql:1:"},
		{"loses in silence", drop, again, rehearse.LeadsAway, "loses what it does not name (-- lost: …): t.name: other values"},
		{"loses what it names", drop, "-- lost: all names\n" + again, rehearse.LosesNamed, ""},
		{"loses more than values", drop, "-- lost: all names\nALTER TABLE t ADD COLUMN name text", rehearse.LeadsAway, "column t.name: not null: missing"},
		{"loses rows", noop, "DELETE FROM t WHERE n % 2 = 0", rehearse.LeadsAway, "t: "},
		{"forward again fails", "CREATE TABLE other (id int); CREATE ROLE rehearse_test_twice", "DROP TABLE other", rehearse.LeadsAway, "forward again: "},
		{"makes what databases share", "CREATE ROLE rehearse_test_once", "", rehearse.NoWayBack, ""},
		{"has none", "ALTER TABLE t ADD COLUMN b int", "", rehearse.NoWayBack, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := rehearse.Options{DefaultRows: 100, Files: load(t, table, "", test.up, test.down)}
			url := elsewhere(t, &o)
			if strings.Contains(test.up, "ROLE") {
				defer exec(t, url, "DROP ROLE IF EXISTS rehearse_test_twice, rehearse_test_once")
			}
			r := rehearsal(t, o)
			f := r.Files[0]
			if f.Back.Result != test.result || r.Good != (test.fault == "") || !contains(f.Faults, test.fault) {
				t.Errorf("%+v, faults %q", f.Back, r.Faults)
			}
			if records := r.Of(time.Now(), "ada"); len(records) != 1 || records[0].Good != r.Good || records[0].Rows != 100 {
				t.Errorf("records: %+v", records)
			}
		})
	}
}

// A file that fails is the end of the rehearsal, and of the verdict.
func TestFileFails(t *testing.T) {
	t.Parallel()
	r := rehearsal(t, rehearse.Options{DefaultRows: 100,
		Files: load(t, table, "", "ALTER TABLE t ADD CHECK (n < 50)", "ALTER TABLE t DROP CONSTRAINT t_n_check", noop, noop)})
	if r.Good || len(r.Files) != 1 || !strings.Contains(r.Files[0].Error, "SQLSTATE 23514") || r.Files[0].Hint == "" || !contains(r.Faults, "it fails: ") {
		t.Errorf("%+v", r)
	}
}

func TestLoadFailsBeside(t *testing.T) {
	t.Parallel()
	// The column that the load writes is gone while the file is applied.
	r := rehearsal(t, rehearse.Options{DefaultRows: 20_000, Quiet: quick,
		Files: load(t, table, "", "ALTER TABLE t RENAME n TO m", "ALTER TABLE t RENAME m TO n", "CREATE INDEX ON t (md5(name))", "DROP INDEX t_md5_idx"),
		Load:  writing("INSERT INTO t (name, n) VALUES ('new', 1)")})
	if s := r.Files[1].Load; r.Good || s.Failed == 0 || !strings.Contains(s.FirstError, `column "n"`) || !contains(r.Files[1].Faults, "operations of the load failed beside it: ") {
		t.Errorf("%+v, faults %q", s, r.Faults)
	}
	r = rehearsal(t, rehearse.Options{DefaultRows: 10, Quiet: quick, Files: load(t, table, "", noop, noop), Load: writing("SELECT 1/0")})
	if r.Good || !contains(r.Faults, "the load failed before any file ran") {
		t.Errorf("faults %q", r.Faults)
	}
	refusal := errors.New("no way in")
	o := rehearse.Options{Files: load(t, noop, noop, noop, noop), Load: &rehearse.Load{Name: "nothing", Open: func(context.Context, string) (func(context.Context) error, func(), error) {
		return nil, nil, refusal
	}}}
	elsewhere(t, &o)
	_, err := rehearse.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "prepare the load: no way in") {
		t.Errorf("got %v", err)
	}
	refusal = fmt.Errorf("%w: too old", rehearse.ErrUnfit)
	elsewhere(t, &o)
	if r := rehearsal(t, o); !r.Good || r.Load != nil || r.Files[0].Load != nil || !contains(r.Notes, "nothing ran beside the files: ") {
		t.Errorf("%+v", r)
	}
}

// Without a load nobody waits, so what counts is how long a lock keeps others out.
func TestLongLockWithoutLoad(t *testing.T) {
	t.Parallel()
	r := rehearsal(t, rehearse.Options{DefaultRows: 100, MaxWait: 20 * time.Millisecond,
		Files: load(t, table, "", "LOCK TABLE t IN SHARE MODE; SELECT pg_sleep(0.2)", noop)})
	if r.Good || !contains(r.Faults, "its SHARE lock on t blocks writes for ") {
		t.Errorf("faults %q, locks %+v", r.Faults, r.Files[0].Locks)
	}
}

// A restored backup comes with schema, ledger and rows.
func TestFilledServer(t *testing.T) {
	t.Parallel()
	o := rehearse.Options{Files: load(t, table, "", noop, noop), DefaultRows: 5}
	url := elsewhere(t, &o)
	open := o.Open
	rehearsal(t, o) // leaves the first file and five rows
	o.Open = func(ctx context.Context) (rehearse.Server, error) {
		s, err := open(ctx)
		s.Filled = true
		return s, err
	}
	r := rehearsal(t, o)
	if len(r.Tables) != 0 || len(r.Files) != 1 || !r.Good || one[int](t, url, "SELECT count(*) FROM t") != 5 {
		t.Errorf("%+v", r)
	}
}

// Ctrl-C leaves no server and no folder behind, wherever it comes.
func TestStopped(t *testing.T) { //nolint:paralleltest // it sets TMPDIR
	for _, at := range []string{"filling t", "deploying 20260101000001_f"} {
		tmp, err := os.MkdirTemp("/dev/shm", "af-auth-test-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(tmp) })
		if err := os.Chmod(tmp, 0o711); err != nil { //nolint:gosec // the server's account must pass through
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", tmp)
		ctx, cancel := context.WithCancel(t.Context())
		var pid atomic.Int32
		l := writing("INSERT INTO t (name, n) VALUES ('new', 1)")
		_, err = rehearse.Run(ctx, rehearse.Options{
			Files: load(t, table, "", "SELECT pg_sleep(600)", noop), Applied: "20260101000000", DefaultRows: 100, Quiet: quick, Load: l,
			Progress: func(doing string) {
				if strings.HasPrefix(doing, at) {
					pid.Store(postmaster(t, tmp))
					cancel()
				}
			},
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", at, err)
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v, %v", at, left, err)
		}
		if _, err := os.Stat("/proc/" + strconv.Itoa(int(pid.Load()))); pid.Load() == 0 || err == nil {
			t.Errorf("%s: the server (process %d) still runs", at, pid.Load())
		}
	}
}

// Private is durable, as production is.
func TestPrivate(t *testing.T) {
	t.Parallel()
	r, err := rehearse.Run(t.Context(), rehearse.Options{Files: load(t, "CREATE SCHEMA other; GRANT USAGE ON SCHEMA other TO app; CREATE TABLE t (id int)",
		"DROP TABLE t; DROP SCHEMA other"), Namespace: "mine", Roles: []string{"app", "postgres"}})
	if err != nil || !r.Good || !r.Durable || r.Applied != "" || r.PostgreSQL == "" {
		t.Errorf("%v: %+v", err, r)
	}
}

func postmaster(t *testing.T, tmp string) int32 {
	found, err := filepath.Glob(tmp + "/*/data/postgres/postmaster.pid")
	if err != nil || len(found) != 1 {
		t.Errorf("postmaster.pid: %v, %v", found, err)
		return 0
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Error(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.ParseInt(line, 10, 32)
	if err != nil {
		t.Error(err)
	}
	return int32(pid)
}
