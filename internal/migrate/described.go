package migrate

// described says in the database what the tables and their columns hold: who
// meets them there may not have this source at hand. %[1]s is the ledger, %[2]s
// the history.
const described = `COMMENT ON TABLE %[1]s IS 'Migrations that this schema has had, one row a file.';
COMMENT ON COLUMN %[1]s.version IS 'Date and time in the file''s name: YYYYMMDDhhmmss. The order of the files.';
COMMENT ON COLUMN %[1]s.name IS 'The rest of the file''s name.';
COMMENT ON COLUMN %[1]s.schema_version IS 'Semantic version of the schema after this file; empty where the file does not say.';
COMMENT ON COLUMN %[1]s.kind IS 'expand, backfill or contract; empty where the file does not say.';
COMMENT ON COLUMN %[1]s.checksum IS 'SHA-256 of the file as it was applied, in hexadecimal.';
COMMENT ON COLUMN %[1]s.applied_at IS 'When its work was committed, by the database''s clock.';
COMMENT ON COLUMN %[1]s.took_ms IS 'Milliseconds that its SQL took; 0 where it was not run but marked.';
COMMENT ON COLUMN %[1]s.actor IS 'Who says they did it.';
COMMENT ON COLUMN %[1]s.role IS 'The database role that really did it.';
COMMENT ON COLUMN %[1]s.release IS 'Version of the program that did it.';
COMMENT ON COLUMN %[1]s.fingerprint IS 'What the schema looked like afterwards, as a hash behind the server''s major version; NULL where nobody looked.';
COMMENT ON COLUMN %[1]s.description IS 'The same in words, kept for the newest row only: it shows what was changed by hand since.';
COMMENT ON COLUMN %[1]s.stamp IS 'Which versions of the catalogue''s rows were there then: while they are the same, nobody needs to look at the schema. Kept for the newest row only.';
COMMENT ON COLUMN %[1]s.resolved IS 'True where somebody marked the file as applied, and it was not run.';
COMMENT ON TABLE %[2]s IS 'Every attempt at a migration, and how it ended.';
COMMENT ON COLUMN %[2]s.version IS 'Of the file, as in the ledger.';
COMMENT ON COLUMN %[2]s.number IS 'Of the attempt at this version, from 1.';
COMMENT ON COLUMN %[2]s.name IS 'The rest of the file''s name.';
COMMENT ON COLUMN %[2]s.action IS 'apply, roll back, mark as applied, mark as rolled back, or accept drift.';
COMMENT ON COLUMN %[2]s.outcome IS 'started, done, failed, or lost: the migrator went away without a word. Of a started one, pid tells whether it is at work.';
COMMENT ON COLUMN %[2]s.checksum IS 'SHA-256 of the text that ran, up or down, in hexadecimal.';
COMMENT ON COLUMN %[2]s.started_at IS 'When it began, by the database''s clock.';
COMMENT ON COLUMN %[2]s.finished_at IS 'When it ended; NULL where that is not known.';
COMMENT ON COLUMN %[2]s.pid IS 'The server''s process that ran it.';
COMMENT ON COLUMN %[2]s.actor IS 'Who says they did it.';
COMMENT ON COLUMN %[2]s.role IS 'The database role that really did it.';
COMMENT ON COLUMN %[2]s.release IS 'Version of the program that did it.';
COMMENT ON COLUMN %[2]s.address IS 'Address of the client; NULL over a local socket.';
COMMENT ON COLUMN %[2]s.statements IS 'How many statements the file has.';
COMMENT ON COLUMN %[2]s.statements_done IS 'How many are done for good, in a file without a transaction around it.';
COMMENT ON COLUMN %[2]s.done_checksum IS 'Hash of what is done for good: the rest of a half-applied file may be mended, this part may not.';
COMMENT ON COLUMN %[2]s.batch_key IS 'The last key that a backfill has done for good.';
COMMENT ON COLUMN %[2]s.rows_done IS 'Rows that a backfill has gone through for good.';
COMMENT ON COLUMN %[2]s.rows_total IS 'Rows of its table, about.';
COMMENT ON COLUMN %[2]s.failed_statement IS 'Number of the statement that failed, from 1.';
COMMENT ON COLUMN %[2]s.line IS 'Line of the file where it failed, from 1.';
COMMENT ON COLUMN %[2]s.statement IS 'The statement that failed, at most 1,000 bytes of it.';
COMMENT ON COLUMN %[2]s.sqlstate IS 'PostgreSQL''s code of the error.';
COMMENT ON COLUMN %[2]s.message IS 'What the error said.';
COMMENT ON COLUMN %[2]s.detail IS 'What the error added, or who stood in the way; for a mark or accepted drift, what was seen and why.';
COMMENT ON COLUMN %[2]s.hint IS 'What to do, as it was said then.';
COMMENT ON COLUMN %[2]s.next_command IS 'The command that goes on: deploy or rollback.';
COMMENT ON COLUMN %[2]s.forced IS 'True where somebody insisted against what the schema showed.'`
