-- transaction: none
-- lost: the extension pg_trgm, unless something else needs it; then going back stops
DROP INDEX CONCURRENTLY users_search_idx;
DROP INDEX CONCURRENTLY users_prefix_idx;
DROP EXTENSION pg_trgm;
