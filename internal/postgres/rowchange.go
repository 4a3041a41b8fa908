package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// RowChange is one change of one row by hand, in any table of the database.
type RowChange struct {
	// Table is "schema.table", What "insert", "update", "delete", "import" or "sql".
	Table, What string
	// Key names the row.
	Key []string
	// Before and After are the columns that changed, as text; nil is NULL.
	// Masked columns are not among them; those that were cleared are in Cleared.
	Before, After map[string]*string
	Cleared       []string
	// File is what was imported, Rows how many rows it brought.
	File string
	Rows int64
	// Statement is what was typed.
	Statement string
}

// detailLimit is how much of one value the record keeps, in bytes.
const detailLimit = 1000

// ClaimChange says who makes the changes of this transaction, for the triggers
// that record them.
func ClaimChange(ctx context.Context, tx pgx.Tx, actor Actor) error {
	err := query.New(tx).Claim(ctx, query.ClaimParams{Actor: clean(actor.Name, 200), Address: clean(actor.Address, 100), Reason: clean(actor.Reason, 4000)})
	return fault(err, "saying who makes the change")
}

// RecordChange writes an event about a change in the transaction that makes it.
// A database that is not af-auth's own has no record, and none is written.
func RecordChange(ctx context.Context, tx pgx.Tx, actor Actor, c RowChange) error {
	q := query.New(tx)
	ours, err := q.KeepsRecord(ctx)
	if err != nil || !ours {
		return fault(err, "looking for the record")
	}
	facts := map[string]any{"table": clean(c.Table, 200), "what": c.What, "key": clean(strings.Join(c.Key, ", "), detailLimit),
		"before": kept(c.Table, c.Before), "after": kept(c.Table, c.After), "cleared": c.Cleared}
	if c.Statement != "" {
		// Its end may be far behind what is kept of it.
		facts = map[string]any{"what": c.What, "statement": clean(c.Statement, 4*detailLimit), "bytes": len(c.Statement),
			"sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(c.Statement)))}
	}
	if c.File != "" {
		facts = map[string]any{"table": clean(c.Table, 200), "what": c.What, "file": clean(c.File, detailLimit), "rows": c.Rows}
	}
	details, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	return fault(q.NoteEvent(ctx, query.NoteEventParams{Kind: string(afauth.EventTableChanged), Actor: orNull(actor.Name, 200),
		Address: orNull(actor.Address, 100), Reason: orNull(actor.Reason, 4000), Details: details}), "recording the change")
}

// personal are the columns of our own tables that tell of a person. The record
// holds ids and no such values, so that forgetting somebody needs no change of
// it: of these it says only that they changed.
var personal = map[string][]string{
	"users":    {"login", "name", "email", "avatar_url"},
	"sessions": {"user_agent"},
}

// kept shortens long values, and leaves out personal ones.
func kept(table string, values map[string]*string) map[string]*string {
	all := make(map[string]*string, len(values))
	_, name, _ := strings.Cut(table, ".")
	withheld := "not kept"
	for column, v := range values {
		if v != nil && slices.Contains(personal[name], column) {
			v = &withheld
		}
		if v != nil && len(*v) > detailLimit {
			cut := clean(*v, detailLimit) + "…"
			v = &cut
		}
		all[column] = v
	}
	return all
}
