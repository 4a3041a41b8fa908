package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgserver"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
)

const (
	clients = 16
	host    = "auth.example.com"
	maxAge  = 7 * 24 * time.Hour
	idle    = 24 * time.Hour
)

// world is a database full of people, and both ways to it.
type world struct {
	folder string
	server *pgserver.Server
	db     *postgres.DB
	plain  *pgxpool.Pool
	gate   *gate.Gate
	people int
}

func newWorld(ctx context.Context, people int) (_ *world, err error) {
	w := &world{people: people}
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if err := w.fill(ctx); err != nil {
		return nil, err
	}
	url, err := pgurl.Parse(w.server.URL("postgres"))
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	w.db, err = postgres.Open(ctx, postgres.Options{
		Dialer:  postgres.Dialer{URL: url, Timeout: 5 * time.Second, Logger: logger, Application: "bench"},
		PoolMin: clients, PoolMax: clients, Wait: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url.Pgx())
	if err != nil {
		return nil, err
	}
	config.MinConns, config.MaxConns = clients, clients
	if w.plain, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	w.gate = gate.New(gate.Options{DB: w.db, Seen: postgres.NewSeen(w.db), Idle: idle, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	return w, nil
}

// start starts the server, in a folder of its own.
func (w *world) start(ctx context.Context) (err error) {
	if w.folder, err = os.MkdirTemp("", "af-auth-bench-"); err != nil {
		return err
	}
	// The server's own account has to pass here.
	if err = os.Chmod(w.folder, 0o711); err == nil { // #nosec G302 -- holds one folder that pgserver closes
		w.server, err = pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(w.folder, "data")})
	}
	if err != nil {
		w.close()
	}
	return err
}

// fill makes the schema and the people. The token of person n is known, so
// that any of them can come to the gate.
func (w *world) fill(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, w.server.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return err
	}
	if _, err := migrate.Deploy(ctx, conn, files, migrate.Options{Actor: "bench"}); err != nil {
		return err
	}
	if err := fillUsers(ctx, conn, w.people); err != nil {
		return err
	}
	hashes := make([][]byte, w.people)
	for n := range hashes {
		h := token(n + 1).Hash()
		hashes[n] = h[:]
	}
	_, err = conn.Exec(ctx, `INSERT INTO sessions (token_hash, user_id, host, expires_at)
		SELECT h.hash, u.id, $2, now() + interval '7 days'
		FROM unnest($1::bytea[]) WITH ORDINALITY h(hash, n) JOIN users u ON u.github_user_id = h.n`, hashes, host)
	if err != nil {
		return fmt.Errorf("filling sessions: %w", err)
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// fillUsers writes people, without the record of their arrival.
func fillUsers(ctx context.Context, conn *pgx.Conn, people int) error {
	_, err := conn.PgConn().Exec(ctx, fmt.Sprintf(`ALTER TABLE users DISABLE TRIGGER USER;
INSERT INTO users (github_user_id, login, name, email, is_whitelisted, whitelist_decided_at)
    SELECT n, 'person-' || n, 'Person ' || n, md5(n::text) || '@example.com', true, now() FROM generate_series(1, %d) n;
ALTER TABLE users ENABLE TRIGGER USER`, people)).ReadAll()
	if err != nil {
		return fmt.Errorf("filling users: %w", err)
	}
	return nil
}

// token is the session token of person n: 256 bits that look random.
func token(n int) afauth.Token {
	sum := sha256.Sum256(fmt.Appendf(nil, "bench %d", n))
	t, _ := afauth.ParseToken(encode(sum[:]))
	return t
}

func (w *world) anybody() int { return 1 + rand.IntN(w.people) } // #nosec G404 -- picks whom to measure

func (w *world) close() {
	if w.plain != nil {
		w.plain.Close()
	}
	if w.db != nil {
		w.db.Close()
	}
	if w.server != nil {
		stopping, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = w.server.Stop(stopping)
	}
	_ = os.RemoveAll(w.folder)
}
