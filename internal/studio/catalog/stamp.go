package catalog

import (
	"context"
	"fmt"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/database"
)

// stamped are the catalogue's tables that Load reads or that its functions look
// into: what names a row, and which rows there are beside those of initdb, whose
// OIDs are below 16384 and which nobody changes. xmin says which version of a
// row is there; roles have none to be seen, so that they are taken by value.
// Statistics are changed in place, under the old xmin, and are no part of it.
var stamped = []struct{ table, row, where string }{
	{"pg_class", "oid, xmin", "oid >= 16384"},
	{"pg_attribute", "attrelid, attnum, xmin", "attrelid >= 16384 AND attnum > 0"},
	{"pg_attrdef", "oid, xmin", "oid >= 16384"},
	{"pg_constraint", "oid, xmin", "oid >= 16384"},
	{"pg_index", "indexrelid, xmin", "indexrelid >= 16384"},
	{"pg_inherits", "inhrelid, inhparent, xmin", "true"},
	{"pg_description", "objoid, classoid, objsubid, xmin", "objoid >= 16384"},
	{"pg_rewrite", "oid, xmin", "oid >= 16384"},
	{"pg_depend", "classid, objid, objsubid, refobjid, refobjsubid, xmin",
		"refclassid = 'pg_class'::regclass AND refobjid >= 16384 AND refobjsubid > 0"},
	// The types of rows, and arrays of them, come and go with their tables.
	{"pg_type", "oid, xmin", "oid >= 16384 AND typtype <> 'c' AND (typtype <> 'b' OR typcategory <> 'A')"},
	{"pg_enum", "oid, xmin", "true"},
	{"pg_proc", "oid, xmin", "oid >= 16384"},
	{"pg_operator", "oid, xmin", "oid >= 16384"},
	{"pg_opclass", "oid, xmin", "oid >= 16384"},
	{"pg_amop", "oid, xmin", "oid >= 16384"},
	{"pg_collation", "oid, xmin", "oid >= 16384"},
	{"pg_am", "oid, xmin", "oid >= 16384"},
	{"pg_namespace", "oid, xmin", "true"},
	{"pg_database", "oid, xmin", "datname = current_database()"},
	{"pg_auth_members", "roleid, member, xmin", "true"},
	{"pg_roles", "oid, rolname, rolsuper, rolinherit", "true"},
}

var stampSQL = func() string {
	parts := []string{"current_user", "current_setting('server_version')"}
	for _, t := range stamped {
		parts = append(parts, "(SELECT sum(hash_record_extended(ROW("+t.row+"), 0)) FROM "+t.table+" WHERE "+t.where+")")
	}
	return "SELECT concat_ws(' ', " + strings.Join(parts, ", ") + ")"
}()

// Stamp says which version of the catalogue the transaction sees, at a fraction
// of what Load costs. While two stamps are equal, Load returns the same, but for
// estimates of rows.
func Stamp(ctx context.Context, tx *database.Tx) (string, error) {
	answer, err := tx.Query(ctx, stampSQL)
	if err != nil {
		return "", fmt.Errorf("take the catalogue's stamp: %w", err)
	}
	return record(answer[0]).text(0), nil
}
