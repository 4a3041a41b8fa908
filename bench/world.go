package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
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
	crowd
	db    *postgres.DB
	conns []*pgx.Conn // the plain way, one for each client
	gate  *gate.Gate  // without memory
}

// open opens both ways to a database.
func (c crowd) open(ctx context.Context) (_ *world, err error) {
	w := &world{crowd: c}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.db, err = openDB(ctx, c.url, 10*time.Second); err != nil {
		return nil, err
	}
	for range clients {
		conn, err := pgx.Connect(ctx, c.url)
		if err != nil {
			return nil, err
		}
		w.conns = append(w.conns, conn)
	}
	w.gate = gate.New(gate.Options{DB: w.db, Seen: postgres.NewSeen(w.db), Idle: idle, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	return w, nil
}

// openDB opens af-auth's own way to a database, for so many clients.
func openDB(ctx context.Context, address string, wait time.Duration) (*postgres.DB, error) {
	d, err := dialer(address)
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Options{Dialer: d, PoolMin: clients, PoolMax: clients, Wait: wait})
}

func dialer(address string) (postgres.Dialer, error) {
	url, err := pgurl.Parse(address)
	return postgres.Dialer{URL: url, Timeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler), Application: "bench"}, err
}

func (w *world) close() {
	for _, conn := range w.conns {
		_ = conn.Close(context.Background())
	}
	if w.db != nil {
		w.db.Close()
	}
}

// token is the token of session n: 256 bits that look random.
func token(n int) afauth.Token {
	sum := sha256.Sum256(fmt.Appendf(nil, "bench %d", n))
	t, _ := afauth.ParseToken(base64.RawURLEncoding.EncodeToString(sum[:]))
	return t
}

// profile is what GitHub says of person n, each time the same: few people change
// their names between two sign-ins.
func profile(n int) (login, name, email string) {
	sum := sha256.Sum256([]byte(strconv.Itoa(n)))
	nick := hex.EncodeToString(sum[:])
	return "dev-" + nick[:8], "Person " + nick[8:14], nick[:8] + "@example.com"
}

func anyOf(n int) int { return 1 + rand.IntN(n) } // #nosec G404 -- picks whom to measure
