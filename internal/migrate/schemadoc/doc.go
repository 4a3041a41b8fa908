// Package schemadoc writes a page about a schema, in Markdown as GitHub reads
// it: a diagram, what each table and column is for, keys, checks, indexes,
// triggers and functions, and the history of the migrations.
//
// It owns the form of the page and the escaping. It reads no database and no
// folder, and knows no table of anybody's: a catalog.Catalog and a list of
// migrate.File come in, text goes out. What things are for stands in the schema
// itself (COMMENT ON) and in the headers of the files; [Undescribed] names what
// has no comment.
//
// Names and comments are whatever somebody once gave to PostgreSQL, so all of
// them are text here, never Markdown: none can end a cell of a table, begin a
// heading, or become a link or HTML.
package schemadoc
