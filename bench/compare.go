package main

import (
	"context"
	"crypto/rand"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// signIn writes a returning person, a new session and an event.
func (w *world) signIn(ctx context.Context, _ int) error {
	n := anyOf(w.people)
	login, name, email := profile(n)
	_, err := w.db.SignIn(ctx, postgres.SignIn{
		GitHubID: int64(n), Login: login, Name: name, Email: email,
		Session: afauth.NewToken().Hash(), Host: host, MaxAge: maxAge, UserAgent: "bench", Address: "192.0.2.1",
	})
	return err
}

// signInPlain is what one would write by hand: begin, upsert, session, event,
// commit. It leaves the database with the same rows, triggers included.
func (w *world) signInPlain(ctx context.Context, client int) error {
	var hash [32]byte
	_, _ = rand.Read(hash[:])
	n := anyOf(w.people)
	login, name, email := profile(n)
	return pgx.BeginFunc(ctx, w.conns[client], func(tx pgx.Tx) error {
		var id [16]byte
		err := tx.QueryRow(ctx, `INSERT INTO users (github_user_id, login, name, email, last_sign_in_at) VALUES ($1, $2, $3, $4, now())
			ON CONFLICT (github_user_id) DO UPDATE SET login = excluded.login, name = excluded.name, email = excluded.email, last_sign_in_at = excluded.last_sign_in_at
			RETURNING id`, n, login, name, email).Scan(&id)
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

// signInBare sends the same statement by pgx, and does not look at the answer.
func (w *world) signInBare(ctx context.Context, client int) error {
	n := anyOf(w.people)
	login, name, email := profile(n)
	s := signInStatement(int64(n), login, name, email, afauth.NewToken().Hash())
	_, err := w.conns[client].Exec(ctx, s.text, s.args...)
	return err
}

func (w *world) check(ctx context.Context, _ int) error {
	_, err := w.gate.Check(ctx, token(anyOf(w.people)), host)
	return err
}

func (w *world) checkPlain(ctx context.Context, client int) error {
	hash := token(anyOf(w.people)).Hash()
	var id [16]byte
	var login string
	return w.conns[client].QueryRow(ctx, `SELECT s.user_id, u.login FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.token_hash = $1`, hash[:]).Scan(&id, &login)
}
