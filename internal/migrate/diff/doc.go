// Package diff plans the way from one schema to another, and proves the plan
// before anybody runs it.
//
// It owns sources of schemas, the shadow database and the writing of statements.
// It never changes the database that it plans for: that is read, and everything
// is tried on the shadow, an empty database that the caller hands in.
//
//	Read     Source → catalog.Catalog
//	Compare  two Sources → what differs
//	Make     two Sources → Plan: the statements up and down
//
// A [Source] is a database as it stands ([Database]), or files that make a schema
// when they are run on the shadow ([Migrations], [Folder], [Replay]).
//
// # How a plan comes about
//
// The shadow is brought to the schema that the plan starts from. In a
// transaction there, the catalogue is compared with the wanted one, statements
// are written for each difference and tried one by one; then it is read and
// compared again, until nothing differs. So the server is the judge of order: a
// view that comes before its table is refused, and tried again in the next
// round. Where nothing moves any more because something stands in the way, such
// as a view on a column whose type changes, that is dropped; the next round
// finds it missing and makes it again. No statement says CASCADE.
//
// The transaction is rolled back, and the plan is run as one text in one
// transaction, as a migration runs. The result is compared with the wanted
// schema twice: by package catalog, and by Atlas's own inspection and
// comparison (ariga.io/atlas/sql/postgres), which shares no code with it. Then
// the way back is found and proved by catalog in the same manner.
//
// # Why Atlas writes no statements
//
// Its planner does not escape quotes in names, so a column's name could carry
// SQL into a migration; it leaves out checks that name no column, NOT VALID and
// DEFERRABLE, besides functions, triggers, views, policies and rights; and where
// two defaults differ it runs both expressions to compare them. As a second
// pair of eyes on the shadow, after ours found no difference, none of that can
// do harm.
//
// # What a proof on an empty database does not say
//
// Rows can refuse what an empty table allows: a column that may not be NULL, a
// narrower type, a unique key. Such steps carry a note. Steps that lose data are
// marked as destructive, and what the way back cannot bring back is listed.
package diff
