package catalog

// What holds code, or calls it.

// pg_get_functiondef always writes the schema, which is cut out.
const routineQuery = `SELECT x.kind, '' AS of, quote_ident(p.proname) || '(' || types.list || ')' AS name,
    pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS returns,
    'CREATE OR REPLACE ' || upper(x.kind) || ' ' ||
        substr(pg_get_functiondef(p.oid), length('CREATE OR REPLACE ' || upper(x.kind) || ' ' || quote_ident($1::name) || '.') + 1) AS definition,
    note.description AS comment, {role:p.proowner} AS owner, {grants:p.proacl:f:p.proowner} AS grants
FROM pg_proc p
    CROSS JOIN LATERAL (SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END) x (kind)
    CROSS JOIN LATERAL (SELECT coalesce(string_agg(format_type(t, NULL), ', ' ORDER BY n), '')
        FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n)) types (list)
    {comment:p.oid:pg_proc}
WHERE p.pronamespace = {space} AND p.prokind IN ('f', 'p', 'w') AND NOT {foreign:p.oid:pg_proc} AND {path}
    -- The functions of a range type come and go with it.
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')`

// There is no function that writes CREATE AGGREGATE.
const aggregateQuery = `SELECT 'aggregate' AS kind, '' AS of, quote_ident(p.proname) || '(' || types.list || ')' AS name,
    pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS returns,
    concat_ws(', ', CASE g.aggkind WHEN 'o' THEN 'ordered set' WHEN 'h' THEN 'hypothetical set' END,
        'SFUNC = ' || g.aggtransfn::regproc, 'STYPE = ' || format_type(g.aggtranstype, NULL),
        'SSPACE = ' || nullif(g.aggtransspace, 0),
        'FINALFUNC = ' || nullif(g.aggfinalfn, 0)::regproc, 'FINALFUNC_MODIFY = ' || g.aggfinalmodify::text,
        CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
        'COMBINEFUNC = ' || nullif(g.aggcombinefn, 0)::regproc,
        'SERIALFUNC = ' || nullif(g.aggserialfn, 0)::regproc, 'DESERIALFUNC = ' || nullif(g.aggdeserialfn, 0)::regproc,
        'INITCOND = ' || quote_literal(g.agginitval),
        'MSFUNC = ' || nullif(g.aggmtransfn, 0)::regproc, 'MINVFUNC = ' || nullif(g.aggminvtransfn, 0)::regproc,
        'MSTYPE = ' || format_type(nullif(g.aggmtranstype, 0), NULL), 'MSSPACE = ' || nullif(g.aggmtransspace, 0),
        'MFINALFUNC = ' || nullif(g.aggmfinalfn, 0)::regproc, 'MFINALFUNC_MODIFY = ' || g.aggmfinalmodify::text,
        CASE WHEN g.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END, 'MINITCOND = ' || quote_literal(g.aggminitval),
        'SORTOP = ' || nullif(g.aggsortop, 0)::regoperator, 'PARALLEL = ' || p.proparallel::text) AS definition,
    note.description AS comment, {role:p.proowner} AS owner, {grants:p.proacl:f:p.proowner} AS grants
FROM pg_proc p JOIN pg_aggregate g ON g.aggfnoid = p.oid
    CROSS JOIN LATERAL (SELECT coalesce(string_agg(format_type(t, NULL), ', ' ORDER BY n), '')
        FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n)) types (list)
    {comment:p.oid:pg_proc}
WHERE p.pronamespace = {space} AND NOT {foreign:p.oid:pg_proc} AND {path}`

// The triggers of foreign keys are internal: see constraintQuery. The copies on
// partitions are listed, because each can be disabled by itself.
const triggerQuery = `WITH {own}
SELECT 'trigger' AS kind, quote_ident(c.relname) AS of, quote_ident(t.tgname) AS name,
    pg_get_triggerdef(t.oid, true) AS definition,
    CASE t.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled,
    CASE WHEN t.tgparentid <> 0 THEN 'yes' END AS inherited,
    note.description AS comment
FROM own c JOIN pg_trigger t ON t.tgrelid = c.oid
    {comment:t.oid:pg_trigger}
WHERE (NOT t.tgisinternal OR t.tgparentid <> 0 AND t.tgconstraint = 0) AND {path}`

const ruleQuery = `WITH {own}
SELECT 'rule' AS kind, quote_ident(c.relname) AS of, quote_ident(r.rulename) AS name,
    pg_get_ruledef(r.oid, true) AS definition,
    CASE r.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled,
    note.description AS comment
FROM own c JOIN pg_rewrite r ON r.ev_class = c.oid
    {comment:r.oid:pg_rewrite}
WHERE r.rulename <> '_RETURN' AND {path}`

const policyQuery = `WITH {own}
SELECT 'policy' AS kind, quote_ident(c.relname) AS of, quote_ident(p.polname) AS name,
    CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END AS mode,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS "for",
    (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY r <> 0, pg_get_userbyid(r))
        FROM unnest(p.polroles) r) AS "to",
    pg_get_expr(p.polqual, p.polrelid) AS "using", pg_get_expr(p.polwithcheck, p.polrelid) AS "with check",
    note.description AS comment
FROM own c JOIN pg_policy p ON p.polrelid = c.oid
    {comment:p.oid:pg_policy}
WHERE {path}`

const eventTriggerQuery = `SELECT 'event trigger' AS kind, '' AS of, quote_ident(e.evtname) AS name,
    e.evtevent::text AS "on", (SELECT string_agg(quote_literal(t), ', ' ORDER BY t) FROM unnest(e.evttags) t) AS tags,
    e.evtfoid::regproc::text AS function,
    CASE e.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled,
    note.description AS comment, {role:e.evtowner} AS owner
FROM pg_event_trigger e
    {comment:e.oid:pg_event_trigger}
WHERE NOT {foreign:e.oid:pg_event_trigger} AND {path}`

// Rights that objects made later will get.
const defaultRightsQuery = `SELECT 'default privileges' AS kind, '' AS of,
    CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        ELSE d.defaclobjtype::text END || ' OF ' || {role:d.defaclrole} AS name,
    (SELECT json_agg(json_build_object('privilege', a.privilege_type,
            'role', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
            'option', a.is_grantable, 'by', ''))
        FROM aclexplode(d.defaclacl) a) AS grants
FROM pg_default_acl d
WHERE d.defaclnamespace = {space} AND {path}`
