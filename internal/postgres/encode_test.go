package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// An ID arrives as itself, alone, in a list, behind a pointer and without the
// extended protocol.
func TestIDsArrive(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	postgres.KnowIDs(conn)
	one, other := afauth.NewID(), afauth.NewID()
	var none *afauth.ID
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		var first, second string
		var third *string
		var texts []string
		if err := conn.QueryRow(t.Context(), "SELECT $1::uuid::text, $2::uuid::text, $3::uuid::text, $4::uuid[]::text[]", mode, one, &other, none, []afauth.ID{one, other}).
			Scan(&first, &second, &third, &texts); err != nil {
			t.Fatalf("%v: %v", mode, err)
		}
		if first != one.String() || second != other.String() || third != nil || len(texts) != 2 || texts[0] != first || texts[1] != second {
			t.Errorf("%v: %s, %s, %v, %v", mode, first, second, third, texts)
		}
	}
}
