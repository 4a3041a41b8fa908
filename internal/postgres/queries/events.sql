-- name: Claim :exec
-- Who says they make this change, from where and why; read by the triggers and
-- gone with the transaction.
SELECT set_config('af_auth.actor', @actor::text, true),
    set_config('af_auth.address', @address::text, true),
    set_config('af_auth.reason', @reason::text, true);

-- name: NoteEvent :exec
INSERT INTO events (kind, user_id, actor, address, reason, details)
VALUES (@kind, sqlc.narg(user_id), sqlc.narg(actor), sqlc.narg(address), sqlc.narg(reason), @details);

-- name: ListEvents :many
SELECT id, at, kind, user_id, actor, role, address, reason, details
FROM events
WHERE (sqlc.narg(user_ids)::uuid[] IS NULL OR user_id = ANY (sqlc.narg(user_ids)::uuid[]))
    AND (sqlc.narg(since)::timestamptz IS NULL OR at >= sqlc.narg(since)::timestamptz)
    AND (sqlc.narg(before_id)::bigint IS NULL OR id < sqlc.narg(before_id)::bigint)
ORDER BY id DESC
LIMIT @max_rows::integer;

-- name: UserIDsInEvents :many
-- Under which of our ids the record knows a GitHub id: people who were deleted
-- are in it alone. Compared as text, so that no odd value is an error.
SELECT DISTINCT user_id::uuid AS user_id FROM events
WHERE user_id IS NOT NULL AND kind IN ('user.deleted', 'access.changed')
    AND @github_user_id::text IN (details ->> 'github_user_id', details ->> 'github_user_id_was');

-- name: NameUsers :many
-- What people are called, by our ids; of those who were deleted, what the
-- record knows: their GitHub id.
SELECT id, github_user_id::text AS github_user_id, login FROM users WHERE id = ANY (@ids::uuid[])
UNION ALL
SELECT user_id, details ->> 'github_user_id', NULL FROM events
WHERE kind = 'user.deleted' AND user_id = ANY (@ids::uuid[]) AND jsonb_typeof(details -> 'github_user_id') = 'number';

-- name: KeepsRecord :one
-- Whether this database is af-auth's own, and so has a record to write to.
SELECT (to_regclass('events') IS NOT NULL AND to_regclass('af_auth_migrations') IS NOT NULL)::boolean AS ours;
