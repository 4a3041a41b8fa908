// Package adopt takes a database that somebody else made, by another tool or by
// hand, into the care of a folder of migrations.
//
// It owns the question which of the files such a database has had already, what
// differs from them, and what brings it there. It never changes the database:
// that is read, everything is tried on the shadow of package diff, and the plan
// is handed to [migrate.Adopt]. It knows no table of anybody's, prints nothing
// and asks nothing.
//
//	Make      database + files → Plan
//	Plan.Refusal    what stands in the way, each with what to do by hand
//	Plan.Adoption   what migrate.Adopt runs; migrate.Deploy runs the rest
//
// # Which files a database has had
//
// The files are run on the shadow, one after the other, and the schema is read
// after each. The database has had a file where everything vital that the files
// up to it make is there: relations, types, routines, and of the columns those
// that may not be NULL or that a later file than the table's adds. A file that
// makes nothing vital must have left something else: an index, a constraint, a
// changed attribute, or the gap where it drops something. The longest such run
// of files counts. A file that leaves nothing to be seen, because it changes
// rows only, counts as had in front of one that was, and as pending behind.
//
// # What is brought, and what stays
//
// What those files make is brought to exactly what they would have made: keys
// in place of unique indexes, defaults, types, comments. Everything else stays:
// relations that no file makes, and on the tables of the files columns, indexes,
// constraints and triggers of others, with the tuning that somebody has done.
// Rights are never taken from a table.
//
// # How the plan is proved
//
// The database's schema is reproduced on the shadow, and the statements are
// found there (see package diff). Each is run by itself, and the server tells
// which locks it took and whether it wrote a table or an index anew. Then the
// adoption is recorded, the files that are left are run, and the end is compared
// with what the files alone make. What rows can refuse, an empty shadow cannot
// say: the rows are asked, in the database, by reading.
package adopt
