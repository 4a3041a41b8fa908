package catalog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// large is a schema of n tables, each with ten columns, a key, a foreign key, a
// check, three more indexes, comments and a trigger; with a function, a view and
// an enum for every tenth.
func large(n int) string {
	var b strings.Builder
	b.WriteString("CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n")
	for i := range n {
		if i%10 == 0 {
			fmt.Fprintf(&b, "CREATE TYPE e%d AS ENUM ('new', 'old');\n", i)
		}
		fmt.Fprintf(&b, `CREATE TABLE t%[1]d (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint REFERENCES t%[2]d, name text NOT NULL,
    email varchar(200) UNIQUE, state e%[3]d NOT NULL DEFAULT 'new', score numeric(10, 2) DEFAULT 0 CHECK (score >= 0), tags text[], data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON t%[1]d (parent); CREATE INDEX ON t%[1]d (lower(name)); CREATE INDEX ON t%[1]d (created_at, id) WHERE state = 'new';
COMMENT ON TABLE t%[1]d IS 'Table %[1]d'; COMMENT ON COLUMN t%[1]d.name IS 'Its name'; COMMENT ON COLUMN t%[1]d.data IS 'What else is known';
CREATE TRIGGER touch BEFORE UPDATE ON t%[1]d FOR EACH ROW EXECUTE FUNCTION touch();
`, i, max(0, i-1), i/10*10)
		if i%10 == 9 {
			fmt.Fprintf(&b, `CREATE FUNCTION f%[1]d(n bigint) RETURNS text LANGUAGE sql STABLE RETURN (SELECT name FROM t%[1]d WHERE id = n);
CREATE VIEW v%[1]d AS SELECT t.name, p.name AS parent FROM t%[1]d t LEFT JOIN t%[2]d p ON p.id = t.parent;
`, i, i-1)
		}
	}
	return b.String()
}

// 200 tables are to be read and hashed within 100 ms. A server process that has
// not seen the schema yet must load it into its caches first: the first figure
// is that of a command which has just connected.
func BenchmarkFingerprint200Tables(b *testing.B) {
	url := pgtest.Empty(b)
	d := open(b, url)
	d.run(large(200))
	d.run("VACUUM ANALYZE")
	c := d.read()
	b.Logf("%d objects, %d bytes of text", len(c.Objects), len(c.Text()))
	b.Run("new connection", func(b *testing.B) {
		var reading time.Duration
		for b.Loop() {
			conn, err := pgx.Connect(b.Context(), url)
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			fingerprint(b, conn)
			reading += time.Since(start)
			if err := conn.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(reading.Microseconds())/1000/float64(b.N), "ms/fingerprint")
	})
	b.Run("same connection", func(b *testing.B) {
		for b.Loop() {
			fingerprint(b, d.Conn)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/fingerprint")
	})
}

func fingerprint(b *testing.B, conn *pgx.Conn) {
	c, err := catalog.Read(b.Context(), conn, "public")
	if err != nil || len(c.Fingerprint()) != 64 {
		b.Fatal(err)
	}
}
