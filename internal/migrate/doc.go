// Package migrate brings a PostgreSQL schema forward by a folder of plain SQL
// files: it reads the files, compares them with what a database has had, and
// applies what is missing.
//
// It owns the naming of the files (YYYYMMDDhhmmss_name.up.sql, each with its
// .down.sql), their headers, the ledger table af_auth_migrations, and the lock
// that lets one migrator work at a time. It knows no other table, prints
// nothing and asks nothing: files come in as an [io/fs.FS], a connection as a
// *pgx.Conn, and what happened goes out as values ([State], [Result], [Event])
// and as errors that say what to do next in a method Hint() string.
//
// The path of one deployment:
//
//	Load    files → []File, or every fault of every file at once
//	Read    database + files → State: applied, pending, edited, missing, too old
//	Deploy  Read; refuse what does not fit; lock; Read again; then each pending
//	        file in a transaction of its own, together with its ledger row
//
// A file is sent to the server whole, as one simple query. So PostgreSQL parses
// all of it before it runs any of it, splits it by its own grammar and not by
// ours, and counts the position of an error from the file's first character.
// The scanner in this package only names the statement in an error that has no
// position, and finds statements that would break the rule of one transaction.
//
// The lock is an advisory lock of the session, so the connection must be a
// direct one: a PgBouncer in transaction mode would hand the lock to somebody
// else. It is polled, never waited for, because a session that waits inside
// PostgreSQL holds a snapshot, and CREATE INDEX CONCURRENTLY in the migrator
// that has the lock would wait for that snapshot: a deadlock.
package migrate
