-- name: FindSession :one
-- What the gate asks for each request: session, person and the time, in one
-- row found by a unique index; and which server says so, and whether it only
-- follows another one.
SELECT s.id, s.user_id, s.host, s.parent_id, s.created_at, s.seen_at, s.expires_at,
    u.github_user_id, u.login, u.name, u.email, u.avatar_url,
    u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at, u.apps,
    u.last_sign_in_at, u.created_at AS user_created_at, u.updated_at AS user_updated_at,
    now()::timestamptz AS now, pg_postmaster_start_time()::timestamptz AS server,
    pg_is_in_recovery() AS standby
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.token_hash = @token_hash AND s.host = @host
    AND s.expires_at > now() AND s.seen_at > now() - @idle::interval;

-- name: TouchSessions :exec
-- Use of an application's session is use of the sign-in that it came from.
-- Rows that somebody holds are left alone: they are being ended or touched, and
-- waiting for them in an order of our own could deadlock with a revocation.
UPDATE sessions SET seen_at = now()
WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.seen_at < now() - interval '30 seconds'
        AND (s.id = ANY (@ids::uuid[])
            OR s.id IN (SELECT c.parent_id FROM sessions c WHERE c.id = ANY (@ids::uuid[])))
    FOR NO KEY UPDATE OF s SKIP LOCKED);

-- name: EndSession :execrows
-- The person first, as in a revocation: see RedeemTicket.
WITH person AS (
    SELECT u.id FROM users u
    WHERE u.id = (SELECT s.user_id FROM sessions s WHERE s.token_hash = @token_hash AND s.host = @host)
    FOR NO KEY UPDATE
)
DELETE FROM sessions USING person
WHERE sessions.user_id = person.id AND sessions.token_hash = @token_hash AND sessions.host = @host;

-- name: EndUserSessions :execrows
-- The person first, as in a revocation: see RedeemTicket.
WITH person AS (SELECT u.id FROM users u WHERE u.id = @user_id FOR NO KEY UPDATE)
DELETE FROM sessions USING person WHERE sessions.user_id = person.id;

-- name: CountLiveSessions :one
SELECT count(*) FROM sessions
WHERE user_id = @user_id AND expires_at > now() AND seen_at > now() - @idle::interval;

-- name: ListUserSessions :many
-- Newest first, by key, as ListUsers; without a number of rows, all of them.
SELECT id, user_id, host, parent_id, created_at, seen_at, expires_at, user_agent
FROM sessions
WHERE user_id = @user_id AND expires_at > now() AND seen_at > now() - @idle::interval
    AND (sqlc.narg(after_created_at)::timestamptz IS NULL
        OR (created_at, id) < (sqlc.narg(after_created_at)::timestamptz, sqlc.narg(after_id)::uuid))
ORDER BY created_at DESC, id DESC
LIMIT sqlc.narg(max_rows)::integer;

-- name: SweepSessions :execrows
-- Children first, and their parents the next time; what somebody else holds is
-- left to them. So sweeping never waits, and cannot deadlock with a revocation.
DELETE FROM sessions WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.expires_at <= now() AND NOT EXISTS (SELECT FROM sessions c WHERE c.parent_id = s.id)
    LIMIT 10000 FOR UPDATE OF s SKIP LOCKED);

-- name: SweepTickets :execrows
DELETE FROM tickets WHERE token_hash IN (
    SELECT t.token_hash FROM tickets t WHERE t.expires_at <= now() FOR UPDATE SKIP LOCKED);

-- name: MayAct :one
-- Whether the session of whoever decides is live, and its person allowed.
SELECT EXISTS (SELECT FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = @id AND s.expires_at > clock_timestamp()
        AND access_of(u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at) = 'allowed')::boolean AS may;
