package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// stamped is a table of the catalogue, and how a stamp sees its rows.
type stamped struct {
	table string // without pg_
	row   string // what names a row; xmin says which version of it is there
	where string // which rows there are of people's, not of initdb's
	rare  string // it is looked at only where such a row is there; "": always
}

// From 16,384 on, OIDs are given to what people make (FirstNormalObjectId). Operators
// and functions are written with their schema: nobody's own may stand in.
const made = " OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid"

// stampedTables hold what the text of a catalogue is made of. What is always
// looked at is enough to see that something new came to be, whatever it is: it
// depends on a table, a schema or an extension, or is a row there itself. What is
// there already can be altered in its own table alone, so that is looked at too.
//
// pg_attrdef is not: a default that changes is another row, with another
// dependency on its column.
func stampedTables() []stamped {
	byOID := func(table, rare string) stamped {
		return stamped{table: table, row: "oid", where: "oid" + made, rare: rare}
	}
	return []stamped{
		byOID("class", ""),
		{table: "attribute", row: "attrelid, attnum", where: "attrelid" + made},
		byOID("proc", ""),
		byOID("constraint", ""),
		{table: "index", row: "indexrelid", where: "indexrelid" + made},
		// 2200 is the schema public, which initdb makes and people describe.
		{table: "description", row: "objoid, classoid, objsubid", where: "objoid" + made + " OR objoid OPERATOR(pg_catalog.=) '2200'::pg_catalog.oid"},
		// 1259, 2615 and 3079 are pg_class, pg_namespace and pg_extension.
		{table: "depend", row: "classid, objid, objsubid, refclassid, refobjid, refobjsubid", where: "refclassid OPERATOR(pg_catalog.=) '1259'::pg_catalog.oid AND refobjid" + made +
			" OR refclassid OPERATOR(pg_catalog.=) '2615'::pg_catalog.oid OR refclassid OPERATOR(pg_catalog.=) '3079'::pg_catalog.oid"},
		byOID("trigger", "oid"+made),
		byOID("rewrite", "oid"+made),
		byOID("statistic_ext", "oid"+made),
		byOID("enum", "oid"+made),
		{table: "sequence", row: "seqrelid", where: "seqrelid" + made, rare: "seqrelid" + made},
		{table: "inherits", row: "inhrelid, inhparent, inhseqno", where: "inhrelid" + made, rare: "inhrelid" + made},
		// The types of rows and arrays come and go with what they are made for.
		byOID("type", "oid"+made+" AND typtype OPERATOR(pg_catalog.<>) 'c' AND (typtype OPERATOR(pg_catalog.<>) 'b' OR typcategory OPERATOR(pg_catalog.<>) 'A')"),
		byOID("namespace", "oid"+made),
	}
}

// unstamped are tables whose rows nobody wants to follow for what they are worth:
// where people made one, and not an extension, there is no stamp. A policy also names roles, which can
// be renamed without a trace in this database's own tables.
func unstamped() []string {
	return []string{"policy", "collation", "conversion", "operator", "opfamily", "opclass", "amop", "amproc",
		"ts_parser", "ts_dict", "ts_template", "ts_config", "foreign_server", "foreign_data_wrapper", "language", "am", "transform"}
}

// Stamp says which versions of the catalogue's rows the database holds, without
// reading what is in them: a fraction of the cost of [Read]. While two stamps are
// equal, what Read returned at the first is what it would return at the second.
// Where they differ nothing follows: a temporary table, REINDEX and GRANT change
// a stamp as well, and another copy of the database has another.
//
// earlier is a stamp to compare with: the new one is taken in the same way. With
// "", or one that this release cannot take, the way is chosen from what is there.
// The answer is "" where a schema cannot be stamped.
//
// A stamp is of value only where it was taken outside of every transaction that
// changes the schema. Every change after that has a number of its own (xmin),
// also through VACUUM, which keeps it, and a crash. Before a number comes again,
// four thousand million transactions pass, and it would have to meet the same
// row. What PostgreSQL changes in place, under the old number, is statistics and
// hints, which are no part of a schema.
func Stamp(ctx context.Context, conn *pgx.Conn, earlier string) (string, error) {
	names, _, _ := strings.Cut(earlier, ":")
	tables, ok := chosen(names)
	if !ok {
		var err error
		if names, err = stampable(ctx, conn); err != nil || names == "" {
			return "", err
		}
		tables, _ = chosen(names)
	}
	var parts []string
	for _, t := range tables {
		parts = append(parts, "(SELECT pg_catalog.sum(pg_catalog.hash_record_extended(ROW("+t.row+", xmin), 0::pg_catalog.int8)) FROM pg_catalog.pg_"+
			t.table+" WHERE "+t.where+")")
	}
	sums, err := texts(ctx, conn, "SELECT "+strings.Join(parts, ", "))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(sums, " ")))
	return names + ":" + hex.EncodeToString(sum[:16]), nil
}

// chosen reads the names of tables in a stamp, and reports whether this release
// would write them so.
func chosen(names string) (list []stamped, ok bool) {
	wanted := strings.Split(names, ",")
	for _, t := range stampedTables() {
		switch {
		case len(wanted) > 0 && wanted[0] == t.table:
			list, wanted = append(list, t), wanted[1:]
		case t.rare == "":
			return nil, false
		}
	}
	return list, len(wanted) == 0
}

// stampable returns the names of the tables to look at, "" where there is
// something that a stamp does not see.
func stampable(ctx context.Context, conn *pgx.Conn) (string, error) {
	var names, exist []string
	for _, table := range unstamped() {
		exist = append(exist, "EXISTS (SELECT FROM pg_catalog.pg_"+table+" x WHERE x.oid"+made+" AND NOT "+ofExtension(table)+")")
	}
	for _, t := range stampedTables() {
		if t.rare != "" {
			exist = append(exist, "EXISTS (SELECT FROM pg_catalog.pg_"+t.table+" WHERE "+t.rare+")")
		}
	}
	found, err := texts(ctx, conn, "SELECT "+strings.Join(exist, ", "))
	if err != nil {
		return "", err
	}
	for range unstamped() {
		if found[0] == "t" {
			return "", nil
		}
		found = found[1:]
	}
	for _, t := range stampedTables() {
		if t.rare == "" {
			names = append(names, t.table)
			continue
		}
		if found[0] == "t" {
			names = append(names, t.table)
		}
		found = found[1:]
	}
	return strings.Join(names, ","), nil
}

// ofExtension is a condition on a row x: it came with an extension, and its text
// is no part of a schema's. What stands in an operator family belongs to where
// the family does.
func ofExtension(table string) string {
	class, id := table, "x.oid"
	if column, ok := map[string]string{"amop": "x.amopfamily", "amproc": "x.amprocfamily"}[table]; ok {
		class, id = "opfamily", column
	}
	return "EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_" + class +
		"'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) " + id + " AND d.deptype OPERATOR(pg_catalog.=) 'e')"
}

// texts returns the values of a query's one row.
func texts(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	res := conn.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	if res.Err != nil {
		return nil, fmt.Errorf("take the stamp of the schema: %w", res.Err)
	}
	out := make([]string, len(res.Rows[0]))
	for i, v := range res.Rows[0] {
		out[i] = string(v)
	}
	return out, nil
}
