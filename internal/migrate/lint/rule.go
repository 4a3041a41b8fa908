package lint

import "strings"

// Severity says how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // do not deploy it
	Warning Severity = "warning" // know about it
)

// Rule is one thing to look for. In Safe, words in braces stand for what a finding
// is about: {table}, {column}, {name}, {definition}, {old}, {new}.
type Rule struct {
	ID       string
	Severity Severity
	Finds    string
	Why      string // the reason
	Safe     string // the safe way: SQL, or steps
	// Example is the statement that is found, for the page of rules.
	Example string

	lock mode // that the statement takes; noLock where no lock is the point
	// example fills the words in braces on that page.
	example []string
}

// Names of the rules.
const (
	DropTable         = "drop-table"
	DropColumn        = "drop-column"
	DropValue         = "drop-enum-value"
	DropObject        = "drop-object"
	Rename            = "rename"
	NarrowType        = "narrow-type"
	Truncate          = "truncate"
	DeleteAll         = "delete-all"
	TableRewrite      = "table-rewrite"
	TableScan         = "table-scan"
	IndexBlocking     = "index-blocking"
	UniqueBlocking    = "unique-blocking"
	Exclusion         = "exclusion-constraint"
	ForeignKeyScan    = "foreign-key-validates"
	CheckScan         = "check-validates"
	ValidateUnderLock = "validate-under-lock"
	SetNotNull        = "set-not-null"
	AddNotNull        = "add-not-null"
	BackfillMixed     = "backfill-mixed"
	BackfillUnbatched = "backfill-unbatched"
	LockTable         = "lock-table"
	IfNotExists       = "if-not-exists"
	ConcurrentInside  = "concurrently-in-transaction"
	DownMissing       = "down-missing"
	DownDiffers       = "down-differs"
	Suppression       = "suppression"
)

// Rules returns every rule, those that lose data first.
func Rules() []Rule {
	var all []Rule
	all = append(all, dataRules()...)
	all = append(all, releaseRules()...)
	all = append(all, longRules()...)
	all = append(all, constraintRules()...)
	all = append(all, rowRules()...)
	return append(all, fileRules()...)
}

// rule returns the rule with a name.
func rule(id string) (Rule, bool) {
	for _, r := range Rules() {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// fill puts values in the place of words in braces: word, value, word, value.
func fill(text string, values []string) string {
	var pairs []string
	for i := 0; i+1 < len(values); i += 2 {
		pairs = append(pairs, "{"+values[i]+"}", values[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func dataRules() []Rule {
	return []Rule{
		{ID: DropTable, Severity: Error, lock: accessExclusive,
			Finds: "a table is dropped in a file that is not `contract`, or (a warning) in one whose down file does not say what is lost",
			Why:   "its rows are lost, no way back brings them, and the previous release still reads it while the new one is rolled out",
			Safe: "-- 1. release a version that does not use {table}\n" +
				"-- 2. a release later, in a file with the header line \"-- kind: contract\",\n" +
				"--    and \"-- lost: the rows of {table}\" in the header of its down file:\nDROP TABLE {table};",
			Example: "DROP TABLE notes;", example: []string{"table", "notes"}},
		{ID: DropColumn, Severity: Error, lock: accessExclusive,
			Finds: "a column is dropped in a file that is not `contract`, or (a warning) in one whose down file does not say what is lost",
			Why:   "its values are lost, no way back brings them, and the previous release still reads it while the new one is rolled out",
			Safe: "-- 1. release a version that does not use {table}.{column}\n" +
				"-- 2. a release later, in a file with the header line \"-- kind: contract\",\n" +
				"--    and \"-- lost: the values of {table}.{column}\" in the header of its down file:\nALTER TABLE {table} DROP COLUMN {column};",
			Example: "ALTER TABLE users DROP COLUMN name;", example: []string{"table", "users", "column", "name"}},
		{ID: NarrowType, Severity: Error, lock: accessExclusive,
			Finds: "the type of a column becomes one that does not hold every value of the old one",
			Why:   "a value that does not fit is cut, rounded, or makes the migration fail in production and not before",
			Safe: "-- 1. expand:   ALTER TABLE {table} ADD COLUMN {column}_new {new}; the release writes both columns\n" +
				"-- 2. backfill: UPDATE {table} SET {column}_new = … in batches, after a look at the values that do not fit\n" +
				"-- 3. contract: drop {column} a release after nothing reads it",
			Example: "ALTER TABLE users ALTER COLUMN name TYPE varchar(20);", example: []string{"table", "users", "column", "name", "new", "varchar(20)"}},
		{ID: Truncate, Severity: Error, lock: accessExclusive,
			Finds: "a table is emptied that was there before the file",
			Why:   "all its rows are lost, and with CASCADE those of other tables",
			Safe: "-- where the rows may really go, in a file of the kind contract:\n" +
				"-- lint:allow truncate because REASON\nTRUNCATE {table};",
			Example: "TRUNCATE notes;", example: []string{"table", "notes"}},
		{ID: DeleteAll, Severity: Error, lock: rowExclusive,
			Finds: "the plan of a DELETE has no condition, on a table that was there before the file",
			Why:   "all its rows are lost",
			Safe: "-- say which rows, and delete them in batches, in a file with the header lines\n" +
				"-- kind: backfill\n-- batch: {table} by id 1000\nDELETE FROM {table} WHERE id BETWEEN $1 AND $2 AND …;",
			Example: "DELETE FROM notes;", example: []string{"table", "notes"}},
	}
}

func releaseRules() []Rule {
	return []Rule{
		{ID: Rename, Severity: Error, lock: accessExclusive,
			Finds:   "a table, view, column, function, type or enum value gets another name, in a file that is not `contract`, and nothing has the old name at its end",
			Why:     "the previous release runs beside the new one while it is rolled out, and knows the old name only",
			Safe:    safeColumn,
			Example: "ALTER TABLE users RENAME COLUMN name TO full_name;", example: []string{"old", "users.name", "table", "users", "was", "name", "is", "full_name"}},
		{ID: DropObject, Severity: Error,
			Finds: "a view or a column of one, a function, type or sequence is dropped in a file that is not `contract`, and nothing has its name at the file's end. Trigger functions do not count",
			Why:   "the previous release runs beside the new one while it is rolled out, and still uses it",
			Safe: "-- 1. release a version that does not use {old}\n" +
				"-- 2. a release later, drop it in a file with the header line \"-- kind: contract\"",
			Example: "DROP FUNCTION full_name(text);", example: []string{"old", "full_name(text)"}},
		{ID: DropValue, Severity: Error,
			Finds: "a value of an enum is gone at the end of a file that is not `contract`",
			Why:   "PostgreSQL cannot drop one, so the type is made anew and every table that uses it rewritten; rows with the value make that fail, and the previous release still writes it",
			Safe: "-- leave the value where it is: it costs nothing. To refuse it in new rows, a release later:\n" +
				"ALTER TABLE … ADD CONSTRAINT … CHECK (… <> {value}) NOT VALID;",
			Example: "CREATE TYPE color_new AS ENUM ('red');\nALTER TABLE … TYPE color_new …;\nDROP TYPE color;\nALTER TYPE color_new RENAME TO color;",
			example: []string{"value", "'green'"}},
	}
}

func longRules() []Rule {
	return []Rule{
		{ID: TableRewrite, Severity: Error, lock: accessExclusive,
			Finds: "the storage of a table or materialized view is written anew: a type that is stored differently, a volatile default, SET LOGGED, VACUUM FULL, CLUSTER, REFRESH without CONCURRENTLY",
			Why:   "every row is copied and every index built while nobody can read: minutes to hours on a large table, and twice its space on disk",
			Safe: "-- a default that differs for each row: ADD COLUMN without it, then SET DEFAULT, then fill the old rows in batches\n" +
				"-- another type: ADD COLUMN with the new type, write both, fill in batches, and drop the old one in a contract file\n" +
				"-- VACUUM FULL, CLUSTER: in a quiet hour, by hand, or with pg_repack; REFRESH MATERIALIZED VIEW CONCURRENTLY",
			Example: "ALTER TABLE users ADD COLUMN ref uuid DEFAULT gen_random_uuid();"},
		{ID: TableScan, Severity: Error, lock: accessExclusive,
			Finds: "the server reads a whole table to verify it, for a reason that no other rule names: a partition that is attached, a column of a domain",
			Why:   "the lock is held as long as the reading takes",
			Safe: "-- a partition: first, in files of their own, a check that says the same as its bounds; the server then skips the reading\n" +
				"ALTER TABLE {table} ADD CONSTRAINT … CHECK (…) NOT VALID;\nALTER TABLE {table} VALIDATE CONSTRAINT …;",
			Example: "ALTER TABLE log ATTACH PARTITION log_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');", example: []string{"table", "log_2026"}},
		{ID: IndexBlocking, Severity: Error, lock: share,
			Finds: "an index is built or rebuilt without CONCURRENTLY on a table that was there before the file",
			Why:   "nobody can write while it is built: about a second for a million rows, and minutes for a hundred million",
			Safe: "-- in a file of its own, with the header line \"-- transaction: none\":\n" +
				"{definition};",
			Example: "CREATE INDEX users_name_idx ON users (name);", example: []string{"definition", "CREATE INDEX CONCURRENTLY users_name_idx ON users (name)"}},
	}
}

func constraintRules() []Rule {
	return append(keyRules(), notNullRules()...)
}

func keyRules() []Rule {
	return []Rule{
		{ID: UniqueBlocking, Severity: Error, lock: accessExclusive,
			Finds: "a unique constraint or primary key builds its own index, on a table that was there before the file",
			Why:   "nobody can read or write while the index is built, and a duplicate makes it fail",
			Safe: "-- in a file of its own, with the header line \"-- transaction: none\":\n{definition};\n" +
				"-- in a later file:\nALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {name};",
			Example: "ALTER TABLE users ADD CONSTRAINT users_name_key UNIQUE (name);",
			example: []string{"definition", "CREATE UNIQUE INDEX CONCURRENTLY users_name_key ON users (name)", "table", "users", "name", "users_name_key", "kind", "UNIQUE"}},
		{ID: Exclusion, Severity: Error, lock: accessExclusive,
			Finds: "an exclusion constraint is added to a table that was there before the file",
			Why:   "nobody can read or write while its index is built, and PostgreSQL has no other way to add one",
			Safe: "-- make a new table with the constraint, copy the rows in batches, and change over;\n" +
				"-- or add it in a quiet hour, with the length of the pause known from a rehearsal",
			Example: "ALTER TABLE stays ADD CONSTRAINT stays_free EXCLUDE USING gist (during WITH &&);"},
		{ID: ForeignKeyScan, Severity: Error, lock: shareRowExclusive,
			Finds: "a foreign key is added without NOT VALID to a table that was there before the file",
			Why:   "nobody can write to either table while every row is looked up in the other",
			Safe: "ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID;\n" +
				"-- in a later file, where it blocks neither reads nor writes:\nALTER TABLE {table} VALIDATE CONSTRAINT {name};",
			Example: "ALTER TABLE notes ADD CONSTRAINT notes_user_fkey FOREIGN KEY (user_id) REFERENCES users (id);",
			example: []string{"table", "notes", "name", "notes_user_fkey", "definition", "FOREIGN KEY (user_id) REFERENCES users (id)"}},
		{ID: CheckScan, Severity: Error, lock: accessExclusive,
			Finds: "a check is added without NOT VALID to a table or domain that was there before the file",
			Why:   "nobody can read or write while every row is checked",
			Safe: "ALTER {target} {table} ADD CONSTRAINT {name} {definition} NOT VALID;\n" +
				"-- in a later file, where it blocks neither reads nor writes:\nALTER {target} {table} VALIDATE CONSTRAINT {name};",
			Example: "ALTER TABLE users ADD CONSTRAINT users_name_check CHECK (name <> '');",
			example: []string{"target", "TABLE", "table", "users", "name", "users_name_check", "definition", "CHECK (name <> '')"}},
		{ID: ValidateUnderLock, Severity: Error, lock: shareUpdateExclusive,
			Finds: "a constraint is validated in a transaction that already holds a stronger lock on the table, such as that of the statement that added it",
			Why:   "locks are held to the end of the transaction, so others wait as long as every row is checked, as if NOT VALID had not been said",
			Safe:  "-- in a later file of its own:\nALTER {target} {table} VALIDATE CONSTRAINT {name};",
			Example: "ALTER TABLE users ADD CONSTRAINT users_name_check CHECK (name <> '') NOT VALID;\n" +
				"ALTER TABLE users VALIDATE CONSTRAINT users_name_check;",
			example: []string{"target", "TABLE", "table", "users", "name", "users_name_check"}},
	}
}

func notNullRules() []Rule {
	return []Rule{
		{ID: SetNotNull, Severity: Error, lock: accessExclusive,
			Finds: "a column becomes NOT NULL, and no validated check has proved before that it holds no NULL",
			Why:   "nobody can read or write while every row is looked at, a NULL makes it fail, and a release that writes NULL fails from then on",
			Safe: "-- 1. expand:   a default or a release that always writes {column}\n" +
				"-- 2. backfill: UPDATE {table} SET {column} = … WHERE {column} IS NULL AND …, in batches\n" +
				"-- 3. contract, in three files:\n" +
				"ALTER TABLE {table} ADD CONSTRAINT proved_not_null CHECK ({column} IS NOT NULL) NOT VALID;\n" +
				"ALTER TABLE {table} VALIDATE CONSTRAINT proved_not_null;\n" +
				"-- the check must still be there when the column changes, so these are two statements:\n" +
				"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;\nALTER TABLE {table} DROP CONSTRAINT proved_not_null;",
			Example: "ALTER TABLE users ALTER COLUMN name SET NOT NULL;", example: []string{"table", "users", "column", "name"}},
		{ID: AddNotNull, Severity: Error, lock: accessExclusive,
			Finds: "a column is added that is NOT NULL and has no default, to a table that was there before the file",
			Why:   "it fails as soon as the table has a row, and the previous release, which does not know the column, cannot add one any more",
			Safe: "-- with a default that is the same for all rows, which is written nowhere and takes no time:\n" +
				"ALTER TABLE {table} ADD COLUMN {column} {type} NOT NULL DEFAULT …;\n" +
				"-- or: expand without NOT NULL, backfill in batches, contract (see set-not-null)",
			Example: "ALTER TABLE users ADD COLUMN team text NOT NULL;", example: []string{"table", "users", "column", "team", "type", "text"}},
	}
}

func rowRules() []Rule {
	return []Rule{
		{ID: BackfillMixed, Severity: Error, lock: rowExclusive,
			Finds: "rows of a table that was there before the file are changed, or copied into it from a table, in a file of the kind `expand` or in one that also changes the schema",
			Why:   "the locks of the schema's change are held until the last row is done, and everybody waits for them",
			Safe: "-- in a file of its own, between the one that expands and the one that contracts:\n" +
				"-- kind: backfill\n-- batch: {table} by id 1000\n{verb} … WHERE id BETWEEN $1 AND $2;",
			Example: "ALTER TABLE users ADD COLUMN login_lower text;\nUPDATE users SET login_lower = lower(login);",
			example: []string{"table", "users", "verb", "UPDATE users SET login_lower = lower(login)"}},
		{ID: BackfillUnbatched, Severity: Warning, lock: rowExclusive,
			Finds: "rows of a table that was there before the file are changed, or copied into it from a table, in one statement and not in batches",
			Why:   "every changed row stays locked until the last one is done, a failure at the end begins anew, and the table grows by what was changed",
			Safe: "-- in a file with the header lines\n-- kind: backfill\n-- batch: {table} by id 1000\n" +
				"{verb} … WHERE id BETWEEN $1 AND $2;",
			Example: "UPDATE users SET login_lower = lower(login);", example: []string{"table", "users", "verb", "UPDATE users SET login_lower = lower(login)"}},
		{ID: LockTable, Severity: Warning, lock: accessExclusive,
			Finds:   "LOCK takes a lock that is in the way of others, on a table that was there before the file",
			Why:     "it is held until the file is done, whatever the other statements would have needed",
			Safe:    "-- leave it out: each statement takes the lock that it needs, and a deployment gives up after a second and tries again",
			Example: "LOCK TABLE users;"},
	}
}

func fileRules() []Rule {
	return []Rule{
		{ID: IfNotExists, Severity: Warning,
			Finds:   "IF NOT EXISTS for anything but a schema or an extension",
			Why:     "what has the name and is something else stays as it is, and nobody is told",
			Safe:    "-- leave IF NOT EXISTS out: a file runs once, and one that is broken off leaves nothing or goes on where it was",
			Example: "CREATE TABLE IF NOT EXISTS notes (id bigint);"},
		{ID: ConcurrentInside, Severity: Error,
			Finds:   "a statement that PostgreSQL refuses in a transaction, such as one with CONCURRENTLY, in a file that runs in one. The commands refuse such a file before they look at anything else",
			Why:     "it fails in every database",
			Safe:    "-- in a file of its own, with the header line\n-- transaction: none",
			Example: "CREATE INDEX CONCURRENTLY users_name_idx ON users (name);"},
		{ID: DownMissing, Severity: Warning,
			Finds:   "there is no down file",
			Why:     "a release that has to be taken back leaves its schema behind",
			Safe:    "-- write the way back beside it; what it cannot bring back is said in its header: -- lost: WHAT",
			Example: "-- 20260101120000_notes.up.sql without 20260101120000_notes.down.sql"},
		{ID: DownDiffers, Severity: Error,
			Finds:   "after the up file and the down file the schema is not what it was, and the down file's header has no line `-- lost:`; or the down file does not run",
			Why:     "whoever rolls back ends in a schema that no release was tested with, and the next deployment may fail",
			Safe:    "-- undo in the down file what the up file does; what cannot be undone is said in its header: -- lost: WHAT",
			Example: "-- up:   CREATE TABLE notes (id bigint); CREATE TYPE color AS ENUM ('red');\n-- down: DROP TABLE notes;"},
		{ID: Suppression, Severity: Error,
			Finds:   "a comment `lint:allow` without a reason, with a rule that does not exist, in a place where it means nothing, or that suppresses nothing",
			Why:     "an exception that nobody can explain, or that is not needed any more, hides the next mistake",
			Safe:    "-- on the line before the statement, or in the header for the whole file:\n-- lint:allow RULE because REASON",
			Example: "-- lint:allow drop-table\nDROP TABLE notes;"},
	}
}
