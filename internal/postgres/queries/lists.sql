-- The lists below go by key: a page begins behind the last row of the one before,
-- and the first behind a key that nobody reaches. One query for each order and
-- condition, because "argument is empty OR column = argument" hides from the
-- planner which index serves.

-- name: ListUsers :many
-- Newest first.
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now
FROM users
WHERE (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @max_rows::integer;

-- name: ListWaitingUsers :many
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now
FROM users
WHERE NOT is_whitelisted AND whitelist_decided_at IS NULL
    AND (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @max_rows::integer;

-- name: ListUsersByAccess :many
-- Walks from the newest on, through @depth people at most, and leaves out whom the
-- conditions leave out; run it behind PlanInOrder.
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now
FROM (
    SELECT id, github_user_id, login, name, email, avatar_url,
        is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
        created_at, updated_at
    FROM users
    WHERE (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid)
    ORDER BY created_at DESC, id DESC LIMIT @depth::integer
) walked
WHERE access_of(is_whitelisted, whitelist_until, whitelist_decided_at) = ANY (@states::text[])
    AND (@app::text = '' OR apps IS NULL OR @app::text = ANY (apps))
ORDER BY created_at DESC, id DESC
LIMIT @max_rows::integer;

-- name: ListRefusedUsers :many
-- Those who were refused come in the order of users_refused_idx; those whose
-- permission has ended are read from users_until_idx and sorted. OFFSET 0 keeps the
-- order out of their plan: a walk through everybody would look cheap, and is not
-- where few have ended. Run it behind PlanByKey.
SELECT u.id, u.github_user_id, u.login, u.name, u.email, u.avatar_url,
    u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at, u.apps, u.last_sign_in_at,
    u.created_at, u.updated_at, now()::timestamptz AS now
FROM (
    (SELECT id FROM users
    WHERE NOT is_whitelisted AND whitelist_decided_at IS NOT NULL
        AND (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid)
    ORDER BY created_at DESC, id DESC LIMIT @max_rows::integer)
    UNION ALL
    (SELECT id FROM (
        SELECT id, created_at FROM users WHERE is_whitelisted AND whitelist_until <= now() OFFSET 0
    ) ended
    WHERE (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid)
    ORDER BY created_at DESC, id DESC LIMIT @max_rows::integer)
) found JOIN users u ON u.id = found.id
ORDER BY u.created_at DESC, u.id DESC
LIMIT @max_rows::integer;

-- name: ListRefusedUsersByPrefix :many
-- All who are not allowed, out of the two indexes alone, and of these the logins.
-- Run it behind PlanByKey.
SELECT u.id, u.github_user_id, u.login, u.name, u.email, u.avatar_url,
    u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at, u.apps, u.last_sign_in_at,
    u.created_at, u.updated_at, now()::timestamptz AS now
FROM (
    SELECT id FROM (
        (SELECT id, login FROM users WHERE NOT is_whitelisted AND whitelist_decided_at IS NOT NULL OFFSET 0)
        UNION ALL
        (SELECT id, login FROM users WHERE is_whitelisted AND whitelist_until <= now() OFFSET 0)
    ) refused
    WHERE lower(login) COLLATE "C" < @upper::text
        AND (lower(login) COLLATE "C", id) > (lower(@after_login::text) COLLATE "C", @after_id::uuid)
    ORDER BY lower(login) COLLATE "C", id LIMIT @max_rows::integer
) found JOIN users u ON u.id = found.id
ORDER BY lower(u.login) COLLATE "C", u.id
LIMIT @max_rows::integer;

-- name: ListUsersByPrefix :many
-- In the order of users_prefix_idx, through @depth people at most. Bounds and not LIKE: a plan made once for all
-- prefixes knows nothing of the pattern, and would read everybody.
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now
FROM (
    SELECT id, github_user_id, login, name, email, avatar_url,
        is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
        created_at, updated_at, lower(login) COLLATE "C" AS place
    FROM users
    WHERE lower(login) COLLATE "C" < @upper::text
        AND (lower(login) COLLATE "C", id) > (lower(@after_login::text) COLLATE "C", @after_id::uuid)
    ORDER BY lower(login) COLLATE "C", id LIMIT @depth::integer
) walked
WHERE access_of(is_whitelisted, whitelist_until, whitelist_decided_at) = ANY (@states::text[])
    AND (@app::text = '' OR apps IS NULL OR @app::text = ANY (apps))
ORDER BY place, id
LIMIT @max_rows::integer;

-- name: SearchRecentUsers :many
-- Looks through the newest @depth people only: what many people have in common
-- fills a page from there, and its trigrams would name half of the table.
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now
FROM (
    SELECT id, github_user_id, login, name, email, avatar_url,
        is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at, created_at, updated_at
    FROM users
    WHERE (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid)
    ORDER BY created_at DESC, id DESC LIMIT @depth::integer
) recent
WHERE (login ILIKE @pattern::text OR name ILIKE @pattern::text OR github_user_id = @github_user_id::bigint)
    AND access_of(is_whitelisted, whitelist_until, whitelist_decided_at) = ANY (@states::text[])
    AND (@app::text = '' OR apps IS NULL OR @app::text = ANY (apps))
ORDER BY created_at DESC, id DESC
LIMIT @max_rows::integer;

-- name: SearchUsers :many
-- Finds what is rare by its trigrams; run it behind PlanByBitmap. MATERIALIZED
-- keeps the order out of the plan: a walk through everybody from the newest on
-- would look cheap, and is not where few match.
WITH hits AS MATERIALIZED (
    SELECT id, github_user_id, login, name, email, avatar_url,
        is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at, created_at, updated_at
    FROM users
    WHERE login ILIKE @pattern::text OR name ILIKE @pattern::text OR github_user_id = @github_user_id::bigint
)
SELECT id, github_user_id, login, name, email, avatar_url,
    is_whitelisted, whitelist_until, whitelist_decided_at, apps, last_sign_in_at,
    created_at, updated_at, now()::timestamptz AS now
FROM hits
WHERE access_of(is_whitelisted, whitelist_until, whitelist_decided_at) = ANY (@states::text[])
    AND (@app::text = '' OR apps IS NULL OR @app::text = ANY (apps))
    AND (created_at, id) < (@after_created_at::timestamptz, @after_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @max_rows::integer;

-- name: PlanInOrder :exec
-- For this transaction: rows come in the order of an index, and are not sorted.
SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true);

-- name: PlanByBitmap :exec
-- For this transaction: only indexes that name rows by a condition, and a plan for
-- the very pattern.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
    set_config('enable_indexonlyscan', 'off', true), set_config('jit', 'off', true),
    set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: PlanByKey :exec
-- For this transaction, behind PlanInOrder too: what was found by an index is
-- looked up by its key, one by one, however many a plan for all arguments expects,
-- and then sorted.
SELECT set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true);

-- name: CountUsers :one
-- What the statistics say of the number of people, made fit for the table's size
-- today (0 or less: nothing), and, counted up to a bound, people and those who wait.
SELECT coalesce((SELECT (CASE WHEN c.relpages > 0 THEN c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::bigint)
        ELSE -1 END)::bigint
    FROM pg_catalog.pg_class c WHERE c.oid = 'users'::regclass), -1)::bigint AS estimate,
    (SELECT count(*) FROM (SELECT FROM users LIMIT @all_bound::integer) a)::bigint AS counted,
    (SELECT count(*) FROM (SELECT FROM users WHERE NOT is_whitelisted AND whitelist_decided_at IS NULL LIMIT @waiting_bound::integer) w)::bigint AS waiting;
