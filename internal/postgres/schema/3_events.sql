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
