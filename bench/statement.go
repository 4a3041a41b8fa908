package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// statement is one of af-auth's own queries as it goes to the server.
type statement struct {
	text string
	args []any
}

// noted takes a statement down instead of sending it.
type noted struct{ *statement }

func (n noted) Exec(_ context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	n.text, n.args = text, args
	return pgconn.CommandTag{}, nil
}

func (n noted) Query(_ context.Context, text string, args ...any) (pgx.Rows, error) {
	n.text, n.args = text, args
	return nil, pgx.ErrNoRows
}

func (n noted) QueryRow(_ context.Context, text string, args ...any) pgx.Row {
	n.text, n.args = text, args
	return nobody{}
}

// nobody is a row that is not there.
type nobody struct{}

func (nobody) Scan(...any) error { return pgx.ErrNoRows }

func signInStatement(n int64, login, name, email string, hash afauth.TokenHash) (s statement) {
	agent, address := "bench", "192.0.2.1"
	_, _ = query.New(noted{&s}).SignIn(context.Background(), query.SignInParams{
		GithubUserID: n, Login: login, Name: &name, Email: &email, MostSessions: 50,
		Address: &address, TokenHash: hash[:], Host: host, MaxAge: maxAge, UserAgent: &agent,
	})
	return s
}

func findStatement() (s statement) {
	_, _ = query.New(noted{&s}).FindSession(context.Background(), query.FindSessionParams{Host: host, Idle: idle})
	return s
}

// script is the statement as pgbench sends it: arguments are literals, but for
// those that an expression stands for.
func (s statement) script(expressions map[any]string) string {
	return regexp.MustCompile(`\$\d+`).ReplaceAllStringFunc(s.text, func(name string) string {
		n, _ := strconv.Atoi(name[1:])
		return literal(s.args[n-1], expressions)
	}) + ";\n"
}

func literal(arg any, expressions map[any]string) string {
	if p, ok := arg.(*string); ok {
		if p == nil {
			return "NULL"
		}
		arg = *p
	}
	switch v := arg.(type) {
	case []byte:
		if v == nil {
			return "NULL"
		}
		arg = string(v)
	case time.Duration:
		return fmt.Sprintf("'%d seconds'", int(v.Seconds()))
	}
	if e, there := expressions[arg]; there {
		return e
	}
	if text, ok := arg.(string); ok {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return fmt.Sprint(arg)
}
