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
