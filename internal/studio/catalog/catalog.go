// Package catalog says what a database holds: tables and what else can be read
// like one, their columns, keys, indexes and relations, as values.
//
// Every identifier that studio puts into SQL comes from here, never from a
// request: a request names a table or a column, and is answered by looking it
// up. Which columns are masked is decided here too, once, for all readers: see
// [Mask].
//
// PostgreSQL's own schemas are not part of it. They hold statistics, in which
// values of masked columns stand in clear.
package catalog

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Kind is what a table is, by pg_class.relkind.
type Kind byte

// The kinds that can be read like a table.
const (
	Plain        Kind = 'r'
	Partitioned  Kind = 'p'
	View         Kind = 'v'
	Materialized Kind = 'm'
	Foreign      Kind = 'f'
)

// String names the kind for people.
func (k Kind) String() string {
	switch k {
	case Plain:
		return "table"
	case Partitioned:
		return "partitioned table"
	case View:
		return "view"
	case Materialized:
		return "materialized view"
	case Foreign:
		return "foreign table"
	}
	return "table"
}

// Database is everything in one database.
type Database struct {
	Name string
	// Version is the server's, such as "16.4".
	Version string
	// Role is who reads.
	Role   string
	Tables []*Table // by schema and name
	// Masked counts the masked columns.
	Masked int

	byName map[[2]string]*Table
}

// Table finds a table, nil where there is none.
func (d *Database) Table(schema, name string) *Table { return d.byName[[2]string{schema, name}] }

// Schemas returns the tables by schema, in order.
func (d *Database) Schemas() []Schema {
	var all []Schema
	for _, t := range d.Tables {
		if len(all) == 0 || all[len(all)-1].Name != t.Schema {
			all = append(all, Schema{Name: t.Schema})
		}
		last := &all[len(all)-1]
		last.Tables = append(last.Tables, t)
	}
	return all
}

// Schema is a schema's tables.
type Schema struct {
	Name   string
	Tables []*Table
}

// Table is a table, or what can be read like one.
type Table struct {
	OID          uint32
	Schema, Name string
	Kind         Kind
	Comment      string
	// Rows is PostgreSQL's estimate; -1: it has none.
	Rows int64
	// Parent is the table that this one is a partition or child of.
	Parent *Table
	// Children says that rows of other tables show in this one; Below are those
	// that the role may see.
	Children bool
	Below    []*Table
	Columns  []*Column // as in the table
	Indexes  []*Index
	// Key tells rows apart; none where no unique index does, or where it would
	// show a masked column. See [Table.Locator].
	Key []*Column
	// KeyName is the name of the index behind Key, Primary that it is the primary key.
	KeyName string
	Primary bool
	// KeyDeferrable says that the key is checked at COMMIT only, where that is asked
	// for: ON CONFLICT does not take it.
	KeyDeferrable bool
	// Out are the foreign keys of this table, In those that point here.
	Out, In []*Relation
	// Readable says that the role may read at least one column.
	Readable bool
	// Whole says that the role may read the whole table: without that right
	// PostgreSQL shows neither ctid nor xmin.
	Whole bool
	// Deletes says that the role that writes may delete its rows.
	Deletes bool
	// shut says that the role may not use its schema.
	shut bool
}

// Identifier is the table's name for SQL.
func (t *Table) Identifier() string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

// Label is how people call it: its schema is left out where it is public.
func (t *Table) Label() string {
	if t.Schema == "public" {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// Column finds a column, nil where there is none.
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (t *Table) number(num int) *Column {
	for _, c := range t.Columns {
		if c.Num == num {
			return c
		}
	}
	return nil
}

// Locator returns the columns that pages go by: the key, or where there is none
// the place of the row on disk, which is good for reading on and no name for a
// row. A view has neither.
func (t *Table) Locator() []*Column {
	place := func(name, typ string) *Column {
		return &Column{Name: name, NotNull: true, Readable: true, System: true,
			Type: &Type{Schema: "pg_catalog", Name: typ, OpSchema: "pg_catalog", Kind: Other}}
	}
	switch {
	case len(t.Key) > 0 && t.Kind == Plain && t.Children && t.Whole:
		// The index counts for this table alone: one that inherits from it may
		// hold the same key.
		return append(slices.Clone(t.Key), place("tableoid", "oid"))
	case len(t.Key) > 0:
		return t.Key
	case t.Kind == View || t.Kind == Foreign || !t.Whole:
		return nil
	case t.Children || t.Kind == Partitioned:
		return []*Column{place("tableoid", "oid"), place("ctid", "tid")}
	default:
		return []*Column{place("ctid", "tid")}
	}
}

// Inserts reports whether the role that writes may insert rows, Updates whether
// it may change them.
func (t *Table) Inserts() bool {
	return slices.ContainsFunc(t.Columns, func(c *Column) bool { return c.Inserts })
}

// Updates is described at Inserts.
func (t *Table) Updates() bool {
	return slices.ContainsFunc(t.Columns, func(c *Column) bool { return c.Updates })
}

// Keyless says why rows of the table cannot be named, "" where they can.
func (t *Table) Keyless() string {
	if len(t.Key) > 0 {
		return ""
	}
	for _, i := range t.Indexes {
		if i.Primary || i.Unique {
			for _, c := range i.Columns {
				if c != nil && c.Masked {
					return "its key, " + c.Name + ", is masked"
				}
			}
		}
	}
	switch t.Kind {
	case View, Materialized:
		return "a " + t.Kind.String() + " has no key"
	case Foreign:
		return "a foreign table has no key here"
	}
	return "it has no primary key and no unique index over columns that are never NULL"
}

// IndexedFirst reports whether an index can put rows in the order of c.
func (t *Table) IndexedFirst(c *Column) bool {
	return slices.ContainsFunc(t.Indexes, func(i *Index) bool {
		return i.Ordered && !i.Partial && len(i.Columns) > 0 && i.Columns[0] == c
	})
}

// Index is one index that is valid.
type Index struct {
	Name            string
	Columns         []*Column // nil for an expression
	Unique, Primary bool
	// Deferrable is of a constraint that may be checked as late as COMMIT.
	Deferrable bool
	// Ordered says that it keeps an order (btree), Partial that it holds some
	// rows only.
	Ordered, Partial bool
	// First is the text of its first column or expression.
	First string
	// Bytewise says that it has First in the order of bytes, so that it finds how
	// a text begins.
	Bytewise bool
	// Method is btree, gin, gist …
	Method string
}

// Column is a column.
type Column struct {
	Num     int // attnum
	Name    string
	Type    *Type  // a domain's base type
	Shown   string // the type as declared, such as numeric(10,2)
	Domain  bool   // Shown is a domain
	NotNull bool
	// Default is the default's text, "" for none; Generated and Identity say
	// that the column is one: 's' or 'v', 'a' or 'd'.
	Default, Generated, Identity string
	Comment                      string
	// Masked columns are never selected, compared or sorted by.
	Masked bool
	// Readable says that the role may read it; Inserts and Updates that the role
	// that writes may give it a value in a new row, and in one that is there.
	Readable, Inserts, Updates bool
	// System marks ctid and tableoid.
	System bool
	// References is the foreign key of this one column, nil where there is none.
	References *Relation
	// InKey says that it is part of the table's key.
	InKey bool
}

// Identifier is the column's name for SQL.
func (c *Column) Identifier() string { return pgx.Identifier{c.Name}.Sanitize() }

// Open reports whether its values may be shown, compared and sorted by.
func (c *Column) Open() bool { return c.Readable && !c.Masked }

// Sortable reports whether rows can be put in order by it.
func (c *Column) Sortable() bool { return c.Open() && c.Type.OpSchema != "" }

// Relation is a foreign key.
type Relation struct {
	Name     string
	From, To *Table
	// FromColumns point at ToColumns, in this order.
	FromColumns, ToColumns []*Column
	// Indexed says that From can be asked for the rows of one row of To quickly.
	Indexed bool
	// OnDelete is pg_constraint.confdeltype: a, r, c, n or d.
	OnDelete string
}

// Open reports whether none of its columns is masked.
func (r *Relation) Open() bool {
	closed := func(c *Column) bool { return !c.Open() }
	return !slices.ContainsFunc(r.FromColumns, closed) && !slices.ContainsFunc(r.ToColumns, closed)
}

// Mask names a column whose values are never shown. Columns that hold the same
// values are masked with it: those of partitions and parents, of foreign keys
// either way, generated ones that are made of it, and every column of a view
// that reads it.
type Mask struct{ Schema, Table, Column string }

// ParseMask reads "table.column" or "schema.table.column". Without a schema it
// stands for that table in every schema.
func ParseMask(s string) (Mask, bool) {
	parts := strings.Split(s, ".")
	if slices.Contains(parts, "") {
		return Mask{}, false
	}
	switch len(parts) {
	case 2:
		return Mask{Table: parts[0], Column: parts[1]}, true
	case 3:
		return Mask{Schema: parts[0], Table: parts[1], Column: parts[2]}, true
	}
	return Mask{}, false
}

func (m Mask) covers(t *Table) bool {
	return (m.Schema == "" || m.Schema == t.Schema) && m.Table == t.Name
}
