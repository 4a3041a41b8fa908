package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (w *world) comparisons() []comparison {
	return []comparison{
		{"sign-in", clients, "sign-in, one statement", "the same writes in a transaction of plain pgx", w.signIn, w.signInPlain},
		{"gate", clients, "gate check by the database", "one row by its key with plain pgx", w.check, w.checkPlain},
	}
}

// signIn writes a returning person, a new session and an event.
func (w *world) signIn(ctx context.Context, _ int) error {
	_, err := w.db.SignIn(ctx, postgres.SignIn{
		GitHubID: int64(w.anybody()), Login: "somebody", Name: "Some Body",
		Session: afauth.NewToken().Hash(), Host: host, MaxAge: maxAge, UserAgent: "bench", Address: "192.0.2.1",
	})
	return err
}

// signInPlain is what one would write by hand: begin, upsert, session, event,
// commit. It leaves the database with the same rows, triggers included.
func (w *world) signInPlain(ctx context.Context, _ int) error {
	var hash [32]byte
	_, _ = rand.Read(hash[:])
	return pgx.BeginFunc(ctx, w.plain, func(tx pgx.Tx) error {
		var id [16]byte
		err := tx.QueryRow(ctx, `INSERT INTO users (github_user_id, login, name, last_sign_in_at) VALUES ($1, 'somebody', 'Some Body', now())
			ON CONFLICT (github_user_id) DO UPDATE SET login = excluded.login, name = excluded.name, last_sign_in_at = excluded.last_sign_in_at
			RETURNING id`, w.anybody()).Scan(&id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO sessions (token_hash, user_id, host, expires_at, user_agent)
			VALUES ($1, $2, $3, now() + interval '7 days', 'bench')`, hash[:], id, host); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO events (kind, user_id, actor, address) VALUES ('sign_in.succeeded', $1, 'bench', '192.0.2.1')`, id)
		return err
	})
}

func (w *world) check(ctx context.Context, _ int) error {
	_, err := w.gate.Check(ctx, token(w.anybody()), host)
	return err
}

func (w *world) checkPlain(ctx context.Context, _ int) error {
	hash := token(w.anybody()).Hash()
	var id [16]byte
	var login string
	return w.plain.QueryRow(ctx, `SELECT s.user_id, u.login FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.token_hash = $1`, hash[:]).Scan(&id, &login)
}
