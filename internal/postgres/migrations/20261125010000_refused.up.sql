-- schema: 1.4.2
-- kind: expand
-- transaction: none
--
-- Lists of those who are not allowed, who are few of many.
CREATE INDEX CONCURRENTLY users_refused_idx ON users (created_at, id) INCLUDE (login)
    WHERE NOT is_whitelisted AND whitelist_decided_at IS NOT NULL;
COMMENT ON INDEX users_refused_idx IS 'Lists those who were refused, and how their logins begin.';
CREATE INDEX CONCURRENTLY users_until_idx ON users (whitelist_until) INCLUDE (created_at, id, login)
    WHERE is_whitelisted AND whitelist_until IS NOT NULL;
COMMENT ON INDEX users_until_idx IS 'Finds those whose permission has ended, with what a list is ordered by.';
