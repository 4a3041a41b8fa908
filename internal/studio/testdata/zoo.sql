-- Relations as odd as PostgreSQL allows. Types have tables of their own, and odd
-- names too: those are made by the test.
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION btree_gist;
CREATE EXTENSION file_fdw;

-- Types that people make.
CREATE TYPE mood AS ENUM ('sad', '', 'very "happy", really', 'naïve');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE nested AS (p pair, list pair[], m mood);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
CREATE DOMAIN must AS text NOT NULL CHECK (VALUE <> 'never');
CREATE DOMAIN evens AS even[];
CREATE DOMAIN cents AS numeric(8, 2);
CREATE TABLE user_types (id int PRIMARY KEY, feeling mood, feelings mood[], e even, m must DEFAULT 'x', es evens, money cents, duo pair, duos pair[], deep nested,
	s span, ms span_multirange, ci citext, h hstore, evenlist even[]);
INSERT INTO user_types SELECT i, (enum_range(NULL::mood))[1 + i % 4], array[(enum_range(NULL::mood))[1 + i % 4], NULL], i * 2, 'text ' || i, array[i * 2, NULL], i / 4.0, (i, 'a "b", (c) ' || i)::pair,
	array[(i, NULL)::pair, NULL], ((i, '')::pair, array[(i, 'x')::pair], 'sad'::mood)::nested, span(i, i + 0.5), span_multirange(span(i, i + 0.25)), 'CiText' || i, hstore(array['a "b"', 'c=>', 'null'], array[i::text, '', NULL]), array[i * 2]
	FROM generate_series(1, 60) i;

CREATE TABLE mods (id smallint PRIMARY KEY, c char(8), one char, vc varchar(10), num numeric(10, 2), neg numeric(5, -2), tiny numeric(3, 5), ts timestamp(0), tz timestamptz(3), tm time(2),
	iv interval day to second(2), ym interval year to month, b bit(4), vb varbit(5), nums numeric(6, 1)[]);
INSERT INTO mods VALUES (1, 'ab', 'x', 'ten chars', 12345678.25, 1200, 0.00123, '2026-01-01 12:00:01', '2026-01-01 12:00:01.123+00', '12:00:01.25', '3 days 00:00:01.25', '2 years 3 mons', B'1010', B'1', '{1.5,NULL}'),
	(2, '', '', '', -0.01, -99900, -0.00999, '-infinity', 'infinity', '24:00', '-1 days', '-1 mons', B'0000', B'', '{}');

-- Columns
CREATE TABLE controls (id text PRIMARY KEY, t text);
INSERT INTO controls SELECT chr(i) || 'k' || i, 'a' || chr(i) || 'b' FROM generate_series(1, 159) i;
INSERT INTO controls VALUES (E'\r\n', E'\r\n\r'), (E'\n', E'\n'), ('\N', 'NULL'), ('null', '\x'), (' ', '  '), (',', '"'), ('\', '\\'), ('​', ''), ('é', 'é'), ('~', '~41'), ('a/../b', '%2e%2e');
CREATE TABLE long_values (id int PRIMARY KEY, t text, b bytea, n numeric, d jsonb);
INSERT INTO long_values SELECT i, repeat('ä', 5000 * i), decode(repeat('00ff', 3000 * i), 'hex'), (repeat('9', 5000) || '.' || repeat('1', 200 * i))::numeric, jsonb_build_object('a', repeat('x', 6000)) FROM generate_series(1, 3) i;
CREATE TABLE alike (id int PRIMARY KEY, "Id" int, "iD " int, " id" int, "id.id" int, "alike" int, r int, "left" int, "ctid?" int);
INSERT INTO alike SELECT i, -i, i % 3, i % 5, i % 7, i, -i, NULL, i FROM generate_series(1, 70) i;
CREATE TABLE dropped (gone int, id int PRIMARY KEY, also_gone text, v text);
ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN also_gone;
INSERT INTO dropped SELECT i, 'v' || i FROM generate_series(1, 55) i;
CREATE TABLE no_columns ();
INSERT INTO no_columns SELECT FROM generate_series(1, 60);
CREATE TABLE no_rows (id int PRIMARY KEY, v text NOT NULL DEFAULT 'x');
CREATE TABLE no_anything ();
CREATE TABLE typed OF pair (a WITH OPTIONS PRIMARY KEY);
INSERT INTO typed SELECT i, 'b' || i FROM generate_series(1, 55) i;
DO $$ BEGIN
	EXECUTE (SELECT 'CREATE TABLE wide_numbers (' || string_agg('c' || i || ' int' || CASE i WHEN 1 THEN ' PRIMARY KEY' ELSE '' END, ', ' ORDER BY i) || ')' FROM generate_series(1, 1600) i);
	EXECUTE (SELECT 'CREATE TABLE wide_texts (' || string_agg('c' || i || ' text' || CASE i WHEN 1 THEN ' PRIMARY KEY' ELSE '' END, ', ' ORDER BY i) || ')' FROM generate_series(1, 1600) i);
	EXECUTE (SELECT 'INSERT INTO wide_numbers SELECT ' || string_agg('i + ' || i, ', ' ORDER BY i) || ' FROM generate_series(1, 3) i' FROM generate_series(1, 1600) i);
	INSERT INTO wide_texts (c1, c2, c1599, c1600) VALUES ('a', 'b', 'y', 'z'), ('b', '', NULL, 'end');
	EXECUTE (SELECT 'CREATE TABLE long_key (' || string_agg('c' || i || ' int', ', ' ORDER BY i) || ', PRIMARY KEY (' || string_agg('c' || i, ', ' ORDER BY i) || '))' FROM generate_series(1, 32) i);
	EXECUTE (SELECT 'INSERT INTO long_key SELECT ' || string_agg('j / ' || i, ', ' ORDER BY i) || ' FROM generate_series(1, 60) j' FROM generate_series(1, 32) i);
END $$;

-- Keys
CREATE TABLE composite (part text COLLATE "C", no bigint, at timestamptz, v text, PRIMARY KEY (at, part, no));
INSERT INTO composite SELECT CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN 'a,b' ELSE '~/' END, 9223372036854775807 - i, timestamptz '2026-01-01' + i % 2 * interval '1 microsecond', 'v' || i FROM generate_series(1, 120) i;
CREATE TABLE unique_only (a int NOT NULL, b text NOT NULL, c int, UNIQUE (a, b), UNIQUE (c));
INSERT INTO unique_only SELECT i / 2, 'b' || i, nullif(i, 5) FROM generate_series(1, 60) i;
CREATE TABLE unique_nullable (a int UNIQUE, b int);
INSERT INTO unique_nullable SELECT nullif(i, 7), i FROM generate_series(1, 60) i;
CREATE TABLE unique_partial (a int NOT NULL, b text NOT NULL);
CREATE UNIQUE INDEX ON unique_partial (a) WHERE b = 'x';
CREATE UNIQUE INDEX ON unique_partial (lower(b), a);
INSERT INTO unique_partial SELECT i % 2, 'b' || i FROM generate_series(1, 60) i;
CREATE TABLE unique_including (a int NOT NULL, b int);
CREATE UNIQUE INDEX ON unique_including (a) INCLUDE (b);
INSERT INTO unique_including SELECT i, i % 4 FROM generate_series(1, 60) i;
CREATE TABLE deferrable_key (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
INSERT INTO deferrable_key SELECT i, 'v' FROM generate_series(1, 60) i;
CREATE TABLE keyless (v int, doc json);
INSERT INTO keyless SELECT i % 3, json_build_object('i', i % 2) FROM generate_series(1, 130) i;
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, v text);
INSERT INTO unlogged SELECT i, 'v' FROM generate_series(1, 60) i;
CREATE TABLE identity_always (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
INSERT INTO identity_always (v) SELECT 'v' || i FROM generate_series(1, 60) i;
CREATE TABLE identity_default (id smallint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text, other int GENERATED BY DEFAULT AS IDENTITY);
INSERT INTO identity_default (v) SELECT 'v' || i FROM generate_series(1, 60) i;
CREATE TABLE generated (a int PRIMARY KEY, b int, total int GENERATED ALWAYS AS (a + b) STORED, label text GENERATED ALWAYS AS ('x' || a) STORED);
INSERT INTO generated SELECT i, i % 7 FROM generate_series(1, 60) i;
CREATE TABLE generated_key (a int NOT NULL, twice int GENERATED ALWAYS AS (a * 2) STORED NOT NULL UNIQUE);
INSERT INTO generated_key SELECT i FROM generate_series(1, 60) i;
CREATE TABLE bookings (id int PRIMARY KEY, room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO bookings SELECT i, i % 4, tsrange(timestamp '2026-01-01' + i * interval '1 hour', timestamp '2026-01-01' + (i + 1) * interval '1 hour') FROM generate_series(1, 60) i;

-- Foreign keys
CREATE TABLE orders (region text, no int, note text, PRIMARY KEY (region, no));
INSERT INTO orders SELECT (array['eu', 'us'])[1 + i % 2], i, 'note' FROM generate_series(1, 60) i;
CREATE TABLE order_items (region text, no int, line int, amount numeric NOT NULL DEFAULT 1, PRIMARY KEY (region, no, line), FOREIGN KEY (region, no) REFERENCES orders ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO order_items SELECT region, no, l, l * 1.5 FROM orders, generate_series(1, 2) l;
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE SET NULL);
INSERT INTO tree SELECT i, nullif(i / 2, 0) FROM generate_series(1, 60) i;
CREATE TABLE egg (id int PRIMARY KEY, hen int NOT NULL);
CREATE TABLE hen (id int PRIMARY KEY, egg int NOT NULL REFERENCES egg DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO egg SELECT i, i FROM generate_series(1, 55) i; INSERT INTO hen SELECT i, i FROM generate_series(1, 55) i; COMMIT;

-- Partitions and children
CREATE TABLE events (day date NOT NULL, kind text NOT NULL, id int NOT NULL, v text, PRIMARY KEY (day, kind, id)) PARTITION BY RANGE (day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (kind);
CREATE TABLE "events_2025 a" PARTITION OF events_2025 FOR VALUES IN ('a');
CREATE TABLE events_2025_rest PARTITION OF events_2025 DEFAULT;
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE events_default PARTITION OF events DEFAULT;
INSERT INTO events SELECT date '2024-06-01' + i * 10, (array['a', 'b'])[1 + i % 2], i, 'v' || i FROM generate_series(1, 120) i;
CREATE TABLE event_notes (id int PRIMARY KEY, day date, kind text, event int, FOREIGN KEY (day, kind, event) REFERENCES events ON DELETE CASCADE);
INSERT INTO event_notes SELECT id, day, kind, id FROM events WHERE id % 2 = 0;
CREATE TABLE hashed (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashed SELECT i, 'v' || i FROM generate_series(1, 120) i;
CREATE TABLE listed (code text, v int) PARTITION BY LIST (code);
CREATE TABLE listed_null PARTITION OF listed FOR VALUES IN (NULL, 'a');
CREATE TABLE listed_rest PARTITION OF listed DEFAULT;
INSERT INTO listed SELECT (array['a', NULL, 'c'])[1 + i % 3], i FROM generate_series(1, 120) i;
CREATE TABLE no_partitions (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE animals (id int PRIMARY KEY, name text);
CREATE TABLE cats (lives int DEFAULT 9, PRIMARY KEY (id)) INHERITS (animals);
CREATE TABLE kittens () INHERITS (cats);
INSERT INTO animals SELECT i, 'animal ' || i FROM generate_series(1, 60) i;
INSERT INTO cats SELECT i, 'cat ' || i FROM generate_series(2, 60) i;
INSERT INTO kittens SELECT i, 'kitten ' || i FROM generate_series(40, 70) i;

-- Views
CREATE VIEW view_simple AS SELECT id, v FROM hashed;
CREATE VIEW view_checked AS SELECT id, v FROM hashed WHERE id > 10 WITH CASCADED CHECK OPTION;
CREATE VIEW view_join AS SELECT o.region, i.line, i.amount, o.note FROM orders o JOIN order_items i USING (region, no);
CREATE VIEW view_twins AS SELECT v, doc, (v + 1) / 2 AS "half of v" FROM keyless;
CREATE VIEW view_ordered AS SELECT id, 61 - id AS turned, nullif(id % 5, 0) AS sometimes, (id % 2)::numeric(3, 1) AS n FROM unlogged ORDER BY id DESC;
CREATE VIEW view_system AS SELECT ctid, xmin, tableoid, v, r."af_auth_nth" FROM deferrable_key, (SELECT 1 AS "af_auth_nth") r;
CREATE VIEW view_recursive AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 110) SELECT n, point(n, n) AS p, n % 4 AS tie FROM t;
CREATE VIEW view_empty AS SELECT * FROM no_rows;
CREATE VIEW view_no_columns AS SELECT FROM no_columns;
CREATE FUNCTION refuse() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE VIEW view_raises AS SELECT refuse() AS v;
CREATE VIEW view_divides AS SELECT 1 / (id - id) AS v FROM unlogged;
CREATE MATERIALIZED VIEW mat AS SELECT id, v FROM hashed;
CREATE UNIQUE INDEX ON mat (id);
CREATE MATERIALIZED VIEW mat_twins AS SELECT v FROM keyless;
CREATE MATERIALIZED VIEW mat_unfilled AS SELECT id FROM hashed WITH NO DATA;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE foreign_file (n int, word text) SERVER files OPTIONS (program 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf "1,a\n2,b\n3,\n4,a\n4,a\n"; done', format 'csv');
CREATE FOREIGN DATA WRAPPER broken;
CREATE SERVER broken FOREIGN DATA WRAPPER broken;
CREATE FOREIGN TABLE foreign_broken (n int) SERVER broken;

-- Rows that resist
CREATE TABLE guarded (id int PRIMARY KEY, owner text DEFAULT current_user, v text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON guarded USING (owner = current_user);
INSERT INTO guarded (id, v) SELECT i, 'v' FROM generate_series(1, 60) i;
CREATE FUNCTION raise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'you may not'; END $$;
CREATE TABLE frozen (id int PRIMARY KEY, v text);
INSERT INTO frozen SELECT i, 'v' FROM generate_series(1, 60) i;
CREATE TRIGGER raise BEFORE INSERT OR UPDATE OR DELETE ON frozen FOR EACH ROW EXECUTE FUNCTION raise();
CREATE TABLE ruled (id int PRIMARY KEY, v text);
INSERT INTO ruled SELECT i, 'v' FROM generate_series(1, 60) i;
CREATE RULE nothing_changes AS ON UPDATE TO ruled DO INSTEAD NOTHING;
CREATE RULE nothing_comes AS ON INSERT TO ruled DO INSTEAD NOTHING;
