-- name: RegisterInstance :one
INSERT INTO instances (release, address) VALUES (@release, @address) RETURNING id;

-- name: Heartbeat :one
UPDATE instances SET heartbeat_at = now() WHERE id = @id RETURNING now()::timestamptz AS now;

-- name: RemoveInstance :exec
DELETE FROM instances WHERE id = @id;

-- name: SweepInstances :exec
DELETE FROM instances WHERE heartbeat_at < now() - interval '1 hour';

-- name: ListInstances :many
SELECT id, release, address, started_at, heartbeat_at FROM instances ORDER BY started_at, id;

-- name: ListLiveInstances :many
SELECT id, release, address, started_at, heartbeat_at FROM instances
WHERE heartbeat_at > now() - @silence::interval ORDER BY started_at, id;
