// Package migrate brings a PostgreSQL schema forward, and back, by a folder of
// plain SQL files: it reads the files, compares them with what a database has
// had, and applies what is missing.
//
// It owns the naming of the files (YYYYMMDDhhmmss_name.up.sql, each with its
// .down.sql), their headers, its two tables, and the lock that lets one migrator
// work at a time. It knows no other table, prints nothing and asks nothing:
// files come in as an [io/fs.FS], a connection as a *pgx.Conn, and what happened
// goes out as values ([State], [Plan], [Result], [Event]) and as errors that say
// what to do next in a method Hint() string. What it cannot know is handed in as
// a function: the fingerprint of a schema, which servers run, what is there of a
// file.
//
//	Load      files → []File, or every fault of every file at once
//	Read      database + files → State: applied, pending, failed, edited, missing
//	Plan…     State → Plan: files and statements that would run; changes nothing
//	Deploy    plan; refuse what does not fit; lock; plan again; run each file
//	RunBackfill  the same for one file that fills a table in batches
//	Rollback  the same with the down files, newest first
//	Resolve   marks a file as applied or rolled back, after a look at the schema
//	Adopt     takes over a database that others made, as package adopt plans it
//	History   every attempt: who, when, from which release, how it ended
//
// # Three ways to run a file
//
// In one transaction, together with its row of the ledger: the usual way. After
// a failure or a kill nothing of it is there.
//
// Outside one, with the header line "-- transaction: none", for CREATE INDEX
// CONCURRENTLY and its like: statement by statement, and each that is done is
// noted. The next attempt goes on behind the last of them.
//
// In batches, with "-- batch: TABLE by COLUMN SIZE" and the kind backfill: one
// statement, run for one range of keys after the other. Each range and the note
// of it are one transaction.
//
// # The tables
//
// The ledger ([LedgerTable]) holds what is applied, a row a file. The history
// ([HistoryTable]) holds every attempt. An attempt is written down in a
// transaction of its own before it begins. How it ended is written in the
// transaction that makes it true: success with the file's own work, failure
// after the file's transaction was rolled back. An attempt that is neither done
// nor failed, and whose session does not hold the lock, belongs to a migrator
// that was killed.
//
// # Errors have a place
//
// A file in a transaction is sent to the server whole, as one simple query. So
// PostgreSQL parses all of it before it runs any of it, splits it by its own
// grammar and not by ours, and counts the position of an error from the file's
// first character. The scanner in this package names the statement in an error
// that has no position, splits the files that run outside a transaction, and
// finds statements that break the rules.
//
// # Locks
//
// The lock is an advisory lock of the session, so the connection must be a
// direct one: a PgBouncer in transaction mode would hand the lock to somebody
// else. Each file begins and ends only while the lock is held, which is looked at
// in the statements that are sent anyway; where another process of the server
// answers than the one that has it, the error names the pooler. It is polled,
// never waited for, because a session that waits inside PostgreSQL holds a
// snapshot, and CREATE INDEX CONCURRENTLY in the migrator that has the lock would
// wait for that snapshot: a deadlock.
//
// A statement that waits for a table gives up after a second, because whatever
// comes after it waits behind it, sign-ins too. Its file is rolled back and tried
// again, a bounded number of times. While it waits a second connection, made
// when it is first needed, asks the server who is in the way.
package migrate
