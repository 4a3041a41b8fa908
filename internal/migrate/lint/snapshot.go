package lint

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// snapshot is what a database holds at one moment, by OID, and which locks the
// session has. Objects of extensions and temporary ones are left out.
//
// Package catalog knows objects by their names, which is what two databases can
// share. Here one database is looked at twice, and the OID says what became of
// a thing, whatever it is called.
type snapshot struct {
	relations   map[uint32]relation
	columns     map[columnID]column
	constraints map[uint32]constraint
	things      map[string]thing // what a release may call by name, by identity
	locks       map[lock]bool
}

// relation is a table, view, index or sequence. Sequences of columns are left
// out: they come and go with them.
type relation struct {
	ID        uint32
	Kind      string // pg_class.relkind
	Schema    string // as it is
	Name      string // as it is
	Path      string // as SQL has it, with the schema where it is another one
	Storage   uint32 // pg_class.relfilenode
	Partition bool   // of a table or an index of another one
	Of        uint32 // of an index: the table
	Valid     bool   // of an index
	// Definition of an index: the statement that makes it, as Path without the schema
	// that the files are about, which has another name elsewhere.
	Definition string
}

// table reports whether it holds rows of its own or of partitions.
func (r relation) table() bool { return r.Kind == "r" || r.Kind == "p" }

// index reports whether it is one.
func (r relation) index() bool { return r.Kind == "i" || r.Kind == "I" }

type columnID struct {
	of     uint32
	number int
}

type column struct {
	Of        uint32
	Number    int
	Name      string // as SQL has it
	Type      string // with its length, as format_type has it
	TypeID    uint32
	NotNull   bool
	Filled    bool // it has a default, is an identity or generated
	Inherited bool
}

// constraint is a check, key, exclusion or foreign key.
type constraint struct {
	ID         uint32
	Kind       string // pg_constraint.contype
	Name       string // as SQL has it
	Of         uint32 // the table; 0 of a domain
	Domain     string // the domain's path, or ""
	DomainID   uint32
	Index      uint32 // that enforces it
	References uint32 // of a foreign key: the other table
	Valid      bool
	Inherited  bool
	Definition string
}

// thing is something that a release calls by its name.
type thing struct {
	Class string // "table", "view", …; "column"; "function"; "type"; "value"
	Name  string // for people: users.login
	// Path is what must stay for a release to find it: what is made anew under
	// the same path is as good.
	Path string
	// Parent is the identity of what it is part of; "" where it stands alone.
	Parent string
}

// read takes a snapshot. schema is the name of the schema that the files are
// about, as it is.
func read(ctx context.Context, conn *pgx.Conn, schema string) (*snapshot, error) {
	var text string
	// The extended protocol without a name: a file may DEALLOCATE ALL.
	if err := conn.QueryRow(ctx, snapshotQuery, pgx.QueryExecModeExec, schema).Scan(&text); err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	var rows snapshotRows
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return rows.snapshot(), nil
}

// snapshotRows is the answer of snapshotQuery.
type snapshotRows struct {
	Relations   []relation
	Columns     []column
	Constraints []constraint
	Routines    []named
	Types       []named
	Labels      []struct {
		named        // Path is the type's
		Of    uint32 // the type
		Name  string // quoted
	}
	Locks []struct {
		Relation uint32
		Mode     string
	}
}

type named struct {
	ID   uint32
	Path string
}

// snapshot puts the rows in order.
func (rows snapshotRows) snapshot() *snapshot {
	s := &snapshot{relations: map[uint32]relation{}, columns: map[columnID]column{}, constraints: map[uint32]constraint{},
		things: map[string]thing{}, locks: map[lock]bool{}}
	for _, r := range rows.Relations {
		s.relations[r.ID] = r
		if class := relationClass(r.Kind); class != "" {
			s.things[relationKey(r.ID)] = thing{Class: class, Name: r.Path, Path: "relation " + r.Path}
		}
	}
	for _, c := range rows.Columns {
		s.columns[columnID{c.Of, c.Number}] = c
		name := s.relations[c.Of].Path + "." + c.Name
		s.things[fmt.Sprintf("column %d %d", c.Of, c.Number)] = thing{Class: "column", Name: name, Path: "column " + name, Parent: relationKey(c.Of)}
	}
	for _, c := range rows.Constraints {
		s.constraints[c.ID] = c
	}
	for _, r := range rows.Routines {
		s.things[fmt.Sprintf("routine %d", r.ID)] = thing{Class: "function", Name: r.Path, Path: "routine " + r.Path}
	}
	for _, t := range rows.Types {
		s.things[typeKey(t.ID)] = thing{Class: "type", Name: t.Path, Path: "type " + t.Path}
	}
	for _, l := range rows.Labels {
		s.things[fmt.Sprintf("label %d", l.ID)] = thing{Class: "value", Name: l.Name + " of " + l.Path,
			Path: "label " + l.Path + " " + l.Name, Parent: typeKey(l.Of)}
	}
	for _, l := range rows.Locks {
		if m := modeNamed(l.Mode); m != noLock {
			s.locks[lock{l.Relation, m}] = true
		}
	}
	return s
}

// find returns the OID of a relation, 0 where there is none.
func (s *snapshot) find(schema, name string) uint32 {
	for id, r := range s.relations {
		if r.Schema == schema && r.Name == name {
			return id
		}
	}
	return 0
}

func relationKey(id uint32) string { return fmt.Sprintf("relation %d", id) }
func typeKey(id uint32) string     { return fmt.Sprintf("type %d", id) }

// relationClass names a kind of relation that a release calls by name.
func relationClass(kind string) string {
	switch kind {
	case "r", "p":
		return "table"
	case "v":
		return "view"
	case "m":
		return "materialized view"
	case "f":
		return "foreign table"
	case "S":
		return "sequence"
	}
	return ""
}

// snapshotQuery lists everything in one round trip. $1 is the schema, whose name
// is left out of paths.
//
//	{own:N}      the schema N is not PostgreSQL's own
//	{ours:C:X}   no extension owns the object X of the catalogue C
//	{path:N:X}   the name X with its schema, where that is not $1
var snapshotQuery = expand(`SELECT pg_catalog.json_build_object(
'relations', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'id', c.oid::int8, 'kind', c.relkind, 'schema', n.nspname, 'name', c.relname,
        'path', {path:n.nspname:c.relname}, 'storage', c.relfilenode::int8, 'partition', c.relispartition, 'of', coalesce(i.indrelid, 0)::int8, 'valid', coalesce(i.indisvalid, true),
        'definition', CASE WHEN i.indexrelid IS NOT NULL THEN pg_catalog.replace(pg_catalog.pg_get_indexdef(c.oid),
            ' ' || pg_catalog.quote_ident($1) || '.' || pg_catalog.quote_ident(t.relname) || ' USING ', ' ' || pg_catalog.quote_ident(t.relname) || ' USING ') ELSE '' END))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    WHERE {own:n} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I') AND {ours:pg_class:c.oid}
        AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))),
'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'of', a.attrelid::int8, 'number', a.attnum, 'name', pg_catalog.quote_ident(a.attname), 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'typeID', a.atttypid::int8, 'notNull', a.attnotnull, 'filled', a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', 'inherited', a.attinhcount > 0))
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE {own:n} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND {ours:pg_class:c.oid}),
'constraints', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'id', o.oid::int8, 'kind', o.contype, 'name', pg_catalog.quote_ident(o.conname), 'of', o.conrelid::int8,
        'domain', CASE WHEN o.contypid <> 0 THEN {path:n.nspname:t.typname} ELSE '' END, 'domainID', o.contypid::int8,
        'index', CASE WHEN o.contype <> 'f' THEN o.conindid ELSE 0 END::int8, 'valid', o.convalidated, 'references', o.confrelid::int8,
        'inherited', o.coninhcount > 0 OR o.conparentid <> 0, 'definition', pg_catalog.pg_get_constraintdef(o.oid)))
    FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace LEFT JOIN pg_catalog.pg_type t ON t.oid = o.contypid
    WHERE {own:n} AND o.contype IN ('c', 'f', 'p', 'u', 'x')),
'routines', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'id', p.oid::int8, 'path', {path:n.nspname:p.proname} || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'))
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE {own:n} AND {ours:pg_proc:p.oid} AND p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)),
'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('id', t.oid::int8, 'path', {path:n.nspname:t.typname}))
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE {own:n} AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND {ours:pg_type:t.oid}),
'labels', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('id', e.oid::int8, 'of', t.oid::int8, 'path', {path:n.nspname:t.typname},
        'name', pg_catalog.quote_literal(e.enumlabel)))
    FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE {own:n} AND {ours:pg_type:t.oid}),
'locks', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('relation', l.relation::int8, 'mode', l.mode))
    FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted AND l.relation >= 16384)
)::text`)

// expand replaces the words in braces.
func expand(query string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(query, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		word, after, _ := strings.Cut(rest, "}")
		part := strings.Split(word, ":")
		switch part[0] {
		case "own":
			b.WriteString(part[1] + ".nspname !~ '^pg_' AND " + part[1] + ".nspname <> 'information_schema'")
		case "ours":
			b.WriteString("NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog." + part[1] +
				"'::pg_catalog.regclass AND m.objid = " + part[2] + " AND m.deptype = 'e')")
		case "path":
			b.WriteString("CASE WHEN " + part[1] + " = $1::pg_catalog.name THEN '' ELSE pg_catalog.quote_ident(" + part[1] + ") || '.' END || " +
				"pg_catalog.quote_ident(" + part[2] + ")")
		}
		query = after
	}
}
