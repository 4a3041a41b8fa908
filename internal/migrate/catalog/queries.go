package catalog

import "strings"

// Each query lists objects. Its columns kind, of, name, position, owner and
// grants are the fields of an Object; every other column is an attribute of that
// name, left out where it is NULL or empty.
//
// Parameters: $1 the schema's name, $2 an array of relations to leave out, $3
// the search_path to deparse under.
//
// All words are resolved while the search_path is pg_catalog, so none is
// qualified. Functions that are written in SQL, such as obj_description, must
// not be called: their bodies are parsed when they run, under the other path.

// queries returns them all. A sequence, an index and a trigger are left out with
// the relation they belong to.
func queries() []string {
	list := []string{
		ownQuery, schemaQuery, extensionQuery, typeQuery, collationQuery, conversionQuery,
		relationQuery, columnQuery, constraintQuery, indexQuery, sequenceQuery, statisticsQuery,
		routineQuery, aggregateQuery, operatorQuery, operatorFamilyQuery, operatorClassQuery, searchQuery,
		triggerQuery, ruleQuery, policyQuery, eventTriggerQuery, defaultRightsQuery,
	}
	for i, q := range list {
		list[i] = expand(q)
	}
	return list
}

// expand replaces the words in braces, which would be long otherwise.
//
//	{space}                the OID of the schema
//	{own}                  a CTE "own": the relations that count
//	{path}                 a condition that is true, and sets the search_path
//	{comment:X:CLASS}      a join "note" to the comment of the object with OID X
//	{foreign:X:CLASS}      true where an extension owns the object with OID X
//	{grants:ACL:TYPE:X}    rights, as JSON; X is the owner
//	{role:X}               the quoted name of the role with OID X
func expand(q string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(q, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		word, after, _ := strings.Cut(rest, "}")
		b.WriteString(fragment(strings.Split(word, ":")))
		q = after
	}
}

func fragment(word []string) string {
	switch word[0] {
	case "space":
		return `(SELECT oid FROM pg_namespace WHERE nspname = $1::name)`
	case "path":
		// A subquery without a reference to outside runs once, and before any row.
		return `(SELECT set_config('search_path', $3::text, true)) IS NOT NULL`
	case "own":
		return ownFragment
	case "comment":
		return "LEFT JOIN pg_description note ON note.objoid = " + word[1] +
			" AND note.classoid = '" + word[2] + "'::regclass AND note.objsubid = 0"
	case "foreign":
		return "EXISTS (SELECT FROM pg_depend member WHERE member.classid = '" + word[2] +
			"'::regclass AND member.objid = " + word[1] + " AND member.deptype = 'e')"
	case "grants":
		written := strings.NewReplacer("@acl", word[1], "@owner", word[3]).Replace(grantsFragment)
		// The same for every object of a kind, whoever owns it: worked out once.
		usual := strings.NewReplacer("@acl", "acldefault('"+word[2]+"', 10)", "@owner", "10").Replace(grantsFragment)
		return "CASE WHEN " + word[1] + " IS NULL THEN " + usual + " ELSE " + written + " END"
	case "role":
		return "quote_ident(pg_get_userbyid(" + word[1] + "))"
	}
	panic("catalog: no fragment " + word[0]) // a misspelt query, which every test meets
}

// ownQuery finds the relations that count, and keeps their OIDs in a setting of
// the transaction: each later query would have to find them again, and a second
// round trip costs more. It lists no object.
//
// A sequence that belongs to a column is left out with the table of that column.
const ownQuery = `SELECT '' AS kind
FROM pg_class c
WHERE c.relnamespace = {space} AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
    AND c.relname::text <> ALL ($2::text[])
    AND NOT {foreign:c.oid:pg_class}
    AND NOT (c.relkind = 'S' AND EXISTS (
        SELECT FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
            AND d.refclassid = 'pg_class'::regclass AND t.relname::text = ANY ($2::text[])))
HAVING set_config('af_auth.catalog_own', coalesce(array_agg(c.oid), ARRAY[]::oid[])::text, true) IS NULL`

// The list is read once, by a scan of its own: in a condition it would be read
// again for every row of pg_class.
const ownFragment = `own AS (SELECT c.* FROM unnest(current_setting('af_auth.catalog_own')::oid[]) list (oid) JOIN pg_class c ON c.oid = list.oid)`

// Without a list of its own an object has PostgreSQL's default rights; written
// out, both ways of saying the same are equal.
const grantsFragment = `(SELECT json_agg(json_build_object(
        'privilege', a.privilege_type,
        'role', CASE a.grantee WHEN 0 THEN 'PUBLIC' WHEN @owner THEN 'OWNER' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
        'option', a.is_grantable AND a.grantee <> @owner,
        'by', CASE WHEN a.grantor <> @owner THEN quote_ident(pg_get_userbyid(a.grantor)) ELSE '' END))
    FROM aclexplode(@acl) a)`

// The comment that initdb gives to public says nothing.
const schemaQuery = `SELECT 'schema' AS kind, '' AS of, '' AS name,
    CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN quote_ident(current_user) END AS "no usage",
    nullif(note.description, 'standard public schema') AS comment,
    {role:n.nspowner} AS owner, {grants:n.nspacl:n:n.nspowner} AS grants
FROM pg_namespace n {comment:n.oid:pg_namespace}
WHERE n.nspname = $1::name AND {path}`

// Versions are left out: they come and go with the server's packages.
const extensionQuery = `SELECT 'extension' AS kind, '' AS of, quote_ident(e.extname) AS name,
    CASE WHEN n.oid = {space} THEN 'this one' ELSE quote_ident(n.nspname) END AS schema,
    {role:e.extowner} AS owner
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE {path} AND e.extname::text <> ALL ($2::text[])`

const relationQuery = `WITH {own}
SELECT CASE c.relkind WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind,
    '' AS of, quote_ident(c.relname) AS name,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
    CASE c.relpersistence WHEN 'u' THEN 'yes' END AS unlogged,
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS "partition by",
    pg_get_expr(c.relpartbound, c.oid) AS "partition",
    parent.list AS inherits,
    CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS "of type",
    CASE WHEN a.amname <> 'heap' THEN quote_ident(a.amname) END AS "access method",
    CASE WHEN c.reloptions IS NOT NULL OR t.reloptions IS NOT NULL THEN
        (SELECT string_agg(o, ', ' ORDER BY o) FROM (SELECT unnest(c.reloptions) UNION ALL SELECT 'toast.' || unnest(t.reloptions)) x (o)) END AS options,
    CASE WHEN c.relrowsecurity THEN 'yes' END AS "row security",
    CASE WHEN c.relforcerowsecurity THEN 'yes' END AS "row security forced",
    CASE c.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' WHEN 'i' THEN
        'USING INDEX ' || (SELECT quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisreplident) END AS "replica identity",
    quote_ident(s.srvname) AS server, array_to_string(f.ftoptions, ', ') AS "foreign options",
    note.description AS comment, {role:c.relowner} AS owner, {grants:c.relacl:r:c.relowner} AS grants
FROM own c
    LEFT JOIN pg_am a ON a.oid = c.relam
    LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
    LEFT JOIN (SELECT inhrelid, string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits GROUP BY inhrelid)
        parent (oid, list) ON parent.oid = c.oid
    LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
    {comment:c.oid:pg_class}
WHERE c.relkind <> 'S' AND {path}`

const columnQuery = `WITH {own}
SELECT 'column' AS kind, quote_ident(c.relname) AS of, quote_ident(a.attname) AS name,
    rank() OVER (PARTITION BY a.attrelid ORDER BY a.attnum)::text AS position,
    format_type(a.atttypid, a.atttypmod) AS type,
    CASE WHEN a.attnotnull THEN 'yes' END AS "not null",
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS "default",
    CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity,
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END AS generated,
    CASE a.attgenerated WHEN 'v' THEN 'yes' END AS virtual,
    CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN a.attcollation::regcollation::text END AS collation,
    CASE WHEN a.attstorage <> t.typstorage THEN
        CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END END AS storage,
    CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END AS statistics,
    CASE WHEN a.attoptions IS NOT NULL THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) o) END AS options,
    array_to_string(a.attfdwoptions, ', ') AS "foreign options",
    note.description AS comment,
    CASE WHEN a.attacl IS NOT NULL THEN {grants:a.attacl:c:c.relowner} END AS grants
FROM own c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_description note ON note.objoid = c.oid AND note.classoid = 'pg_class'::regclass AND note.objsubid = a.attnum
WHERE c.relkind <> 'S' AND {path}`

// NOT NULL is an attribute of the column; since version 18 it is a constraint as
// well, which says more only where it is not valid. A foreign key works by
// triggers, and ALTER TABLE … DISABLE TRIGGER ALL switches it off.
const constraintQuery = `WITH {own}
SELECT 'constraint' AS kind, quote_ident(coalesce(c.relname, t.typname)) AS of, quote_ident(k.conname) AS name,
    pg_get_constraintdef(k.oid) AS definition,
    CASE WHEN k.contype = 'f' AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') THEN 'no' END AS enabled,
    note.description AS comment
FROM pg_constraint k
    LEFT JOIN own c ON c.oid = k.conrelid
    LEFT JOIN pg_type t ON t.oid = k.contypid AND t.typnamespace = {space} AND NOT {foreign:t.oid:pg_type}
    {comment:k.oid:pg_constraint}
WHERE (c.oid IS NOT NULL OR t.oid IS NOT NULL) AND k.contype <> 't' AND (k.contype <> 'n' OR NOT k.convalidated) AND {path}`

// The index of a constraint is listed beside it, because it can be invalid by
// itself. What it is stands in the constraint.
const indexQuery = `WITH {own}
SELECT 'index' AS kind, quote_ident(c.relname) AS of, quote_ident(x.relname) AS name,
    CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid, 0, true) END AS definition,
    CASE WHEN k.oid IS NOT NULL THEN array_to_string(x.reloptions, ', ') END AS options,
    CASE WHEN NOT i.indisvalid OR NOT i.indisready OR NOT i.indislive THEN 'invalid' END AS state,
    CASE WHEN i.indisclustered THEN 'yes' END AS clustered,
    quote_ident(p.relname) AS "part of", target.list AS statistics,
    note.description AS comment
FROM own c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
    LEFT JOIN pg_inherits h ON h.inhrelid = x.oid LEFT JOIN pg_class p ON p.oid = h.inhparent
    LEFT JOIN (SELECT attrelid, string_agg(attnum || ': ' || attstattarget, ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attnum > 0 AND attstattarget >= 0 GROUP BY attrelid) target (oid, list) ON target.oid = x.oid
    {comment:x.oid:pg_class}
WHERE {path}`

const sequenceQuery = `WITH {own}
SELECT 'sequence' AS kind, '' AS of, quote_ident(c.relname) AS name,
    format_type(s.seqtypid, NULL) AS type, s.seqstart::text AS start, s.seqincrement::text AS increment,
    s.seqmin::text AS minimum, s.seqmax::text AS maximum, s.seqcache::text AS cache,
    CASE WHEN s.seqcycle THEN 'yes' END AS cycle,
    CASE c.relpersistence WHEN 'u' THEN 'yes' END AS unlogged,
    d.refobjid::regclass::text || '.' || quote_ident(a.attname) AS "owned by",
    CASE d.deptype WHEN 'i' THEN 'yes' END AS identity,
    note.description AS comment, {role:c.relowner} AS owner, {grants:c.relacl:s:c.relowner} AS grants
FROM own c JOIN pg_sequence s ON s.seqrelid = c.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype IN ('a', 'i')
        AND d.refclassid = 'pg_class'::regclass
    LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    {comment:c.oid:pg_class}
WHERE {path}`

const statisticsQuery = `WITH {own}
SELECT 'statistics' AS kind, quote_ident(c.relname) AS of, quote_ident(s.stxname) AS name,
    pg_get_statisticsobjdef_columns(s.oid) AS columns,
    (SELECT string_agg(k::text, ', ' ORDER BY k) FROM unnest(s.stxkind) k WHERE k <> 'e') AS kinds,
    CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::text END AS target,
    note.description AS comment, {role:s.stxowner} AS owner
FROM pg_statistic_ext s JOIN own c ON c.oid = s.stxrelid
    {comment:s.oid:pg_statistic_ext}
WHERE s.stxnamespace = {space} AND {path}`
