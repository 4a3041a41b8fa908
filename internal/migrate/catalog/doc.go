// Package catalog reads everything that one schema of a PostgreSQL database
// holds, so that two schemas can be compared and one can be recognised.
//
// It owns the reading and the comparison. It never writes to a database, runs no
// code of the schema that it reads, and plans nothing. A connection comes in;
// a [Catalog] of plain values goes out:
//
//	Read         connection + schema → Catalog, in one round trip
//	Fingerprint  Catalog → 64 hexadecimal digits; equal for equal schemas
//	Compare      wanted + found → []Difference, each with what is wanted and found
//
// # What counts
//
// An [Object] is one thing with a name: a table, a column, a trigger. What it is
// stands in its attributes, in PostgreSQL's own words (pg_get_constraintdef and
// its family, "System Information Functions"). Names of the schema's own
// objects are written without the schema, so that two schemas with different
// names can be equal; the bodies of functions are text and stay as they are.
//
// Left out, because they say nothing about the schema: OIDs, the order of
// creation, gaps that dropped columns left, names of databases and tablespaces,
// where a sequence stands, and whether a materialised view is filled. The
// server's settings for time zones, dates and quoting are set aside while
// reading, because they shape the text of constants.
//
// The order of columns does not count in tables. A column can be added at the
// end only, so a wanted schema that lists it where it belongs could never be
// reached. It counts in views and composite types, where it can be mended.
//
// Some things differ between installations of one product and count only when
// they are asked for, as a [Part]: owners and grants, because roles differ;
// extensions and event triggers, because they belong to the whole database and
// a hosting service or a monitoring tool adds its own; and the order of columns.
//
// Another major version of PostgreSQL may write a view or a default in other
// words. Fingerprints are equal across minor versions only.
//
// # Why the search path changes while reading
//
// Whoever may create functions in the schema could offer one that fits a call
// better than PostgreSQL's own, such as quote_ident(name), and have it run by
// whoever reads. So every query is parsed while the search_path is pg_catalog
// alone, and its first step when it runs sets the path to the schema that is
// read: by then all names are resolved, and PostgreSQL's deparsing functions
// leave out what that path makes unnecessary.
package catalog
