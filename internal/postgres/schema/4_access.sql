-- The rule of the product: afauth.Decide says the same in Go.
CREATE FUNCTION access_of(is_whitelisted boolean, whitelist_until timestamptz, whitelist_decided_at timestamptz)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN is_whitelisted AND (whitelist_until IS NULL OR now() < whitelist_until) THEN 'allowed'
    WHEN is_whitelisted THEN 'expired'
    WHEN whitelist_decided_at IS NOT NULL THEN 'refused'
    ELSE 'waiting'
END;

COMMENT ON FUNCTION access_of(boolean, timestamptz, timestamptz) IS
    'What the whitelist says about a person now: waiting, allowed, refused or expired.';

-- The triggers below write the record and wake the servers, whoever makes the
-- change: a command, a page, or somebody in psql. They run as their owner, so
-- that a role which may change users but not write events cannot change users
-- unseen. SET search_path FROM CURRENT keeps the schema that they were made in,
-- with pg_temp last: a temporary table can never stand in for one of ours.
--
-- Whoever may CREATE in this schema could still offer a function whose argument
-- types fit a call better than PostgreSQL's own polymorphic ones, such as
-- array_agg(uuid), and have it run as the owner ("Function Type Resolution"
-- looks at types before it looks at the path). So PostgreSQL's functions are
-- written with pg_catalog, and ours are called with exactly their types.

-- Tells all servers whose access changed. A payload may hold 8,000 bytes, so
-- beyond 100 people it says that everything may have changed.
CREATE FUNCTION notify_access(ids uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF ids IS NULL THEN
        RETURN;
    ELSIF pg_catalog.cardinality(ids) > 100 THEN
        PERFORM pg_catalog.pg_notify('af_auth_access', '{"all":true}');
    ELSE
        PERFORM pg_catalog.pg_notify('af_auth_access', pg_catalog.jsonb_build_object('users', ids)::text);
    END IF;
END $$;

COMMENT ON FUNCTION notify_access(uuid[]) IS 'Tells all servers whose access changed.';

-- One line of the record, and of what a webhook has to be told. What the change claims about itself comes from
-- transaction settings; which role made it comes from the server.
CREATE FUNCTION note_event(kind text, user_id uuid, details jsonb) RETURNS void
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

COMMENT ON FUNCTION note_event(text, uuid, jsonb) IS 'Writes one line of the record.';

CREATE FUNCTION users_before_write() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.is_whitelisted AND NEW.whitelist_decided_at IS NULL THEN
            NEW.whitelist_decided_at := now();
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'users.id cannot change'
            USING HINT = 'Events name people by this id. Add a new row instead.';
    END IF;
    NEW.updated_at := now();
    -- A bare "SET is_whitelisted = false" is a decision too.
    IF NEW.is_whitelisted <> OLD.is_whitelisted
       AND NEW.whitelist_decided_at IS NOT DISTINCT FROM OLD.whitelist_decided_at THEN
        NEW.whitelist_decided_at := now();
    END IF;
    RETURN NEW;
END $$;

COMMENT ON FUNCTION users_before_write() IS 'Keeps updated_at and whitelist_decided_at.';

CREATE FUNCTION users_after_insert() RETURNS trigger
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

COMMENT ON FUNCTION users_after_insert() IS 'Records people who arrive already decided upon, and puts newcomers aside for the webhook.';

CREATE FUNCTION users_after_update() RETURNS trigger
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

COMMENT ON FUNCTION users_after_update() IS 'Records each change of access, and ends the sessions of whoever lost it.';

CREATE FUNCTION users_after_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_event('user.deleted'::text, id, pg_catalog.jsonb_build_object('github_user_id', github_user_id)) FROM old_rows;
    PERFORM notify_access((SELECT pg_catalog.array_agg(id) FROM old_rows));
    RETURN NULL;
END $$;

COMMENT ON FUNCTION users_after_delete() IS 'Records people who are removed.';

CREATE FUNCTION sessions_after_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    -- Sweeping out sessions that had expired changes nobody's access.
    PERFORM note_event('session.ended'::text, user_id, pg_catalog.jsonb_build_object('session', id, 'host', host))
    FROM old_rows WHERE expires_at > now();
    PERFORM notify_access((SELECT pg_catalog.array_agg(DISTINCT user_id) FROM old_rows WHERE expires_at > now()));
    RETURN NULL;
END $$;

COMMENT ON FUNCTION sessions_after_delete() IS 'Records each session that is ended.';

-- A row trigger with a column list, unlike the others: seen_at changes all the
-- time, and this way costs it nothing.
CREATE FUNCTION sessions_after_update() RETURNS trigger
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

CREATE FUNCTION table_after_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_event('table.truncated'::text, NULL::uuid, pg_catalog.jsonb_build_object('table', TG_TABLE_NAME));
    PERFORM pg_catalog.pg_notify('af_auth_access', '{"all":true}');
    RETURN NULL;
END $$;

COMMENT ON FUNCTION table_after_truncate() IS 'Records that a whole table was emptied.';

CREATE TRIGGER users_before_write BEFORE INSERT OR UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION users_before_write();
CREATE TRIGGER users_after_insert AFTER INSERT ON users
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION users_after_insert();
CREATE TRIGGER users_after_update AFTER UPDATE ON users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION users_after_update();
CREATE TRIGGER users_after_delete AFTER DELETE ON users
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION users_after_delete();
CREATE TRIGGER users_after_truncate AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION table_after_truncate();
CREATE TRIGGER sessions_after_delete AFTER DELETE ON sessions
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sessions_after_delete();
CREATE TRIGGER sessions_after_update AFTER UPDATE OF expires_at, token_hash, user_id, host ON sessions
    FOR EACH ROW
    WHEN ((NEW.token_hash, NEW.user_id, NEW.host) IS DISTINCT FROM (OLD.token_hash, OLD.user_id, OLD.host)
          OR (OLD.expires_at > now() AND NEW.expires_at < OLD.expires_at))
    EXECUTE FUNCTION sessions_after_update();
CREATE TRIGGER sessions_after_truncate AFTER TRUNCATE ON sessions
    FOR EACH STATEMENT EXECUTE FUNCTION table_after_truncate();
-- The line is written once the table is empty, so it is the first of the new record.
CREATE TRIGGER events_after_truncate AFTER TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION table_after_truncate();

-- Nobody needs to call these by name: a trigger's function is checked when the
-- trigger is made. Left open, anyone who may create a table could run them as
-- their owner, over rows of his choosing.
REVOKE EXECUTE ON FUNCTION notify_access(uuid[]), note_event(text, uuid, jsonb),
    users_before_write(), users_after_insert(), users_after_update(), users_after_delete(),
    sessions_after_delete(), sessions_after_update(), table_after_truncate() FROM PUBLIC;
