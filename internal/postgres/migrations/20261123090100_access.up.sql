-- schema: 1.1.0
-- kind: expand
--
-- What af-auth adds: whom a row is about, how long a permission lasts,
-- sessions, tickets, the record of events, running servers, and the triggers
-- that write the record and wake the servers whoever makes a change.
-- lint:allow index-blocking because only an adopted users table has rows by now, and for 100,000 people all three take about half a second
ALTER TABLE users
    ADD COLUMN login                text,
    ADD COLUMN name                 text,
    ADD COLUMN email                text,
    ADD COLUMN avatar_url           text,
    ADD COLUMN last_sign_in_at      timestamptz(6),
    ADD COLUMN whitelist_until      timestamptz(6),
    ADD COLUMN whitelist_decided_at timestamptz(6);

-- Logins are looked up in any letter case, and are not unique: a renamed
-- account's old login may be taken by a stranger.
CREATE INDEX users_login_idx ON users (lower(login));
CREATE INDEX users_created_at_id_idx ON users (created_at, id);
CREATE INDEX users_waiting_idx ON users (created_at, id)
    WHERE NOT is_whitelisted AND whitelist_decided_at IS NULL;

COMMENT ON INDEX users_login_idx IS 'Finds people by login in any letter case. Not unique: an old login may be taken by a stranger.';
COMMENT ON INDEX users_created_at_id_idx IS 'Lists people in the order in which they came.';
COMMENT ON INDEX users_waiting_idx IS 'Lists those who wait for a decision; small however many people there are.';

COMMENT ON COLUMN users.login IS 'GitHub login at the last sign-in; NULL before the first.';
COMMENT ON COLUMN users.name IS 'Name in the GitHub profile at the last sign-in.';
COMMENT ON COLUMN users.email IS 'Verified primary address at the last sign-in; NULL without the scope.';
COMMENT ON COLUMN users.avatar_url IS 'Address of the GitHub picture at the last sign-in.';
COMMENT ON COLUMN users.last_sign_in_at IS 'When the person last came back from GitHub.';
COMMENT ON COLUMN users.whitelist_until IS 'The permission ends at this moment; NULL: it does not end.';
COMMENT ON COLUMN users.whitelist_decided_at IS 'When somebody last decided; NULL: the person is waiting.';

-- One browser on one host. The browser holds 256 random bits; we hold their
-- SHA-256, so that a copy of this table lets nobody in.
CREATE TABLE sessions (
    id         uuid           NOT NULL DEFAULT gen_random_uuid(),
    token_hash bytea          NOT NULL,
    user_id    uuid           NOT NULL,
    host       text           NOT NULL,
    parent_id  uuid,
    created_at timestamptz(6) NOT NULL DEFAULT now(),
    seen_at    timestamptz(6) NOT NULL DEFAULT now(),
    expires_at timestamptz(6) NOT NULL,
    user_agent text,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT sessions_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_parent_id_idx ON sessions (parent_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

COMMENT ON TABLE sessions IS 'Signed-in browsers, one row a host.';
COMMENT ON COLUMN sessions.id IS 'Names the session in lists and in the record, where the token must not stand.';
COMMENT ON COLUMN sessions.token_hash IS 'SHA-256 of the 256-bit token in the browser''s cookie.';
COMMENT ON COLUMN sessions.user_id IS 'Whose session it is.';
COMMENT ON COLUMN sessions.host IS 'The only host it is good for.';
COMMENT ON COLUMN sessions.parent_id IS 'The session on af-auth''s own host that it came from; ends with it.';
COMMENT ON COLUMN sessions.created_at IS 'When the person signed in on this host.';
COMMENT ON COLUMN sessions.seen_at IS 'Last use, exact to about a minute.';
COMMENT ON COLUMN sessions.expires_at IS 'Its last moment, however much it is used.';
COMMENT ON COLUMN sessions.user_agent IS 'What the browser called itself at sign-in.';

-- A ticket carries a sign-in from af-auth's own host to an application's:
-- once, within a minute, to that host, in the browser that holds the nonce.
CREATE TABLE tickets (
    token_hash bytea          NOT NULL,
    session_id uuid           NOT NULL,
    host       text           NOT NULL,
    nonce_hash bytea          NOT NULL,
    return_to  text           NOT NULL,
    expires_at timestamptz(6) NOT NULL,
    CONSTRAINT tickets_pkey PRIMARY KEY (token_hash),
    CONSTRAINT tickets_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT tickets_nonce_hash_check CHECK (octet_length(nonce_hash) = 32),
    CONSTRAINT tickets_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX tickets_session_id_idx ON tickets (session_id);
CREATE INDEX tickets_expires_at_idx ON tickets (expires_at);

COMMENT ON TABLE tickets IS 'Single-use passages from af-auth''s own host to an application''s.';
COMMENT ON COLUMN tickets.token_hash IS 'SHA-256 of the 256-bit ticket in the link.';
COMMENT ON COLUMN tickets.session_id IS 'The session that the ticket extends.';
COMMENT ON COLUMN tickets.host IS 'The application''s host; no other may redeem it.';
COMMENT ON COLUMN tickets.nonce_hash IS 'SHA-256 of the nonce cookie that the browser must bring.';
COMMENT ON COLUMN tickets.return_to IS 'Path on that host to go on to.';
COMMENT ON COLUMN tickets.expires_at IS 'Its last moment.';

-- The record of who changed what. Rows hold ids, not names, so that forgetting
-- a person needs no change here.
CREATE TABLE events (
    id      bigint         NOT NULL GENERATED ALWAYS AS IDENTITY,
    at      timestamptz(6) NOT NULL DEFAULT now(),
    kind    text           NOT NULL,
    user_id uuid,
    actor   text,
    role    text           NOT NULL DEFAULT session_user,
    address text,
    reason  text,
    details jsonb          NOT NULL DEFAULT '{}',
    CONSTRAINT events_pkey PRIMARY KEY (id)
);

CREATE INDEX events_user_id_id_idx ON events (user_id, id);
CREATE INDEX events_at_idx ON events (at);

COMMENT ON TABLE events IS 'Who changed what, when, from where and why.';
COMMENT ON COLUMN events.id IS 'Tells rows apart; not the order in which they were committed.';
COMMENT ON COLUMN events.at IS 'When, by the database''s clock.';
COMMENT ON COLUMN events.kind IS 'What happened: sign_in.*, access.*, session.*, user.*, table.*.';
COMMENT ON COLUMN events.user_id IS 'Whom it is about; no foreign key, because events outlive people.';
COMMENT ON COLUMN events.actor IS 'Who says they did it; NULL for a change by plain SQL.';
COMMENT ON COLUMN events.role IS 'The database role that really did it.';
COMMENT ON COLUMN events.address IS 'Address of the browser, where there was one.';
COMMENT ON COLUMN events.reason IS 'Why, in the words of whoever decided.';
COMMENT ON COLUMN events.details IS 'What was before and after.';

-- Running servers. Each writes its heartbeat; a row whose heartbeat is old is
-- a server that is gone.
CREATE TABLE instances (
    id           uuid           NOT NULL DEFAULT gen_random_uuid(),
    release      text           NOT NULL,
    address      text           NOT NULL,
    started_at   timestamptz(6) NOT NULL DEFAULT now(),
    heartbeat_at timestamptz(6) NOT NULL DEFAULT now(),
    CONSTRAINT instances_pkey PRIMARY KEY (id)
);

COMMENT ON TABLE instances IS 'Running af-auth servers.';
COMMENT ON COLUMN instances.id IS 'Names the process: a server that is started again has another.';
COMMENT ON COLUMN instances.release IS 'Version of the binary.';
COMMENT ON COLUMN instances.address IS 'Where it listens.';
COMMENT ON COLUMN instances.started_at IS 'When the server began.';
COMMENT ON COLUMN instances.heartbeat_at IS 'Last sign of life.';

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

-- One line of the record. What the change claims about itself comes from
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
BEGIN
    SELECT pg_catalog.array_agg(id) INTO decided FROM new_rows
    WHERE is_whitelisted OR whitelist_decided_at IS NOT NULL;
    IF decided IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM note_event(
        CASE WHEN is_whitelisted THEN 'access.allowed' ELSE 'access.refused' END,
        id,
        pg_catalog.jsonb_build_object('until', whitelist_until))
    FROM new_rows WHERE id = ANY (decided);
    PERFORM notify_access(decided);
    RETURN NULL;
END $$;

COMMENT ON FUNCTION users_after_insert() IS 'Records people who arrive already decided upon.';

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
    PERFORM note_event('session.ended'::text, OLD.user_id, pg_catalog.jsonb_build_object('session', OLD.id, 'host', OLD.host));
    PERFORM notify_access(ARRAY[OLD.user_id]);
    RETURN NULL;
END $$;

COMMENT ON FUNCTION sessions_after_update() IS 'Records a session that is ended by changing its row.';

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
          OR (OLD.expires_at > now() AND NEW.expires_at <= now()))
    EXECUTE FUNCTION sessions_after_update();
CREATE TRIGGER sessions_after_truncate AFTER TRUNCATE ON sessions
    FOR EACH STATEMENT EXECUTE FUNCTION table_after_truncate();

-- Nobody needs to call these by name: a trigger's function is checked when the
-- trigger is made. Left open, anyone who may create a table could run them as
-- their owner, over rows of his choosing.
REVOKE EXECUTE ON FUNCTION notify_access(uuid[]), note_event(text, uuid, jsonb),
    users_before_write(), users_after_insert(), users_after_update(), users_after_delete(),
    sessions_after_delete(), sessions_after_update(), table_after_truncate() FROM PUBLIC;
