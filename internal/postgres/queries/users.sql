-- Each query names the same columns in the same order, so that one Go function
-- reads them all. The tokens are not among them: what nobody selects, nobody
-- leaks.

-- name: GetUser :one
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now FROM users WHERE id = @id;

-- name: FindUsersByLogin :many
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now FROM users
WHERE lower(login) = lower(@login::text) ORDER BY created_at, id LIMIT 20;

-- name: GetUserByGitHubID :one
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now FROM users WHERE github_user_id = @github_user_id;

-- name: LockUserByGitHubID :one
-- For a change that builds on what is there.
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now FROM users WHERE github_user_id = @github_user_id FOR NO KEY UPDATE;

-- name: LockUser :one
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now FROM users WHERE id = @id FOR NO KEY UPDATE;

-- name: AddAllowedUser :one
-- A person who never signed in gets a row that waits for the GitHub id. No row
-- comes back where somebody else was quicker.
INSERT INTO users (github_user_id, login, is_whitelisted, whitelist_until, whitelist_decided_at, apps)
VALUES (@github_user_id, sqlc.narg(login)::text, true, sqlc.narg(until)::timestamptz, now(), sqlc.narg(apps)::text[])
ON CONFLICT (github_user_id) DO NOTHING
RETURNING id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now;

-- name: AllowUser :one
UPDATE users SET is_whitelisted = true, whitelist_until = sqlc.narg(until)::timestamptz,
    whitelist_decided_at = now(), apps = sqlc.narg(apps)::text[]
WHERE id = @id
RETURNING id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now;

-- name: SetUserApps :one
UPDATE users SET apps = @apps::text[], whitelist_decided_at = now()
WHERE id = @id
RETURNING id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now;

-- name: RevokeUser :one
UPDATE users SET is_whitelisted = false, whitelist_until = NULL, whitelist_decided_at = now()
WHERE id = @id
RETURNING id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now;

-- name: FindUsersByLogins :many
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now FROM users
WHERE lower(login) = ANY (@logins::text[]) ORDER BY created_at, id;

-- name: CountTraces :one
-- What is kept of a person beside the row itself.
SELECT (SELECT count(*) FROM sessions s WHERE s.user_id = @user_id)::bigint AS sessions,
    (SELECT count(*) FROM requests r WHERE r.user_id = @user_id)::bigint AS requests,
    (SELECT count(*) FROM deliveries d WHERE d.user_id = @user_id)::bigint AS deliveries,
    (SELECT count(*) FROM events e WHERE e.user_id = @user_id)::bigint AS events;

-- name: DeleteDeliveries :execrows
DELETE FROM deliveries WHERE user_id = @user_id;

-- name: DeleteUser :execrows
DELETE FROM users WHERE id = @id;
