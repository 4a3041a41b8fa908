package migrate_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// A file that gives up the lock is not committed, either way: another migrator
// may be running it as well.
func TestFileGivesUpTheLock(t *testing.T) {
	t.Parallel()
	const unlock = "; SELECT pg_advisory_unlock_all()"
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()"+unlock, "CREATE TABLE c ()")
	res, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{})
	if err == nil || applied(res) != "1" || !strings.Contains(err.Error(), "_m2.up.sql gave up the lock for migrations") ||
		!strings.Contains(hint(err), "nothing of this file was kept") || !strings.Contains(hint(err), "pg_advisory_unlock_all()") {
		t.Errorf("%+v, %v (hint: %s)", res, err, hint(err))
	}
	if ask[bool](t, conn, "SELECT to_regclass('b') IS NOT NULL") {
		t.Error("its work stayed")
	}
	files = files[:1]
	files[0].Down, files[0].NoDown = "DROP TABLE a"+unlock, false
	if res, err := migrate.Rollback(t.Context(), conn, files, "", migrate.Options{}); err == nil || len(res.Applied) != 0 || !strings.Contains(err.Error(), "_m1.down.sql gave up the lock") {
		t.Errorf("back: %+v, %v", res, err)
	}
	if !ask[bool](t, conn, "SELECT to_regclass('a') IS NOT NULL") {
		t.Error("the way back stayed")
	}
}

// What is lost between two files is noticed before the next one begins, without
// a round trip more.
func TestLockIsLostBetweenFiles(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()")
	o := migrate.Options{Shape: func(ctx context.Context, conn *pgx.Conn, _ string) (migrate.Shape, error) {
		_, err := conn.Exec(ctx, "SELECT pg_advisory_unlock_all()")
		return migrate.Shape{Fingerprint: "x"}, err
	}}
	res, err := migrate.Deploy(t.Context(), conn, files, o)
	if err == nil || applied(res) != "1" || !strings.Contains(err.Error(), "before "+files[1].UpName()+": the lock for migrations is not held any more") || !strings.Contains(hint(err), "nothing of this file was done") {
		t.Errorf("%+v, %v (hint: %s)", res, err, hint(err))
	}
	if st, err := migrate.Read(t.Context(), conn, files); err != nil || len(st.Failed)+len(st.Unfinished) != 0 {
		t.Errorf("state %+v, %v", st, err)
	}
}

// pooled is a connection that a pooler gives another session of the server, after
// the first message that contains a text.
type pooled struct {
	net.Conn
	other net.Conn
	after []byte
	due   bool
}

func (p *pooled) Write(b []byte) (int, error) {
	if p.due && p.other != nil {
		p.Conn, p.other = p.other, p.Conn
		p.due, p.after = false, nil
	}
	p.due = p.after != nil && bytes.Contains(b, p.after)
	return p.Conn.Write(b)
}

// A pooler in transaction mode is noticed by the server's process, which is
// another one than that which has the lock.
func TestPooler(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]string{"pg_try_advisory_lock": "", "RETURNING applied_at": "1"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			second, err := pgconn.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := second.Hijack()
			if err != nil {
				t.Fatal(err)
			}
			conn := connect(t, url, func(cfg *pgx.ConnConfig) {
				dial := cfg.DialFunc
				cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := dial(ctx, network, addr)
					p := &pooled{Conn: c, other: raw.Conn, after: []byte(after)}
					t.Cleanup(func() { _ = p.other.Close() })
					return p, err
				}
			})
			res, err := migrate.Deploy(t.Context(), conn, load(t, "CREATE TABLE a ()", "CREATE TABLE b ()"), migrate.Options{})
			if err == nil || applied(res) != want || !strings.Contains(err.Error(), "this connection goes through a pooler") || !strings.Contains(hint(err), "DIRECT_URL or AF_AUTH_OWNER_URL") {
				t.Errorf("%+v, %v (hint: %s)", res, err, hint(err))
			}
		})
	}
}
