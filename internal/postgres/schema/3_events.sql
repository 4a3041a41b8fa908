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
