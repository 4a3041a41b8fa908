package lint_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/lint"
)

// counter counts what is asked of the server that reads its whole catalogue.
type counter struct{ looks int }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, "'relations'") {
		c.looks++
	}
	return ctx
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A file of 20,000 rows is looked at as often as one of two.
func TestManyRows(t *testing.T) {
	t.Parallel()
	var up strings.Builder
	up.WriteString("-- lint:allow down-missing because this is a test\nCREATE TABLE seeds (id int PRIMARY KEY, what text);\n")
	for i := range 20_000 {
		fmt.Fprintf(&up, "INSERT INTO seeds VALUES (%d, 'a seed');\n", i)
	}
	for i := range 100 {
		fmt.Fprintf(&up, "INSERT INTO notes (id) VALUES (%d);\nUPDATE seeds SET what = (SELECT body FROM notes LIMIT 1) WHERE id = %d;\n", i, i)
	}
	up.WriteString("ALTER TABLE notes DROP COLUMN body;\n")
	files := folder(t, base, "", up.String(), "")
	var c counter
	open := shadowOf(t)
	counted := func(ctx context.Context) (*pgx.ConnConfig, func(context.Context) error, error) {
		config, closing, err := open(ctx)
		if config != nil {
			config.Tracer = &c
		}
		return config, closing, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found, err := lint.Run(ctx, files, lint.Options{Shadow: counted, Only: []string{files[1].Version}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "20203 error drop-column"; len(found) != 1 || !strings.HasPrefix(text(found), want) {
		t.Errorf("got %s, want %s", text(found), want)
	}
	if c.looks > 10 {
		t.Errorf("the database was looked at %d times", c.looks)
	}
}

// Rows can set off anything, and what they set off is found.
func TestRowsThatDoMore(t *testing.T) {
	t.Parallel()
	const trigger = `CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DROP TABLE notes; RETURN NEW; END';
CREATE TRIGGER drops BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION drops();`
	for name, up := range map[string]string{
		"at the end":                 "INSERT INTO users (id) VALUES (1);",
		"before others":              "INSERT INTO users (id) VALUES (1);\nALTER TABLE paints ADD COLUMN x int;",
		"before a setting":           "INSERT INTO users (id) VALUES (1);\nSET LOCAL work_mem = 64;\nSELECT 1;",
		"outside":                    outside + "INSERT INTO users (id) VALUES (1);\nCREATE INDEX CONCURRENTLY i ON paints (id);",
		"rows of a table of another": "CREATE TABLE s (a int);\nUPDATE s SET a = 1;\nINSERT INTO users (id) VALUES (1);",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := run(t, folder(t, base, "", trigger, "", up, ""))
			drops := func(f lint.Finding) bool { return f.Rule == lint.DropTable }
			if !slices.ContainsFunc(found, drops) {
				t.Errorf("nothing is dropped, by\n%s\nfound:\n%s", up, text(found))
			}
		})
	}
}
