-- name: WantDeliveries :exec
INSERT INTO webhooks (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET wanted_at = now();

-- name: ClaimDelivery :one
-- The row is put off first: whoever crashes while it is on its way has claimed
-- it for the lease only.
WITH due AS (
    SELECT w.id FROM deliveries w WHERE w.next_at <= now() ORDER BY w.next_at, w.at, w.id LIMIT 1 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE deliveries SET attempts = attempts + 1, next_at = now() + @lease::interval
    WHERE deliveries.id = (SELECT due.id FROM due)
    RETURNING deliveries.id, kind, user_id, at, actor, reason, details, attempts
)
SELECT c.id, c.kind, c.user_id, c.at, c.actor, c.reason, c.details, c.attempts,
    u.github_user_id, u.login, now()::timestamptz AS now
FROM claimed c LEFT JOIN users u ON u.id = c.user_id;

-- name: FinishDelivery :exec
DELETE FROM deliveries WHERE id = @id;

-- name: DelayDelivery :exec
UPDATE deliveries SET next_at = now() + @wait::interval, last_error = @last_error WHERE id = @id;

-- name: DropDeliveries :execrows
DELETE FROM deliveries WHERE at < now() - @age::interval;

-- name: TryLead :one
-- One leader for each schema and job: the key is 64 bits of a hash of both.
SELECT pg_try_advisory_lock(hashtextextended('af_auth lead ' || current_schema()::text || ' ' || @job::text, 0));
