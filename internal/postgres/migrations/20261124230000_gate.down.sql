-- lost: which applications a permission is for: who may open some is revoked, because the older schema knows all or none
-- lost: what people who wait have written
-- lost: what the webhook has not been told yet
UPDATE users SET is_whitelisted = false WHERE is_whitelisted AND apps IS NOT NULL;

CREATE OR REPLACE FUNCTION note_event(kind text, user_id uuid, details jsonb) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO events (kind, user_id, actor, role, address, reason, details)
    VALUES (kind, user_id,
        nullif(pg_catalog.current_setting('af_auth.actor', true), ''),
        session_user,
        nullif(pg_catalog.current_setting('af_auth.address', true), ''),
        nullif(pg_catalog.current_setting('af_auth.reason', true), ''),
        details);
$$;

CREATE OR REPLACE FUNCTION users_after_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    decided uuid[];
BEGIN
    SELECT pg_catalog.array_agg(id) INTO decided FROM new_rows
    WHERE is_whitelisted OR whitelist_decided_at IS NOT NULL;
    IF decided IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM note_event(
        CASE WHEN is_whitelisted THEN 'access.allowed' ELSE 'access.refused' END,
        id,
        pg_catalog.jsonb_build_object('github_user_id', github_user_id, 'until', whitelist_until))
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
    WHERE (n.is_whitelisted, n.whitelist_until, n.whitelist_decided_at, n.github_user_id)
          IS DISTINCT FROM
          (o.is_whitelisted, o.whitelist_until, o.whitelist_decided_at, o.github_user_id);
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
                ELSE '{}'::jsonb END)
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE n.id = ANY (changed);
    -- Parents first, like everybody who ends sessions: two that take the same
    -- rows in two orders would wait for each other.
    DELETE FROM sessions WHERE user_id = ANY (lowered) AND parent_id IS NULL;
    DELETE FROM sessions WHERE user_id = ANY (lowered);
    PERFORM notify_access(changed);
    RETURN NULL;
END $$;

COMMENT ON FUNCTION users_after_insert() IS 'Records people who arrive already decided upon.';
DROP TABLE deliveries;
DROP TABLE webhooks;
DROP TABLE confirmations;
DROP TABLE requests;
ALTER TABLE users DROP COLUMN apps;
CREATE OR REPLACE FUNCTION sessions_after_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_event('session.ended'::text, OLD.user_id, pg_catalog.jsonb_build_object('session', OLD.id, 'host', OLD.host));
    PERFORM notify_access(ARRAY[OLD.user_id]);
    RETURN NULL;
END $$;

COMMENT ON FUNCTION sessions_after_update() IS 'Records a session that is ended by changing its row.';
DROP TRIGGER sessions_after_update ON sessions;
CREATE TRIGGER sessions_after_update AFTER UPDATE OF expires_at, token_hash, user_id, host ON sessions
    FOR EACH ROW
    WHEN ((NEW.token_hash, NEW.user_id, NEW.host) IS DISTINCT FROM (OLD.token_hash, OLD.user_id, OLD.host)
          OR (OLD.expires_at > now() AND NEW.expires_at <= now()))
    EXECUTE FUNCTION sessions_after_update();
