-- name: RegisterInstance :one
INSERT INTO instances (id, release, address) VALUES (@id, @release, @address)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()
RETURNING now()::timestamptz AS now;

-- name: Heartbeat :one
UPDATE instances SET heartbeat_at = now() WHERE id = @id RETURNING now()::timestamptz AS now, pg_notification_queue_usage()::float8 AS queue;

-- name: NotificationQueue :one
SELECT pg_notification_queue_usage()::float8 AS queue;

-- name: RemoveInstance :exec
DELETE FROM instances WHERE id = @id;

-- name: SweepInstances :exec
DELETE FROM instances WHERE heartbeat_at < now() - interval '1 hour';

-- name: ListInstances :many
SELECT id, release, address, started_at, heartbeat_at FROM instances ORDER BY started_at, id;

-- name: ListLiveInstances :many
SELECT id, release, address, started_at, heartbeat_at FROM instances
WHERE heartbeat_at > now() - @silence::interval ORDER BY started_at, id;

-- name: Beat :one
-- Sent over the connection that listens, and heard back over it. Everything that
-- was committed before is heard first: PostgreSQL queues notifications in the
-- order of commits. A standby refuses NOTIFY, so only a primary answers. The
-- backend's id tells whether a pooler stands between: it hands on what a statement
-- of ours brings with it, and drops what others commit.
SELECT coalesce(pg_notify(@channel::text, @beat::text)::text, '')::text AS sent,
    clock_timestamp()::timestamptz AS now, pg_backend_pid()::bigint AS backend,
    pg_postmaster_start_time()::timestamptz AS started,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint AS timeline,
    EXISTS (SELECT FROM instances i WHERE i.id = @id AND i.heartbeat_at > now() - @silence::interval)::boolean AS registered;

-- name: SendMark :one
-- Nothing is lost with a mark, so its commit waits for no disk.
SELECT set_config('synchronous_commit', 'off', true)::text AS unsynchronised,
    coalesce(pg_notify(@channel::text, @payload::text)::text, '')::text AS sent;

-- name: Confirm :exec
INSERT INTO confirmations (mark, instance_id) SELECT unnest(@marks::uuid[]), @instance_id ON CONFLICT DO NOTHING;

-- name: ListConfirmations :many
SELECT instance_id FROM confirmations WHERE mark = @mark;

-- name: SweepConfirmations :exec
DELETE FROM confirmations WHERE at < now() - interval '1 hour';
