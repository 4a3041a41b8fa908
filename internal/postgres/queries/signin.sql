-- name: SignIn :one
-- The whole database work of one sign-in, in one statement and so in one round
-- trip: the person is written, this browser's former session ends, a new one
-- opens unless the answer is no, and the record gets its line.
WITH person AS (
    INSERT INTO users (github_user_id, login, name, email, avatar_url, last_sign_in_at)
    VALUES (@github_user_id, @login::text, sqlc.narg(name)::text, sqlc.narg(email)::text, sqlc.narg(avatar_url)::text, now())
    ON CONFLICT (github_user_id) DO UPDATE SET
        login = excluded.login,
        name = excluded.name,
        email = excluded.email,
        avatar_url = excluded.avatar_url,
        last_sign_in_at = excluded.last_sign_in_at
    RETURNING id, github_user_id, is_whitelisted, whitelist_until, whitelist_decided_at, created_at, updated_at,
        access_of(is_whitelisted, whitelist_until, whitelist_decided_at) AS access
), claimed AS MATERIALIZED (
    -- Read by the trigger that records the end of the former session. Triggers
    -- fire when the statement is done, so its place here does not matter.
    SELECT set_config('af_auth.actor', 'user:' || id, true),
        set_config('af_auth.address', coalesce(sqlc.narg(address)::text, ''), true),
        set_config('af_auth.reason', 'signed in again', true)
    FROM person
), ended AS (
    DELETE FROM sessions WHERE token_hash = sqlc.narg(previous_hash)::bytea
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
SELECT person.id, person.is_whitelisted, person.whitelist_until, person.whitelist_decided_at,
    person.created_at, person.updated_at, person.access::text AS access, now()::timestamptz AS now,
    opened.id AS session_id, opened.expires_at AS session_expires_at
FROM person CROSS JOIN claimed LEFT JOIN opened ON true;

-- name: IssueTicket :execrows
INSERT INTO tickets (token_hash, session_id, host, nonce_hash, return_to, expires_at)
SELECT @token_hash, s.id, @host, @nonce_hash, @return_to, now() + @max_age::interval
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = @session_id AND s.expires_at > now()
    AND access_of(u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at) = 'allowed';

-- name: RedeemTicket :one
-- The delete makes it single use: of two that come at once, one waits for the
-- row and finds it gone. A wrong host or nonce leaves it for its owner. Person
-- and parent session are locked first, in the order in which a revocation locks
-- them: the two wait for each other in line, and whoever comes second sees what
-- the first has done. Should the parent end all the same, the foreign key
-- decides: either this fails, or the child is deleted with its parent.
WITH person AS (
    SELECT u.id, access_of(u.is_whitelisted, u.whitelist_until, u.whitelist_decided_at) AS access
    FROM users u
    WHERE u.id = (SELECT s.user_id FROM tickets t JOIN sessions s ON s.id = t.session_id
        WHERE t.token_hash = @ticket_hash AND t.host = @host AND t.nonce_hash = @nonce_hash)
    FOR SHARE
), parent AS (
    SELECT p.id, p.user_id, p.expires_at, person.access
    FROM person JOIN sessions p ON p.user_id = person.id
    WHERE p.id = (SELECT t.session_id FROM tickets t WHERE t.token_hash = @ticket_hash)
    FOR KEY SHARE OF p
), used AS (
    DELETE FROM tickets USING parent
    WHERE tickets.session_id = parent.id
        AND tickets.token_hash = @ticket_hash AND tickets.host = @host AND tickets.nonce_hash = @nonce_hash
    RETURNING tickets.return_to, tickets.expires_at
), opened AS (
    INSERT INTO sessions (token_hash, user_id, host, parent_id, expires_at, user_agent)
    SELECT @token_hash::bytea, parent.user_id, @host, parent.id, parent.expires_at, sqlc.narg(user_agent)::text
    FROM used CROSS JOIN parent
    WHERE used.expires_at > now() AND parent.expires_at > now() AND parent.access = 'allowed'
    RETURNING id, user_id, expires_at
), ended AS (
    -- Only what has been replaced ends: a link with a made-up ticket must not
    -- sign anybody out.
    DELETE FROM sessions USING opened
    WHERE sessions.token_hash = sqlc.narg(previous_hash)::bytea AND sessions.host = @host
)
SELECT opened.id AS session_id, opened.user_id, opened.expires_at, now()::timestamptz AS now, used.return_to
FROM opened CROSS JOIN used;
