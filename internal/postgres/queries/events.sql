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
WHERE (sqlc.narg(user_id)::uuid IS NULL OR user_id = sqlc.narg(user_id)::uuid)
    AND (sqlc.narg(since)::timestamptz IS NULL OR at >= sqlc.narg(since)::timestamptz)
    AND (sqlc.narg(before_id)::bigint IS NULL OR id < sqlc.narg(before_id)::bigint)
ORDER BY id DESC
LIMIT @max_rows::integer;
