package rehearse_test

import (
	"errors"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate/rehearse"
)

const everyType = `
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z]+$');
CREATE DOMAIN percent AS int NOT NULL CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE TABLE every_type (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    serial_no serial NOT NULL UNIQUE,
    ident bigint GENERATED ALWAYS AS IDENTITY,
    small int2 NOT NULL, int int4 NOT NULL UNIQUE, big int8 NOT NULL, num numeric(6,2) NOT NULL, f4 float4 NOT NULL, f8 float8 NOT NULL, cash money NOT NULL,
    doubled int8 GENERATED ALWAYS AS (big * 2) STORED,
    flag boolean NOT NULL, txt text NOT NULL UNIQUE, code varchar(5) NOT NULL, wide varchar(200) NOT NULL, fixed char(3) NOT NULL, nam name NOT NULL,
    bytes bytea NOT NULL, at timestamptz NOT NULL, local timestamp(3) NOT NULL, day date NOT NULL, hour time NOT NULL, hourz timetz NOT NULL, long interval NOT NULL,
    ip inet NOT NULL, net cidr NOT NULL, mac macaddr NOT NULL, mac8 macaddr8 NOT NULL,
    doc jsonb NOT NULL, doc0 json NOT NULL, feeling mood NOT NULL, feelings mood[] NOT NULL, tags text[] NOT NULL, many int[] NOT NULL, ids uuid[] NOT NULL,
    bits bit(8) NOT NULL, vbits varbit NOT NULL, words tsvector NOT NULL, query tsquery NOT NULL, pt point NOT NULL, bx box NOT NULL, ci circle NOT NULL, ls lseg NOT NULL,
    li line NOT NULL, pa path NOT NULL, po polygon NOT NULL,
    during tstzrange NOT NULL, days daterange NOT NULL, nums int4range NOT NULL, own floats NOT NULL, multi int4multirange NOT NULL, part slug NOT NULL, share percent, maybe text,
    "Odd name" text NOT NULL DEFAULT 'x', "per%scent" text NOT NULL, c "char" NOT NULL, lsn pg_lsn NOT NULL, o oid NOT NULL,
    EXCLUDE USING gist (during WITH &&));`

func TestEveryTypeGetsValues(t *testing.T) {
	t.Parallel()
	o := rehearse.Options{Files: load(t, everyType, "", "SELECT 1", "SELECT 1"), DefaultRows: 500}
	url := elsewhere(t, &o)
	report := rehearsal(t, o)
	if len(report.Tables) != 1 || report.Tables[0].Rows != 500 || report.Tables[0].Note != "" {
		t.Fatalf("tables: %+v", report.Tables)
	}
	if n := one[int](t, url, "SELECT count(*) FROM every_type WHERE maybe IS NULL"); n < 25 || n > 75 {
		t.Errorf("%d of 500 are NULL where they may be, want about 50", n)
	}
	if n := one[int](t, url, "SELECT count(DISTINCT feeling) + count(DISTINCT flag) FROM every_type"); n != 5 {
		t.Errorf("enum and boolean have %d values in use, want 3 and 2", n)
	}
}

const shop = `
CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE people (tenant int NOT NULL REFERENCES tenants, id bigint GENERATED ALWAYS AS IDENTITY, email text NOT NULL CHECK (email LIKE '%@%'),
    boss bigint, PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, boss) REFERENCES people (tenant, id));
CREATE UNIQUE INDEX ON people (lower(email));
CREATE TABLE roles (id int PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('reader', 'writer')));
CREATE TABLE grants (tenant int NOT NULL, person bigint NOT NULL, role int NOT NULL REFERENCES roles, since timestamptz NOT NULL, until timestamptz NOT NULL,
    CHECK (until > since), PRIMARY KEY (tenant, person, role), FOREIGN KEY (tenant, person) REFERENCES people);
CREATE TABLE settings (tenant int NOT NULL UNIQUE REFERENCES tenants, theme text CHECK (theme = 'dark' OR theme IS NULL), size int NOT NULL CHECK (size BETWEEN 7 AND 9));
CREATE TABLE switches (on_off boolean NOT NULL UNIQUE);
CREATE TABLE nodes (id int PRIMARY KEY, parent int NOT NULL REFERENCES nodes);
CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
CREATE TABLE contact (mail text, phone text, CHECK (num_nonnulls(mail, phone) >= 1));
CREATE TABLE hashes (h bytea PRIMARY KEY CHECK (octet_length(h) = 32), short bytea NOT NULL CHECK (octet_length(short) = 16));
CREATE TABLE measures (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE measures_all PARTITION OF measures DEFAULT;`

func TestRowsSatisfyConstraints(t *testing.T) {
	t.Parallel()
	o := rehearse.Options{Files: load(t, shop, "", "SELECT 1", "SELECT 1"), DefaultRows: 300, Rows: map[string]int64{"tenants": 20, "roles": 7, "grants": 2000}}
	url := elsewhere(t, &o)
	report := rehearsal(t, o)
	want := map[string]int64{"tenants": 20, "people": 300, "roles": 7, "grants": 2000, "settings": 20, "switches": 2, "nodes": 300, "a": 300, "b": 300,
		"contact": 300, "hashes": 300, "measures": 300}
	for _, table := range report.Tables {
		if n := one[int64](t, url, "SELECT count(*) FROM "+table.Name); n != want[table.Name] || n != table.Rows {
			t.Errorf("%s has %d rows, is reported with %d (%s), want %d", table.Name, n, table.Rows, table.Note, want[table.Name])
		}
		delete(want, table.Name)
	}
	if len(want) > 0 {
		t.Errorf("not filled: %v", want)
	}
	// Rows were written without the foreign keys' triggers, so ask them now.
	exec(t, url, `DO $$ DECLARE k record; BEGIN
    FOR k IN SELECT conrelid::regclass AS t, conname, pg_get_constraintdef(oid) AS def FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', k.t, k.conname, k.conname, k.def);
    END LOOP; END $$`)
	if n := one[int](t, url, "SELECT count(DISTINCT role) FROM grants"); n != 7 {
		t.Errorf("grants lead to %d roles, want all 7", n)
	}
}

// Of many rows the indexes are built afterwards; none may stay behind unready.
func TestManyRows(t *testing.T) {
	t.Parallel()
	const up = `CREATE TABLE many (id uuid PRIMARY KEY, n int NOT NULL UNIQUE, other text, kind text NOT NULL, EXCLUDE USING hash (n WITH =));
CREATE INDEX ON many (other) WHERE other IS NOT NULL; CREATE INDEX ON many (lower(kind))`
	o := rehearse.Options{Files: load(t, up, "", "INSERT INTO many SELECT gen_random_uuid(), -1, '', ''", "DELETE FROM many WHERE n = -1"), DefaultRows: 30_000}
	url := elsewhere(t, &o)
	if r := rehearsal(t, o); !r.Good || r.Tables[0].Rows != 30_000 {
		t.Errorf("%+v", r)
	}
	exec(t, url, `SET enable_seqscan = off; SET enable_bitmapscan = off; DO $$ BEGIN
    ASSERT (SELECT count(*) FROM many WHERE n >= -1) = 30000, 'by n';
    ASSERT (SELECT count(*) FROM many WHERE lower(kind) > '') = 30000, 'by kind'; END $$`)
	if n := one[int](t, url, "SELECT count(*) FROM pg_index WHERE indrelid = 'many'::regclass AND indisready AND indisvalid"); n != 5 {
		t.Errorf("%d indexes are ready, want 5", n)
	}
	o = rehearse.Options{Files: load(t, "CREATE TABLE same (a int); CREATE UNIQUE INDEX same_idx ON same ((a * 0))", "", noop, noop), DefaultRows: 30_000}
	o.Applied = o.Files[0].Version
	elsewhere(t, &o)
	_, err := rehearse.Run(t.Context(), o)
	var refused *rehearse.RowsError
	if !errors.As(err, &refused) || refused.Constraint != "same_idx" {
		t.Errorf("got %v", err)
	}
}

func TestRefusedRowsAreNamed(t *testing.T) {
	t.Parallel()
	const odd = `CREATE TABLE odd (n int NOT NULL CONSTRAINT impossible CHECK (n * n = 1522756)); CREATE TABLE fine (n int);`
	o := rehearse.Options{Files: load(t, odd, "", "SELECT 1", "SELECT 1"), DefaultRows: 10}
	o.Applied = o.Files[0].Version
	elsewhere(t, &o)
	_, err := rehearse.Run(t.Context(), o)
	var refused *rehearse.RowsError
	if !errors.As(err, &refused) || refused.Table != "odd" || refused.Constraint != "impossible" || hint(err) != "leave the table out: --rows odd=0" {
		t.Fatalf("got %v (hint: %s)", err, hint(err))
	}
	o.Rows = map[string]int64{"odd": 0}
	if report := rehearsal(t, rehearse.Options{Files: o.Files, Rows: o.Rows, DefaultRows: 10}); !report.Good {
		t.Errorf("faults: %v", report.Faults)
	}
	o.Rows = map[string]int64{"odd": 10}
	o.Values = map[string]string{"odd.n": "1234", "odd.gone": "1"}
	if report := rehearsal(t, rehearse.Options{Files: o.Files, Rows: o.Rows, Values: o.Values}); report.Tables[0].Rows+report.Tables[1].Rows != 10 {
		t.Errorf("tables: %+v", report.Tables)
	}
	o.Rows = map[string]int64{"of": 10}
	elsewhere(t, &o)
	if _, err := rehearse.Run(t.Context(), o); err == nil || err.Error() != "there is no table of" || hint(err) != "at that version there are: fine, odd" {
		t.Errorf("got %v (hint: %s)", err, hint(err))
	}
}
