// Package lint says what a migration would do to a database in use: which data
// it loses, which tables it locks for how long, what it takes from the release
// that still runs.
//
// It owns the rules, their words, and the comments that make an exception. It
// prints nothing and touches no database but the shadow, an empty one that is
// empty again afterwards. Files go in, Findings come out:
//
//	Run     files + shadow → []Finding
//	Rules   every rule: what it finds, the lock, the reason, the safe way
//
// # Facts, not patterns
//
// The files are replayed on the shadow, statement by statement, each file in a
// transaction as a deployment has it. Before and after each statement the
// catalogue is read, by OID: so a renamed column is told from one that was
// dropped, and a dropped one that a function dropped is seen. Beside it stand the
// locks that the session holds (pg_locks), the storage of each table (another
// relfilenode is a rewrite), and what the server says about its own work at the
// level DEBUG1: it tells when it reads a table to verify it, and when a check
// made that unnecessary. What a statement changes in rows is taken from its plan,
// not from its words: EXPLAIN names the tables and shows whether a condition is
// left.
//
// The words of a statement decide only what leaves no trace on an empty database:
// IF NOT EXISTS, TRUNCATE, LOCK.
//
// # What is new does not matter
//
// A table that the file itself makes has no rows and no users, so its locks are
// no finding. How many rows the other tables have in production is not known
// here, and a finding on a table of twenty rows is one to allow, with that reason:
//
//	-- lint:allow RULE because REASON
//
// # What is not seen
//
// A lock that the session holds already is not taken again, so a second change of
// rows in one DO block, in one file, is not seen. What is built from strings at
// run time by the rows that a table has is not run, because it has none.
package lint
