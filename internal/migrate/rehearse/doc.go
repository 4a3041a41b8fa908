// Package rehearse tries migrations on a database of its own before anybody
// runs them on a real one, and says what they would have done there.
//
// It owns the making of rows, the watching of locks, the comparison of a
// database before and after, and the record of what was rehearsed. It knows no
// table of anybody's, prints nothing, and never writes to the database that it
// takes its sizes from. Files, sizes and a load go in; a [Report] comes out, and
// [Records] say later what was rehearsed.
//
//	ReadLive   a database → what is applied there, how many rows, which roles
//	Run        files + sizes + load → Report
//	Records    what was rehearsed, by checksum; Covers refuses the rest
//
// # What Run does
//
// It starts a private PostgreSQL with PostgreSQL's own defaults: a commit
// reaches the disk (fsync, synchronous_commit, full_page_writes are on), because
// times and WAL would mean nothing otherwise. It replays what is applied, fills
// the tables, and measures the load while nothing else happens. Then each
// pending file is deployed beside the load, exactly as migrate.Deploy does it
// elsewhere. Then the load stops, and the way back is gone over the rows that it
// wrote meanwhile, from the newest file to the oldest.
//
// On a copy that was made before, each file then runs alone: that gives its WAL
// and its growth without the load's share. It is taken back, the schema and every
// value of every table are compared with what they were, and it runs again.
//
// # Locks
//
// A second connection reads pg_locks every few milliseconds. It sees what the
// migrator holds, for how long, and who waits for it since when (waitstart, by
// the server's clock). What a short transaction held between two looks is not
// lost: just before a file's transaction commits, the migrator reads its own
// locks. Only files that run outside a transaction can hide a lock that was
// shorter than a look.
//
// ACCESS SHARE is left out, unless somebody waited for it: every SELECT takes it.
//
// # Rows
//
// They are made on the server, by generate_series and functions of n, a row's
// number, so a million takes seconds. Values follow the type; keys are distinct,
// foreign keys point at rows that exist, and where a CHECK refuses the usual
// value others are tried, the literals of the CHECK among them. Triggers do not
// run, and sequences go on from where the rows end. The rows are not those of
// the live database, and say nothing about what only its rows can say.
package rehearse
