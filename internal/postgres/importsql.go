package postgres

// The statements of an import. They read a temporary table, which sqlc does not
// know, so they stand here. Their arguments are: $1, do rows decide about the
// end; $2, do they decide about the applications.

const importTable = `CREATE TEMPORARY TABLE af_auth_import (
    github_user_id bigint NOT NULL, login text, until timestamptz(6), apps text[], reason text
) ON COMMIT DROP`

// importCompared is each row of the list beside the person it is about: what
// there is, and what there is to be.
const importCompared = `SELECT i.github_user_id, i.login AS new_login, i.reason, u.id,
        access_of(u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at) AS access,
        u.whitelist_until AS until_was, u.apps AS apps_was, a.until, a.apps
    FROM pg_temp.af_auth_import i LEFT JOIN users u ON u.github_user_id = i.github_user_id
    CROSS JOIN LATERAL (SELECT
        CASE WHEN $1::boolean THEN i.until
            WHEN u.is_whitelisted AND (u.whitelist_until IS NULL OR now() < u.whitelist_until) THEN u.whitelist_until END AS until,
        CASE WHEN $2::boolean THEN i.apps
            WHEN u.is_whitelisted AND (u.whitelist_until IS NULL OR now() < u.whitelist_until) THEN u.apps END AS apps) a`

// Applications are compared as sets: somebody may have written them by hand.
const importSameApps = `(apps IS NULL AND apps_was IS NULL OR apps @> apps_was AND apps <@ apps_was)`

const importLowered = `(access = 'allowed'
    AND (until < coalesce(until_was, 'infinity') OR apps IS NOT NULL AND (apps_was IS NULL OR NOT apps @> apps_was)))`

const importPlan = `SELECT count(*) FILTER (WHERE id IS NULL),
    count(*) FILTER (WHERE id IS NOT NULL AND access = 'waiting'),
    count(*) FILTER (WHERE access IN ('refused', 'expired')),
    count(*) FILTER (WHERE access = 'allowed' AND NOT same),
    count(*) FILTER (WHERE lowered),
    count(*) FILTER (WHERE access = 'allowed' AND same),
    count(*) FILTER (WHERE apps IS NULL AND (id IS NULL OR access <> 'allowed' OR apps_was IS NOT NULL))
FROM (SELECT id, access, apps, apps_was, until_was IS NOT DISTINCT FROM until AND coalesce(` + importSameApps + `, false) AS same, ` + importLowered + ` AS lowered
    FROM (` + importCompared + `) compared) marked`

const importLosers = `SELECT u.id, u.github_user_id, u.login, u.name, u.email, u.avatar_url,
    u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at, u.apps, u.last_sign_in_at,
    u.created_at, u.updated_at, now(), l.until, l.apps
FROM (SELECT id, until, apps FROM (` + importCompared + `) compared WHERE ` + importLowered + `) l
JOIN users u ON u.id = l.id ORDER BY u.login, u.id LIMIT $3`

// importMerge writes who is not allowed just so, and no other row: not even its
// lock. The reason of one row is an event of its own, because the triggers know
// one reason for all. $3 and $4 are actor and address.
const importMerge = `WITH merged AS (
    INSERT INTO users AS u (github_user_id, login, is_whitelisted, whitelist_until, whitelist_decided_at, apps)
    SELECT github_user_id, new_login, true, until, now(), apps FROM (` + importCompared + `) compared
    WHERE id IS NULL OR access <> 'allowed' OR until_was IS DISTINCT FROM until OR NOT coalesce(` + importSameApps + `, false)
    ON CONFLICT (github_user_id) DO UPDATE SET
        is_whitelisted = true,
        whitelist_until = excluded.whitelist_until,
        whitelist_decided_at = excluded.whitelist_decided_at,
        apps = excluded.apps
    RETURNING u.id, u.github_user_id
)
INSERT INTO events (kind, user_id, actor, address, reason)
SELECT 'access.imported', m.id, nullif($3, ''), nullif($4, ''), i.reason
FROM merged m JOIN pg_temp.af_auth_import i ON i.github_user_id = m.github_user_id WHERE i.reason IS NOT NULL`
