-- schema: 1.4.0
-- kind: expand
--
-- Access by application; words of people who wait; servers that confirm a
-- revocation; and what a webhook has to be told.
ALTER TABLE users ADD COLUMN apps text[];
COMMENT ON COLUMN users.apps IS 'Hosts of the applications that the permission is for; NULL: all of them, {}: none.';

-- What people who wait have written to whoever decides.
CREATE TABLE requests (
    user_id    uuid           NOT NULL,
    message    text           NOT NULL,
    written_at timestamptz(6) NOT NULL DEFAULT now(),
    CONSTRAINT requests_pkey PRIMARY KEY (user_id),
    CONSTRAINT requests_message_check CHECK (char_length(message) BETWEEN 1 AND 280),
    CONSTRAINT requests_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

COMMENT ON TABLE requests IS 'What people who wait have written to whoever decides.';
COMMENT ON COLUMN requests.user_id IS 'Who wrote it.';
COMMENT ON COLUMN requests.message IS 'Their words, 280 characters at most.';
COMMENT ON COLUMN requests.written_at IS 'When they were last changed.';

-- How a revocation learns that every server has heard it: it sends a mark behind
-- the change, and each server that has dropped what came before the mark writes a
-- line. UNLOGGED: lines matter for a second, and nobody waits for a disk.
CREATE UNLOGGED TABLE confirmations (
    mark        uuid           NOT NULL,
    instance_id uuid           NOT NULL,
    at          timestamptz(6) NOT NULL DEFAULT now(),
    CONSTRAINT confirmations_pkey PRIMARY KEY (mark, instance_id)
);

COMMENT ON TABLE confirmations IS 'Which servers have heard which mark; lines are kept for an hour.';
COMMENT ON COLUMN confirmations.mark IS 'Random; sent over the channel behind a change of access.';
COMMENT ON COLUMN confirmations.instance_id IS 'The server that has heard it.';
COMMENT ON COLUMN confirmations.at IS 'When the line was written.';

-- Who wants to be told of changes. One row, which servers with a webhook keep
-- fresh; while it is stale, nothing is put aside for delivery.
CREATE TABLE webhooks (
    id        bigint         NOT NULL DEFAULT 1,
    wanted_at timestamptz(6) NOT NULL DEFAULT now(),
    CONSTRAINT webhooks_pkey PRIMARY KEY (id),
    CONSTRAINT webhooks_id_check CHECK (id = 1)
);

COMMENT ON TABLE webhooks IS 'Whether a webhook is wanted; one row at most.';
COMMENT ON COLUMN webhooks.id IS 'Always 1.';
COMMENT ON COLUMN webhooks.wanted_at IS 'When a server with a webhook last said so.';

-- What a webhook has to be told, from the transaction of the change until the
-- receiver has taken it.
CREATE TABLE deliveries (
    id         uuid           NOT NULL DEFAULT gen_random_uuid(),
    kind       text           NOT NULL,
    user_id    uuid           NOT NULL,
    at         timestamptz(6) NOT NULL DEFAULT now(),
    actor      text,
    reason     text,
    details    jsonb          NOT NULL DEFAULT '{}',
    attempts   bigint         NOT NULL DEFAULT 0,
    next_at    timestamptz(6) NOT NULL DEFAULT now(),
    last_error text,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id)
);

CREATE INDEX deliveries_next_at_idx ON deliveries (next_at);

COMMENT ON TABLE deliveries IS 'What the webhook has still to be told.';
COMMENT ON COLUMN deliveries.id IS 'Names the delivery in each try, so that a receiver can tell a repetition.';
COMMENT ON COLUMN deliveries.kind IS 'As in events, and access.waiting for somebody new who waits.';
COMMENT ON COLUMN deliveries.user_id IS 'Whom it is about; no foreign key: a deletion is told too.';
COMMENT ON COLUMN deliveries.at IS 'When it happened.';
COMMENT ON COLUMN deliveries.actor IS 'Who says they did it.';
COMMENT ON COLUMN deliveries.reason IS 'Why, in the words of whoever decided.';
COMMENT ON COLUMN deliveries.details IS 'What was before and after.';
COMMENT ON COLUMN deliveries.attempts IS 'How often it was sent.';
COMMENT ON COLUMN deliveries.next_at IS 'When it is to be sent next.';
COMMENT ON COLUMN deliveries.last_error IS 'Why the last try failed.';

CREATE OR REPLACE FUNCTION note_event(kind text, user_id uuid, details jsonb) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO events (kind, user_id, actor, role, address, reason, details)
    VALUES (kind, user_id,
        nullif(pg_catalog.current_setting('af_auth.actor', true), ''),
        session_user,
        nullif(pg_catalog.current_setting('af_auth.address', true), ''),
        nullif(pg_catalog.current_setting('af_auth.reason', true), ''),
        details);
    INSERT INTO deliveries (kind, user_id, actor, reason, details)
    SELECT kind, user_id,
        nullif(pg_catalog.current_setting('af_auth.actor', true), ''),
        nullif(pg_catalog.current_setting('af_auth.reason', true), ''),
        details
    FROM webhooks
    WHERE wanted_at > now() - interval '7 days' AND user_id IS NOT NULL
        AND (kind LIKE 'access.%' OR kind = 'user.deleted');
$$;

CREATE OR REPLACE FUNCTION users_after_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    decided uuid[];
    waiting uuid[];
BEGIN
    SELECT pg_catalog.array_agg(id) FILTER (WHERE is_whitelisted OR whitelist_decided_at IS NOT NULL),
           pg_catalog.array_agg(id) FILTER (WHERE NOT is_whitelisted AND whitelist_decided_at IS NULL)
    INTO decided, waiting FROM new_rows;
    IF waiting IS NOT NULL THEN
        INSERT INTO deliveries (kind, user_id, details)
        SELECT 'access.waiting', n.id, pg_catalog.jsonb_build_object('github_user_id', n.github_user_id)
        FROM new_rows n CROSS JOIN webhooks w
        WHERE n.id = ANY (waiting) AND w.wanted_at > now() - interval '7 days';
    END IF;
    IF decided IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM note_event(
        CASE WHEN is_whitelisted THEN 'access.allowed' ELSE 'access.refused' END,
        id,
        pg_catalog.jsonb_build_object('github_user_id', github_user_id, 'until', whitelist_until)
        || CASE WHEN apps IS NULL THEN '{}'::jsonb ELSE pg_catalog.jsonb_build_object('apps', apps) END)
    FROM new_rows WHERE id = ANY (decided);
    PERFORM notify_access(decided);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION users_after_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    changed uuid[];
    lowered uuid[];
BEGIN
    SELECT pg_catalog.array_agg(n.id),
           pg_catalog.array_agg(n.id) FILTER (WHERE
               access_of(n.is_whitelisted, n.whitelist_until, n.whitelist_decided_at) <> 'allowed'
               -- An expired permission that is renewed must not bring old sessions back.
               OR access_of(o.is_whitelisted, o.whitelist_until, o.whitelist_decided_at) = 'expired'
               OR n.github_user_id <> o.github_user_id)
    INTO changed, lowered
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE (n.is_whitelisted, n.whitelist_until, n.whitelist_decided_at, n.github_user_id, n.apps)
          IS DISTINCT FROM
          (o.is_whitelisted, o.whitelist_until, o.whitelist_decided_at, o.github_user_id, o.apps);
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM note_event(
        CASE
            WHEN n.is_whitelisted AND NOT o.is_whitelisted THEN 'access.allowed'
            WHEN o.is_whitelisted AND NOT n.is_whitelisted THEN 'access.revoked'
            WHEN NOT n.is_whitelisted AND n.whitelist_decided_at IS NOT NULL
                 AND n.github_user_id = o.github_user_id THEN 'access.refused'
            ELSE 'access.changed'
        END,
        n.id,
        pg_catalog.jsonb_build_object(
            'was', access_of(o.is_whitelisted, o.whitelist_until, o.whitelist_decided_at),
            'is', access_of(n.is_whitelisted, n.whitelist_until, n.whitelist_decided_at),
            'until', n.whitelist_until,
            'until_was', o.whitelist_until)
        || CASE WHEN n.github_user_id <> o.github_user_id
                THEN pg_catalog.jsonb_build_object('github_user_id', n.github_user_id, 'github_user_id_was', o.github_user_id)
                ELSE '{}'::jsonb END
        || CASE WHEN n.apps IS DISTINCT FROM o.apps
                THEN pg_catalog.jsonb_build_object('apps', n.apps, 'apps_was', o.apps)
                ELSE '{}'::jsonb END)
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE n.id = ANY (changed);
    -- Parents first, like everybody who ends sessions: two that take the same
    -- rows in two orders would wait for each other.
    DELETE FROM sessions WHERE user_id = ANY (lowered) AND parent_id IS NULL;
    DELETE FROM sessions WHERE user_id = ANY (lowered);
    -- Sessions on applications that are taken away; the one on our own host stays.
    DELETE FROM sessions s USING new_rows n JOIN old_rows o ON o.id = n.id
    WHERE s.user_id = n.id AND s.parent_id IS NOT NULL
        AND n.apps IS DISTINCT FROM o.apps AND n.apps IS NOT NULL AND (s.host = ANY (n.apps)) IS NOT TRUE;
    PERFORM notify_access(changed);
    RETURN NULL;
END $$;

COMMENT ON FUNCTION users_after_insert() IS 'Records people who arrive already decided upon, and puts newcomers aside for the webhook.';

CREATE OR REPLACE FUNCTION sessions_after_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    -- One that is cut short is not over yet, but servers remember its former end.
    IF NEW.expires_at <= pg_catalog.clock_timestamp()
       OR (NEW.token_hash, NEW.user_id, NEW.host) IS DISTINCT FROM (OLD.token_hash, OLD.user_id, OLD.host) THEN
        PERFORM note_event('session.ended'::text, OLD.user_id, pg_catalog.jsonb_build_object('session', OLD.id, 'host', OLD.host));
    END IF;
    PERFORM notify_access(ARRAY[OLD.user_id]);
    RETURN NULL;
END $$;

COMMENT ON FUNCTION sessions_after_update() IS 'Records a session that is ended by changing its row, and tells of one that is cut short.';
DROP TRIGGER sessions_after_update ON sessions;
CREATE TRIGGER sessions_after_update AFTER UPDATE OF expires_at, token_hash, user_id, host ON sessions
    FOR EACH ROW
    WHEN ((NEW.token_hash, NEW.user_id, NEW.host) IS DISTINCT FROM (OLD.token_hash, OLD.user_id, OLD.host)
          OR (OLD.expires_at > now() AND NEW.expires_at < OLD.expires_at))
    EXECUTE FUNCTION sessions_after_update();
