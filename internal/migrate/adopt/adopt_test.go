package adopt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/adopt"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// prismaTable is how Prisma 6 makes the seed's table.
const prismaTable = `CREATE TABLE "users" (
    "id" UUID NOT NULL,
    "github_user_id" BIGINT NOT NULL,
    "github_access_token" TEXT,
    "github_refresh_token" TEXT,
    "github_token_expires_at" TIMESTAMPTZ(6),
    "is_whitelisted" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "users_github_user_id_key" ON "users"("github_user_id");
`

// prismaLedger is Prisma's own table, with a migration that is finished.
const prismaLedger = `CREATE TABLE "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "_prisma_migrations" VALUES ('5d0ae4f5-6f9e-4d31-9f3c-6a55ac6e2a11', repeat('ab', 32), now(), '20240101000000_init', NULL, NULL, now(), 1);
`

// oldTables are further tables of the old service.
const oldTables = `CREATE TYPE "Plan" AS ENUM ('FREE', 'PAID');
CREATE TABLE "Invoice" ("id" SERIAL NOT NULL, "user_id" UUID NOT NULL, "plan" "Plan" NOT NULL DEFAULT 'FREE', "sum" DECIMAL(65,30) NOT NULL, "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Invoice_pkey" PRIMARY KEY ("id"));
CREATE INDEX "Invoice_user_id_idx" ON "Invoice"("user_id");
ALTER TABLE "Invoice" ADD CONSTRAINT "Invoice_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
`

// people fills the seed's table with 10,000 rows: with and without tokens, let
// in and not, the greatest ids, times before Christ and after all, and odd text.
const people = `INSERT INTO users (id, github_user_id, github_access_token, github_refresh_token, github_token_expires_at, is_whitelisted, created_at, updated_at)
SELECT md5(g::text)::uuid, CASE g WHEN 1 THEN 9223372036854775807 WHEN 2 THEN 0 WHEN 3 THEN -5 ELSE g * 7919::bigint END,
    CASE g % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN repeat('ghu_ünï''\\ ', 1 + g % 40) ELSE 'gho_' || md5(g::text) END,
    CASE g % 3 WHEN 0 THEN 'ghr_' || md5('r' || g) END,
    CASE g % 5 WHEN 0 THEN 'infinity'::timestamptz WHEN 1 THEN '4713-01-01 BC'::timestamptz WHEN 2 THEN '2024-02-29 23:59:59.999999+00'::timestamptz + g * interval '1 s' END,
    g % 7 = 0, '2024-01-01'::timestamptz + g * interval '1.000001 s', '2024-06-01'::timestamptz + g * interval '1 s'
FROM generate_series(1, 10000) g;
`

// invoices give the further tables rows; run behind people.
const invoices = `INSERT INTO "Invoice" (user_id, plan, sum) SELECT id, 'PAID', github_user_id / 3.0 FROM users WHERE is_whitelisted;`

const seedColumns = "id, github_user_id, github_access_token, github_refresh_token, github_token_expires_at, is_whitelisted, created_at, updated_at"

// db is a database of a test's own.
type db struct {
	*pgx.Conn
	t   *testing.T
	url string
}

func connect(t *testing.T, url string, sql string) db {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	d := db{conn, t, url}
	d.run(sql)
	return d
}

func open(t *testing.T, sql string) db {
	t.Helper()
	return connect(t, pgtest.Empty(t), sql)
}

func (d db) run(sql string) {
	d.t.Helper()
	if _, err := d.PgConn().Exec(d.t.Context(), sql).ReadAll(); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
}

// ask returns one value as text.
func (d db) ask(sql string) string {
	d.t.Helper()
	var v *string
	if err := d.QueryRow(d.t.Context(), "SELECT ("+sql+")::text", pgx.QueryExecModeExec).Scan(&v); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
	if v == nil {
		return "NULL"
	}
	return *v
}

// rows is a checksum over every value of a table, and where it is kept.
func (d db) rows(table, columns string) string {
	d.t.Helper()
	return d.ask(fmt.Sprintf("SELECT md5(string_agg(md5(r::text), '' ORDER BY r::text)) FROM (SELECT ctid, xmin, %s FROM %s) r", columns, table)) +
		" " + d.ask(fmt.Sprintf("SELECT pg_relation_filenode('%s')", table))
}

// own are af-auth's migrations.
func own(t *testing.T) []migrate.File {
	t.Helper()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func options(t *testing.T) diff.Options {
	t.Helper()
	config, err := pgx.ParseConfig(pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	return diff.Options{Shadow: diff.At(config)}
}

func shape(ctx context.Context, conn *pgx.Conn, namespace string) (migrate.Shape, error) {
	c, err := catalog.Read(ctx, conn, namespace, migrate.Tables()...)
	return migrate.Shape{Fingerprint: c.Fingerprint(), Text: c.Text()}, err
}

func planned(t *testing.T, d db, files []migrate.File) adopt.Plan {
	t.Helper()
	p, err := adopt.Make(t.Context(), d.Conn, files, options(t))
	if err != nil {
		t.Fatalf("%v (hint: %s)", err, hint(err))
	}
	return p
}

// carryOut adopts as planned, and deploys what is left.
func carryOut(t *testing.T, d db, files []migrate.File, p adopt.Plan) {
	t.Helper()
	if err := p.Refusal(); err != nil {
		t.Fatalf("%v (hint: %s)", err, hint(err))
	}
	o := migrate.Options{Actor: "cli:ada", Release: "1.2.3", Shape: shape}
	records, err := migrate.Adopt(t.Context(), d.Conn, files, p.Adoption(), o)
	if err != nil || len(records) != len(p.Had) {
		t.Fatalf("%+v, %v (hint: %s)", records, err, hint(err))
	}
	if _, err := migrate.Deploy(t.Context(), d.Conn, files, o); err != nil {
		t.Fatalf("%v (hint: %s)", err, hint(err))
	}
	inSync(t, d, files)
}

func inSync(t *testing.T, d db, files []migrate.File) {
	t.Helper()
	st, err := migrate.Read(t.Context(), d.Conn, files)
	if err != nil || !st.InSync() {
		t.Fatalf("%+v, %v", st, err)
	}
	drift, err := migrate.Drift(t.Context(), d.Conn, st, migrate.Options{Shape: shape})
	if drift != nil || err != nil {
		t.Errorf("drift %v, %v", drift, err)
	}
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func names(files []migrate.File) string {
	var out []string
	for _, f := range files {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

func statements(p adopt.Plan) string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.SQL)
	}
	return strings.Join(out, ";\n")
}

// A database that Prisma made: from unknown to in sync, and not a row is touched.
func TestPrisma(t *testing.T) {
	t.Parallel()
	files := own(t)
	d := open(t, prismaTable+prismaLedger+oldTables+people+invoices+`CREATE VIEW old_view AS SELECT id, is_whitelisted FROM users;`)
	if known, err := known(t, d.Conn, files); err != nil || !slices.Equal(known, []string{"users"}) {
		t.Errorf("known: %v, %v", known, err)
	}
	before := []string{d.rows("users", seedColumns), d.rows(`"Invoice"`, "*"), d.rows("_prisma_migrations", "*")}
	index := d.ask("SELECT pg_relation_filenode('users_github_user_id_key')")

	p := planned(t, d, files)
	if names(p.Had) != "users" || names(p.Pending) != names(files[1:]) || len(p.Unproved) != 0 || len(p.Rewrites()) != 0 {
		t.Errorf("had %q, pending %q, unproved %v", names(p.Had), names(p.Pending), p.Unproved)
	}
	if len(p.Prisma) != 1 || p.Prisma[0] != (adopt.PrismaMigration{Name: "20240101000000_init", State: adopt.Finished}) {
		t.Errorf("Prisma: %+v", p.Prisma)
	}
	if want := []string{"enum \"Plan\"", "table \"Invoice\"", "table _prisma_migrations", "view old_view"}; !slices.Equal(p.Foreign, want) {
		t.Errorf("foreign %q, want %q", p.Foreign, want)
	}
	for _, want := range []string{"ADD CONSTRAINT users_github_user_id_key UNIQUE USING INDEX users_github_user_id_key", "ALTER COLUMN id SET DEFAULT gen_random_uuid()",
		"ALTER COLUMN updated_at SET DEFAULT now()"} {
		if !strings.Contains(statements(p), want) {
			t.Errorf("no %s in\n%s", want, statements(p))
		}
	}
	for _, s := range p.Steps {
		if len(s.Builds)+len(s.Rewrites) > 0 || s.Scans || len(s.Locks) == 0 && !strings.HasPrefix(s.SQL, "COMMENT") {
			t.Errorf("%+v", s)
		}
	}
	carryOut(t, d, files, p)

	after := []string{d.rows("users", seedColumns), d.rows(`"Invoice"`, "*"), d.rows("_prisma_migrations", "*")}
	if !slices.Equal(before, after) {
		t.Errorf("rows were touched:\n%q\n%q", before, after)
	}
	if now := d.ask("SELECT pg_relation_filenode('users_github_user_id_key')"); now != index {
		t.Error("the index was built again")
	}
	history, err := migrate.History(t.Context(), d.Conn)
	if err != nil || len(history) != len(files) || !strings.Contains(history[0].Detail, "adopted from Prisma (the last migration is 20240101000000_init)") || history[0].Action != migrate.MarkApplied {
		t.Errorf("history %+v, %v", history, err)
	}
	if known, err := known(t, d.Conn, files); err != nil || len(known) != 0 {
		t.Errorf("known afterwards: %v, %v", known, err)
	}
	again := planned(t, d, files)
	if !again.Adopted || len(again.Pending) != 0 {
		t.Errorf("again: %+v", again)
	}
}
