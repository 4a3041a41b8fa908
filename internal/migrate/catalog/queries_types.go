package catalog

// Types, and what gives them their behaviour.

// A table's row type, an array and a multirange come with something else.
const typeQuery = `SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type'
        WHEN 'r' THEN 'range type' ELSE 'base type' END AS kind,
    '' AS of, quote_ident(t.typname) AS name,
    (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels,
    CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS type,
    CASE WHEN t.typnotnull THEN 'yes' END AS "not null",
    CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) END AS "default",
    CASE WHEN t.typtype = 'd' AND t.typcollation <> 0 AND t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END AS collation,
    (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) ||
            CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END, ', ' ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes,
    (SELECT concat_ws(', ', 'SUBTYPE = ' || format_type(r.rngsubtype, NULL), 'SUBTYPE_OPCLASS = ' || o.opcname,
            'COLLATION = ' || nullif(r.rngcollation, 0)::regcollation, 'CANONICAL = ' || nullif(r.rngcanonical, 0)::oid::regproc,
            'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff, 0)::oid::regproc)
        FROM pg_range r JOIN pg_opclass o ON o.oid = r.rngsubopc WHERE r.rngtypid = t.oid) AS range,
    CASE WHEN t.typtype = 'b' THEN concat_ws(', ', 'INPUT = ' || t.typinput, 'OUTPUT = ' || t.typoutput, 'LENGTH = ' || t.typlen,
        'ALIGN = ' || t.typalign::text, 'STORAGE = ' || t.typstorage::text, 'CATEGORY = ' || t.typcategory::text) END AS base,
    note.description AS comment, {role:t.typowner} AS owner, {grants:t.typacl:T:t.typowner} AS grants
FROM pg_type t
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    LEFT JOIN pg_type b ON b.oid = t.typbasetype
    {comment:t.oid:pg_type}
WHERE t.typnamespace = {space} AND NOT {foreign:t.oid:pg_type} AND t.typisdefined AND {path}
    AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c'
        OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type el WHERE el.typarray = t.oid))`

// Columns that not every version has are read by name.
const collationQuery = `SELECT 'collation' AS kind, '' AS of, quote_ident(c.collname) AS name,
    c.collprovider::text AS provider, c.collcollate::text AS lc_collate, c.collctype::text AS lc_ctype,
    coalesce(to_json(c) ->> 'colllocale', to_json(c) ->> 'colliculocale') AS locale, to_json(c) ->> 'collicurules' AS rules,
    CASE WHEN NOT c.collisdeterministic THEN 'no' END AS deterministic,
    note.description AS comment, {role:c.collowner} AS owner
FROM pg_collation c
    {comment:c.oid:pg_collation}
WHERE c.collnamespace = {space} AND NOT {foreign:c.oid:pg_collation} AND {path}`

const conversionQuery = `SELECT 'conversion' AS kind, '' AS of, quote_ident(c.conname) AS name,
    pg_encoding_to_char(c.conforencoding)::text AS "from", pg_encoding_to_char(c.contoencoding)::text AS "to",
    c.conproc::oid::regproc::text AS function, CASE WHEN c.condefault THEN 'yes' END AS "default",
    note.description AS comment, {role:c.conowner} AS owner
FROM pg_conversion c
    {comment:c.oid:pg_conversion}
WHERE c.connamespace = {space} AND NOT {foreign:c.oid:pg_conversion} AND {path}`

const operatorQuery = `SELECT 'operator' AS kind, '' AS of,
    o.oprname || ' (' || coalesce(format_type(nullif(o.oprleft, 0), NULL), 'NONE') || ', ' || format_type(o.oprright, NULL) || ')' AS name,
    concat_ws(', ', 'FUNCTION = ' || o.oprcode::oid::regprocedure, 'COMMUTATOR = ' || nullif(o.oprcom, 0)::regoperator,
        'NEGATOR = ' || nullif(o.oprnegate, 0)::regoperator, 'RESTRICT = ' || nullif(o.oprrest::oid, 0)::regproc,
        'JOIN = ' || nullif(o.oprjoin::oid, 0)::regproc,
        CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END) AS definition,
    note.description AS comment, {role:o.oprowner} AS owner
FROM pg_operator o
    {comment:o.oid:pg_operator}
WHERE o.oprnamespace = {space} AND NOT {foreign:o.oid:pg_operator} AND {path}`

const operatorFamilyQuery = `SELECT 'operator family' AS kind, '' AS of, quote_ident(f.opfname) || ' USING ' || quote_ident(m.amname) AS name,
    (SELECT string_agg(o.amopstrategy || ' ' || o.amopopr::regoperator || CASE o.amoppurpose WHEN 'o' THEN ' FOR ORDER BY' ELSE '' END, ', '
            ORDER BY o.amopstrategy, o.amopopr::regoperator::text)
        FROM pg_amop o WHERE o.amopfamily = f.oid) AS operators,
    (SELECT string_agg(p.amprocnum || ' ' || p.amproc::oid::regprocedure, ', ' ORDER BY p.amprocnum, p.amproc::oid::regprocedure::text)
        FROM pg_amproc p WHERE p.amprocfamily = f.oid) AS functions,
    note.description AS comment, {role:f.opfowner} AS owner
FROM pg_opfamily f JOIN pg_am m ON m.oid = f.opfmethod
    {comment:f.oid:pg_opfamily}
WHERE f.opfnamespace = {space} AND NOT {foreign:f.oid:pg_opfamily} AND {path}`

const operatorClassQuery = `SELECT 'operator class' AS kind, '' AS of, quote_ident(c.opcname) || ' USING ' || quote_ident(m.amname) AS name,
    quote_ident(f.opfname) AS family, format_type(c.opcintype, NULL) AS type, CASE WHEN c.opcdefault THEN 'yes' END AS "default",
    format_type(nullif(c.opckeytype, 0), NULL) AS storage,
    note.description AS comment, {role:c.opcowner} AS owner
FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod JOIN pg_opfamily f ON f.oid = c.opcfamily
    {comment:c.oid:pg_opclass}
WHERE c.opcnamespace = {space} AND NOT {foreign:c.oid:pg_opclass} AND {path}`

const searchQuery = `SELECT 'text search parser' AS kind, '' AS of, quote_ident(p.prsname) AS name,
    concat_ws(', ', 'START = ' || p.prsstart, 'GETTOKEN = ' || p.prstoken, 'END = ' || p.prsend, 'LEXTYPES = ' || p.prslextype,
        'HEADLINE = ' || nullif(p.prsheadline::oid, 0)::regproc) AS definition, NULL AS owner
FROM pg_ts_parser p WHERE p.prsnamespace = {space} AND NOT {foreign:p.oid:pg_ts_parser} AND {path}
UNION ALL
SELECT 'text search template', '', quote_ident(t.tmplname),
    concat_ws(', ', 'INIT = ' || nullif(t.tmplinit::oid, 0)::regproc, 'LEXIZE = ' || t.tmpllexize), NULL
FROM pg_ts_template t WHERE t.tmplnamespace = {space} AND NOT {foreign:t.oid:pg_ts_template} AND {path}
UNION ALL
SELECT 'text search dictionary', '', quote_ident(d.dictname),
    concat_ws(', ', 'TEMPLATE = ' || quote_ident(t.tmplname), d.dictinitoption), {role:d.dictowner}
FROM pg_ts_dict d JOIN pg_ts_template t ON t.oid = d.dicttemplate
WHERE d.dictnamespace = {space} AND NOT {foreign:d.oid:pg_ts_dict} AND {path}
UNION ALL
SELECT 'text search configuration', '', quote_ident(c.cfgname),
    concat_ws(', ', 'PARSER = ' || quote_ident(p.prsname), (SELECT string_agg(m.maptokentype || ' ' || m.mapdict::regdictionary, ', '
        ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid)), {role:c.cfgowner}
FROM pg_ts_config c JOIN pg_ts_parser p ON p.oid = c.cfgparser
WHERE c.cfgnamespace = {space} AND NOT {foreign:c.oid:pg_ts_config} AND {path}`
