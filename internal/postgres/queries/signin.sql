-- name: SignIn :one
-- The whole database work of one sign-in, in one statement and so in one round
-- trip: the person is written, this browser's former session ends and so does the
-- oldest of too many, a new one opens unless the answer is no, and the record
-- gets its line.
WITH person AS (
    INSERT INTO users (github_user_id, login, name, email, avatar_url, last_sign_in_at)
    VALUES (@github_user_id, @login::text, sqlc.narg(name)::text, sqlc.narg(email)::text, sqlc.narg(avatar_url)::text, now())
    ON CONFLICT (github_user_id) DO UPDATE SET
        login = excluded.login,
        name = excluded.name,
        email = excluded.email,
        avatar_url = excluded.avatar_url,
        last_sign_in_at = excluded.last_sign_in_at
    RETURNING id, github_user_id, is_whitelisted, whitelist_until, whitelist_decided_at, apps, created_at, updated_at,
        access_of(is_whitelisted, whitelist_until, whitelist_decided_at) AS access
), crowded AS MATERIALIZED (
    -- The oldest sessions beyond what one person may have, the new one counted.
    -- Children are not counted: they end with their parents.
    SELECT s.id FROM person JOIN sessions s ON s.user_id = person.id
    WHERE person.access IN ('allowed', 'waiting') AND s.parent_id IS NULL
        AND s.token_hash IS DISTINCT FROM sqlc.narg(previous_hash)::bytea
    ORDER BY s.created_at DESC, s.id DESC OFFSET sqlc.arg(most_sessions)::integer - 1
), claimed AS MATERIALIZED (
    -- Read by the trigger that records the end of the former session. Triggers
    -- fire when the statement is done, so its place here does not matter. There
    -- is one reason for all: where a former session ends, there is room for one.
    SELECT set_config('af_auth.actor', 'user:' || id, true),
        set_config('af_auth.address', coalesce(sqlc.narg(address)::text, ''), true),
        set_config('af_auth.reason', CASE WHEN EXISTS (SELECT FROM crowded)
            THEN 'more than ' || sqlc.arg(most_sessions)::integer || ' sessions of one person' ELSE 'signed in again' END, true)
    FROM person
), ended AS (
    DELETE FROM sessions WHERE id IN (
        SELECT s.id FROM sessions s WHERE s.token_hash = sqlc.narg(previous_hash)::bytea
        UNION ALL SELECT crowded.id FROM crowded)
), opened AS (
    INSERT INTO sessions (token_hash, user_id, host, expires_at, user_agent)
    SELECT @token_hash::bytea, id, @host::text, now() + @max_age::interval, sqlc.narg(user_agent)::text
    FROM person WHERE access IN ('allowed', 'waiting')
    RETURNING id, expires_at
), noted AS (
    INSERT INTO events (kind, user_id, actor, address, details)
    SELECT CASE WHEN access IN ('allowed', 'waiting') THEN 'sign_in.succeeded' ELSE 'sign_in.refused' END,
        id, 'user:' || id, sqlc.narg(address)::text,
        jsonb_build_object('host', @host::text, 'access', access)
    FROM person
)
SELECT person.id, person.is_whitelisted, person.whitelist_until, person.whitelist_decided_at, person.apps,
    person.created_at, person.updated_at, person.access::text AS access, now()::timestamptz AS now,
    opened.id AS session_id, opened.expires_at AS session_expires_at
FROM person CROSS JOIN claimed LEFT JOIN opened ON true;

-- name: IssueTicket :one
-- A session keeps its newest tickets only. It is locked before they are, in the
-- order in which its end would take them with it: the two cannot deadlock. Nor
-- can two issues: what the one takes away, the other passes over.
WITH parent AS (
    SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = @session_id AND s.expires_at > now()
        AND access_of(u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at) = 'allowed'
        AND (u.apps IS NULL OR @host::text = ANY (u.apps))
    FOR KEY SHARE OF s
), dropped AS (
    DELETE FROM tickets WHERE token_hash IN (
        SELECT t.token_hash FROM tickets t WHERE t.token_hash IN (
            SELECT older.token_hash FROM parent JOIN tickets older ON older.session_id = parent.id
            ORDER BY older.expires_at DESC, older.token_hash OFFSET sqlc.arg(most_tickets)::integer - 1)
        FOR UPDATE OF t SKIP LOCKED)
), issued AS (
    INSERT INTO tickets (token_hash, session_id, host, nonce_hash, return_to, expires_at)
    SELECT @token_hash, parent.id, @host::text, @nonce_hash, @return_to, now() + @max_age::interval
    FROM parent
    RETURNING token_hash
)
SELECT count(*) FROM issued;

-- name: RedeemTicket :one
-- The delete makes it single use: of two that come at once, one waits for the
-- row and finds it gone. A wrong host or nonce ends it too: so a ticket that was
-- made to be stolen ends when the browser that it was made in brings it. Person
-- and parent session are locked first, in the order in which a revocation locks
-- them: the two wait for each other in line, and whoever comes second sees what
-- the first has done. Should the parent end all the same, the foreign key
-- decides: either this fails, or the child is deleted with its parent.
WITH person AS (
    SELECT u.id, access_of(u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at) = 'allowed'
        AND (u.apps IS NULL OR @host::text = ANY (u.apps)) AS may
    FROM users u
    WHERE u.id = (SELECT s.user_id FROM tickets t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = @ticket_hash)
    FOR SHARE
), parent AS (
    SELECT p.id, p.user_id, p.expires_at, person.may
    FROM person JOIN sessions p ON p.user_id = person.id
    WHERE p.id = (SELECT t.session_id FROM tickets t WHERE t.token_hash = @ticket_hash)
    FOR KEY SHARE OF p
), used AS (
    DELETE FROM tickets USING parent
    WHERE tickets.session_id = parent.id AND tickets.token_hash = @ticket_hash
    RETURNING tickets.return_to, tickets.expires_at > now() AND tickets.host = @host AND tickets.nonce_hash = @nonce_hash AS good
), opened AS (
    INSERT INTO sessions (token_hash, user_id, host, parent_id, expires_at, user_agent)
    SELECT @token_hash::bytea, parent.user_id, @host, parent.id, parent.expires_at, sqlc.narg(user_agent)::text
    FROM used CROSS JOIN parent
    WHERE used.good AND parent.expires_at > now() AND parent.may
    RETURNING id, user_id, expires_at
), crowded AS (
    -- One browser needs one session on one host; a few more are tabs that came
    -- at once. What another ticket is just taking away is passed over.
    SELECT s.id FROM sessions s WHERE s.id IN (
        SELECT c.id FROM opened CROSS JOIN parent JOIN sessions c ON c.parent_id = parent.id AND c.host = @host
        WHERE c.token_hash IS DISTINCT FROM sqlc.narg(previous_hash)::bytea
        ORDER BY c.created_at DESC, c.id DESC OFFSET sqlc.arg(most_children)::integer - 1)
    FOR UPDATE OF s SKIP LOCKED
), claimed AS MATERIALIZED (
    SELECT set_config('af_auth.actor', 'user:' || opened.user_id, true),
        set_config('af_auth.reason', CASE WHEN EXISTS (SELECT FROM crowded)
            THEN 'more than ' || sqlc.arg(most_children)::integer || ' sessions of one browser on one host' ELSE 'entered again' END, true)
    FROM opened
), ended AS (
    -- Only what has been replaced ends: a link with a made-up ticket must not
    -- sign anybody out.
    DELETE FROM sessions WHERE id IN (
        SELECT s.id FROM opened JOIN sessions s ON s.token_hash = sqlc.narg(previous_hash)::bytea AND s.host = @host
        UNION ALL SELECT crowded.id FROM crowded)
)
SELECT opened.id AS session_id, opened.user_id, opened.expires_at, now()::timestamptz AS now, used.return_to
FROM opened CROSS JOIN used CROSS JOIN claimed;
