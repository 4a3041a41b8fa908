-- schema: 1.4.1
-- kind: expand
-- transaction: none
--
-- Lists of a million people, searched by prefix and by parts of words.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX CONCURRENTLY users_prefix_idx ON users ((lower(login) COLLATE "C"), id);
COMMENT ON INDEX users_prefix_idx IS 'Finds people by how their login begins, in alphabetical order.';
CREATE INDEX CONCURRENTLY users_search_idx ON users USING gin (login gin_trgm_ops, name gin_trgm_ops);
COMMENT ON INDEX users_search_idx IS 'Finds people by three letters or more out of their login or name.';
