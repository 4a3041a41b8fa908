-- What pages tell about people, beside their rows.

-- name: DescribePeople :many
-- For a page of people: how many live sessions each has and when one was last
-- used ('epoch': never), what they wrote, where their last sign-in came from, and
-- who decided last. Each is found by an index that begins with the person.
SELECT p.id::uuid AS id,
    (SELECT count(*) FROM sessions s
        WHERE s.user_id = p.id AND s.expires_at > now() AND s.seen_at > now() - @idle::interval) AS sessions,
    coalesce((SELECT max(s.seen_at) FROM sessions s WHERE s.user_id = p.id), 'epoch')::timestamptz AS seen_at,
    coalesce((SELECT r.message FROM requests r WHERE r.user_id = p.id), '')::text AS message,
    coalesce((SELECT e.address FROM events e
        WHERE e.user_id = p.id AND e.kind IN ('sign_in.succeeded', 'sign_in.refused')
        ORDER BY e.id DESC LIMIT 1), '')::text AS address,
    coalesce(decided.actor, '')::text AS decided_by, coalesce(decided.reason, '')::text AS decided_why
FROM unnest(@ids::uuid[]) AS p(id)
LEFT JOIN LATERAL (SELECT e.actor, e.reason FROM events e
    WHERE e.user_id = p.id AND e.kind IN ('access.allowed', 'access.changed', 'access.revoked', 'access.refused')
    ORDER BY e.id DESC LIMIT 1) decided ON true;

-- name: CountWaitingSince :one
-- How many people have come since a place in the list and wait: up to a number,
-- beyond which nobody counts. users_waiting_idx answers it.
SELECT count(*) FROM (
    SELECT FROM users u
    WHERE NOT u.is_whitelisted AND u.whitelist_decided_at IS NULL
        AND (u.created_at, u.id) > (@after_created_at::timestamptz, @after_id::uuid)
    LIMIT @max_rows::integer) newer;

-- name: WriteRequest :execrows
-- Only while nobody has decided.
INSERT INTO requests (user_id, message)
SELECT u.id, @message::text FROM users u
WHERE u.id = @user_id AND NOT u.is_whitelisted AND u.whitelist_decided_at IS NULL
ON CONFLICT (user_id) DO UPDATE SET message = excluded.message, written_at = now();

-- name: DropRequest :execrows
DELETE FROM requests r USING users u
WHERE r.user_id = @user_id AND u.id = r.user_id AND NOT u.is_whitelisted AND u.whitelist_decided_at IS NULL;

-- name: EndSessionOf :execrows
-- The person first, as in a revocation: see RedeemTicket. Those that came from
-- the session end with it.
WITH person AS (SELECT u.id FROM users u WHERE u.id = @user_id FOR NO KEY UPDATE)
DELETE FROM sessions USING person WHERE sessions.user_id = person.id AND sessions.id = @session_id;
