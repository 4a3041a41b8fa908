-- transaction: none
-- lost: nothing
DROP INDEX CONCURRENTLY users_until_idx;
DROP INDEX CONCURRENTLY users_refused_idx;
