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

-- name: ListUsers :many
-- Newest first, by key: the next page begins after the last row of this one.
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now
FROM users
WHERE (@access::text = '' OR access_of(is_whitelisted, whitelist_until, whitelist_decided_at) = @access::text
        OR (@access::text = 'refused' AND access_of(is_whitelisted, whitelist_until, whitelist_decided_at) = 'expired'))
    AND (@search::text = '' OR login ILIKE @search::text OR name ILIKE @search::text OR github_user_id::text = @exact::text)
    AND (sqlc.narg(after_created_at)::timestamptz IS NULL
        OR (created_at, id) < (sqlc.narg(after_created_at)::timestamptz, sqlc.narg(after_id)::uuid))
ORDER BY created_at DESC, id DESC
LIMIT @max_rows::integer;

-- name: AllowUser :one
-- A person who never signed in gets a row that waits for the GitHub id.
INSERT INTO users (github_user_id, login, is_whitelisted, whitelist_until, whitelist_decided_at, apps)
VALUES (@github_user_id, sqlc.narg(login)::text, true, sqlc.narg(until)::timestamptz, now(), sqlc.narg(apps)::text[])
ON CONFLICT (github_user_id) DO UPDATE SET
    is_whitelisted = true,
    whitelist_until = excluded.whitelist_until,
    whitelist_decided_at = excluded.whitelist_decided_at,
    apps = excluded.apps
RETURNING id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now;

-- name: RevokeUser :one
UPDATE users SET is_whitelisted = false, whitelist_until = NULL, whitelist_decided_at = now()
WHERE id = @id
RETURNING id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now;
