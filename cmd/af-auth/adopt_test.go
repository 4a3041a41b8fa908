package main

import (
	"net/http"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// TestAdoptedDatabaseServes adopts a database that Prisma made, with people in
// it: who was let in there comes in here, as the same person, and nobody else.
func TestAdoptedDatabaseServes(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	sim := newSlowGitHub(t)
	_, err = conn.PgConn().Exec(t.Context(), `CREATE TABLE "users" ("id" UUID NOT NULL, "github_user_id" BIGINT NOT NULL, "github_access_token" TEXT, "github_refresh_token" TEXT,
    "github_token_expires_at" TIMESTAMPTZ(6), "is_whitelisted" BOOLEAN NOT NULL DEFAULT false, "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL, CONSTRAINT "users_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "users_github_user_id_key" ON "users"("github_user_id");
INSERT INTO users (id, github_user_id, is_whitelisted, updated_at) VALUES (md5('octocat')::uuid, 583231, true, now()), (md5('hubot')::uuid, 480938, false, now())`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	adopt := exec.Command("af-auth", "db", "migrate", "adopt", "--yes")
	adopt.Dir, adopt.Env = t.TempDir(), []string{"DATABASE_URL=" + url}
	if out, err := adopt.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	s := startServe(t, url, sim.url)
	for login, want := range map[string]int{"octocat": http.StatusOK, "hubot": http.StatusForbidden} {
		session := s.signIn(t, login)
		if session == nil {
			t.Fatalf("%s got no session", login)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/auth/verify", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(session)
		res, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want {
			t.Errorf("%s: %s, want %d", login, res.Status, want)
		}
		var same bool
		if err := conn.QueryRow(t.Context(), "SELECT id = md5($1)::uuid FROM users WHERE login = $1", login).Scan(&same); err != nil || !same {
			t.Errorf("%s is somebody else now: %v", login, err)
		}
	}
}
