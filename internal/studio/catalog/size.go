package catalog

import (
	"context"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/database"
)

const sizesSQL = `SELECT c.oid, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND ` + foreign

// Sizes returns the bytes that each table takes, with its indexes, by OID, and
// those of a partitioned table as the sum of its partitions. Asking waits for
// whoever holds a table for itself: give the transaction a short lock limit.
func (d *Database) Sizes(ctx context.Context, tx *database.Tx) (map[uint32]int64, error) {
	answer, err := tx.Query(ctx, sizesSQL)
	if err != nil {
		return nil, err
	}
	sizes := make(map[uint32]int64)
	for _, row := range answer {
		sizes[record(row).oid(0)] = record(row).int(1)
	}
	for _, t := range d.Tables {
		if t.Kind == Partitioned {
			continue
		}
		// A partition counts for each partitioned table above it.
		for up := t.Parent; up != nil; up = up.Parent {
			if up.Kind == Partitioned {
				sizes[up.OID] += sizes[t.OID]
			}
		}
	}
	return sizes, nil
}

// Thousands writes a number with commas: 1,204,318.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := len(s) % 3
	var b strings.Builder
	b.WriteString(s[:start])
	for i := start; i < len(s); i += 3 {
		if b.Len() > 0 && s[:start] != "-" {
			b.WriteByte(',')
		}
		b.WriteString(s[i : i+3])
	}
	return b.String()
}
