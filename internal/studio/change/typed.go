package change

import (
	"context"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

// Canonical asks PostgreSQL how it writes a value of the column's type.
func Canonical(ctx context.Context, db *database.DB, l database.Limits, c *catalog.Column, text string) (string, error) {
	var found [][]*string
	err := db.Read(ctx, l, func(tx *database.Tx) (err error) {
		found, err = tx.Query(ctx, "SELECT CAST(CAST($1 AS "+c.Type.Identifier()+") AS pg_catalog.text)", &text)
		return err
	})
	if err != nil || len(found) != 1 || found[0][0] == nil {
		return text, err
	}
	return *found[0][0], nil
}

// Stored asks how a value stands in a column of the declared type, such as
// numeric(10,2), timestamp(0) or a domain of one: whole says that it is the same
// value, and nothing of it is rounded or left out. The declared type is text that
// PostgreSQL itself wrote, and quoted.
func Stored(ctx context.Context, db *database.DB, l database.Limits, c *catalog.Column, text string) (stored string, whole bool, err error) {
	t := c.Type
	if !c.Domain && !strings.Contains(c.Shown, "(") && !strings.HasPrefix(c.Shown, "interval ") {
		return text, true, nil // nothing is declared that could
	}
	same := "CAST(v AS pg_catalog.text) = CAST(w AS pg_catalog.text)"
	if t.OpSchema != "" {
		same = "v OPERATOR(" + quote(t.OpSchema) + ".=) w"
	}
	var found [][]*string
	err = db.Read(ctx, l, func(tx *database.Tx) (err error) {
		found, err = tx.Query(ctx, "SELECT CAST(w AS pg_catalog.text), "+same+" FROM (SELECT v, CAST(v AS "+c.Shown+") AS w FROM (SELECT CAST($1 AS "+t.Identifier()+") AS v) AS given) AS stored", &text)
		return err
	})
	if err != nil || len(found) != 1 || found[0][0] == nil || found[0][1] == nil {
		return text, true, err
	}
	return *found[0][0], *found[0][1] == "t", nil
}
