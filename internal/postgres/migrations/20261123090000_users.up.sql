-- schema: 1.0.0
-- kind: expand
--
-- The users table that services on Prisma share with us. On a database that
-- has it already, this changes nothing.
-- lint:allow if-not-exists because services on Prisma have made this very table, and adopting a database compares it
CREATE TABLE IF NOT EXISTS users (
    id                      uuid           NOT NULL DEFAULT gen_random_uuid(),
    github_user_id          bigint         NOT NULL,
    github_access_token     text,
    github_refresh_token    text,
    github_token_expires_at timestamptz(6),
    is_whitelisted          boolean        NOT NULL DEFAULT false,
    created_at              timestamptz(6) NOT NULL DEFAULT now(),
    updated_at              timestamptz(6) NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_github_user_id_key UNIQUE (github_user_id)
);

COMMENT ON TABLE users IS 'People, each known by a GitHub account.';
COMMENT ON COLUMN users.id IS 'Our name for the person; random, so it can be neither counted nor guessed.';
COMMENT ON COLUMN users.github_user_id IS 'GitHub''s numeric id: the identity. Logins change hands, ids do not.';
COMMENT ON COLUMN users.github_access_token IS 'Access token of GitHub; NULL where none is kept.';
COMMENT ON COLUMN users.github_refresh_token IS 'Refresh token of GitHub; NULL where none is kept.';
COMMENT ON COLUMN users.github_token_expires_at IS 'When the access token ends; NULL where it does not or is not known.';
COMMENT ON COLUMN users.is_whitelisted IS 'The master switch: may this person come in? False until somebody says otherwise.';
COMMENT ON COLUMN users.created_at IS 'When the row was written.';
COMMENT ON COLUMN users.updated_at IS 'When the row last changed; kept by a trigger.';
