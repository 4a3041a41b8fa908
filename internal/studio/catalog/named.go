package catalog

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/database"
)

const namedSQL = `WITH RECURSIVE used(oid) AS (
	SELECT unnest($1::pg_catalog.oid[])
	UNION
	SELECT next.oid FROM used JOIN pg_type t ON t.oid = used.oid CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem)) next(oid)
	WHERE next.oid <> 0
)
SELECT t.oid, n.nspname, t.typname, t.typtype, t.typcategory, t.typbasetype, t.typelem, '', format_type(t.oid, NULL)
FROM used JOIN pg_type t ON t.oid = used.oid JOIN pg_namespace n ON n.oid = t.typnamespace`

// Answered describes the columns of an answer, which belong to no table: their
// names and the types that PostgreSQL gives them.
func Answered(ctx context.Context, tx *database.Tx, fields []database.Field) ([]*Column, error) {
	oids := make([]string, len(fields))
	for i, f := range fields {
		oids[i] = strconv.FormatUint(uint64(f.Type), 10)
	}
	list := "{" + strings.Join(oids, ",") + "}"
	found, err := tx.Query(ctx, namedSQL, &list)
	if err != nil {
		return nil, fmt.Errorf("read the types of an answer: %w", err)
	}
	l := &loader{types: types{raw: make(map[uint32]*rawType), labels: make(map[uint32][]string)}}
	shown := make(map[uint32]string)
	for _, row := range found {
		l.typ(row)
		shown[record(row).oid(0)] = record(row).text(8)
	}
	columns := make([]*Column, len(fields))
	for i, f := range fields {
		columns[i] = &Column{Num: i + 1, Name: f.Name, Type: l.types.of(f.Type), Shown: shown[f.Type], Readable: true}
	}
	return columns, nil
}

// Named is the cause of an error whose message begins with this name: it keeps
// its letters where the message becomes a sentence.
type Named string

// Error implements error.
func (n Named) Error() string { return "about " + string(n) }
