package load

import (
	"context"
	"strconv"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

// Target says what of a table an import may fill, under the role that writes.
type Target struct {
	// Refused is why nothing can go in, "" where something can.
	Refused string
	// Open are the columns that can be filled; Closed say why one cannot.
	Open   []*catalog.Column
	Closed map[*catalog.Column]string
	// Needed have no default and cannot be NULL.
	Needed []*catalog.Column
	// Unskipped is why lines whose key is there cannot be passed over, "" where
	// they can.
	Unskipped string
}

const rightsSQL = `SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = CAST($1 AS pg_catalog.oid) AND a.attnum > 0 AND NOT a.attisdropped
AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT')`

// Look asks which columns the transaction's role may insert into.
func Look(ctx context.Context, tx *database.Tx, t *catalog.Table) (*Target, error) {
	target := &Target{Closed: make(map[*catalog.Column]string)}
	if t.Kind != catalog.Plain && t.Kind != catalog.Partitioned {
		target.Refused = t.Label() + " is a " + t.Kind.String() + ": rows go into the tables behind it"
		return target, nil
	}
	oid := strconv.FormatUint(uint64(t.OID), 10)
	answer, err := tx.Query(ctx, rightsSQL, &oid)
	if err != nil {
		return nil, err
	}
	granted := make(map[string]bool)
	for _, row := range answer {
		granted[*row[0]] = true
	}
	for _, c := range t.Columns {
		why := closed(c, granted[strconv.Itoa(c.Num)])
		if why == "" {
			target.Open = append(target.Open, c)
		} else {
			target.Closed[c] = why
		}
		if c.NotNull && c.Default == "" && c.Identity == "" && c.Generated == "" {
			target.Needed = append(target.Needed, c)
			if why != "" {
				target.Refused = c.Name + " needs a value in every row and cannot be given one here: it is " + why
			}
		}
	}
	if len(target.Open) == 0 {
		target.Refused = "this role may not insert into " + t.Label()
	}
	switch {
	case len(t.Key) == 0:
		target.Unskipped = t.Keyless()
	case t.KeyDeferrable:
		target.Unskipped = "its key may be checked as late as COMMIT (DEFERRABLE)"
	}
	return target, nil
}

// closed is why a column cannot be filled, "" where it can.
func closed(c *catalog.Column, granted bool) string {
	switch {
	case c.Masked:
		return "masked, and is never typed or read"
	case c.Generated != "":
		return "generated: PostgreSQL computes it"
	case c.Identity == "a":
		return "an identity: PostgreSQL counts it"
	case !granted:
		return "closed to this role"
	}
	return ""
}
