-- People, each known by a GitHub account. The eight columns down to
-- updated_at are the ones that services on Prisma share with us; what follows
-- them is nullable, so that those services keep working.
CREATE TABLE users (
    id                      uuid           NOT NULL DEFAULT gen_random_uuid(),
    github_user_id          bigint         NOT NULL,
    github_access_token     text,
    github_refresh_token    text,
    github_token_expires_at timestamptz(6),
    is_whitelisted          boolean        NOT NULL DEFAULT false,
    created_at              timestamptz(6) NOT NULL DEFAULT now(),
    updated_at              timestamptz(6) NOT NULL DEFAULT now(),
    login                   text,
    name                    text,
    email                   text,
    avatar_url              text,
    last_sign_in_at         timestamptz(6),
    whitelist_until         timestamptz(6),
    whitelist_decided_at    timestamptz(6),
    apps                    text[],
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_github_user_id_key UNIQUE (github_user_id)
);

-- Logins are looked up in any letter case, and are not unique: a renamed
-- account's old login may be taken by a stranger.
CREATE INDEX users_login_idx ON users (lower(login));
CREATE INDEX users_created_at_id_idx ON users (created_at, id);
CREATE INDEX users_waiting_idx ON users (created_at, id)
    WHERE NOT is_whitelisted AND whitelist_decided_at IS NULL;

-- Who is not allowed, as a rule few of many. What is included is read without the
-- table's rows; a sign-in changes none of it but a login that was renamed.
CREATE INDEX users_refused_idx ON users (created_at, id) INCLUDE (login)
    WHERE NOT is_whitelisted AND whitelist_decided_at IS NOT NULL;
CREATE INDEX users_until_idx ON users (whitelist_until) INCLUDE (created_at, id, login)
    WHERE is_whitelisted AND whitelist_until IS NOT NULL;

-- Prefixes are ranges only where letters sort by their bytes, and parts of words
-- are found by their trigrams. Creating the extension takes CREATE on the database.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX users_prefix_idx ON users ((lower(login) COLLATE "C"), id);
CREATE INDEX users_search_idx ON users USING gin (login gin_trgm_ops, name gin_trgm_ops);

COMMENT ON INDEX users_prefix_idx IS 'Finds people by how their login begins, in alphabetical order.';
COMMENT ON INDEX users_search_idx IS 'Finds people by three letters or more out of their login or name.';
COMMENT ON INDEX users_login_idx IS 'Finds people by login in any letter case. Not unique: an old login may be taken by a stranger.';
COMMENT ON INDEX users_created_at_id_idx IS 'Lists people in the order in which they came.';
COMMENT ON INDEX users_refused_idx IS 'Lists those who were refused, and how their logins begin.';
COMMENT ON INDEX users_until_idx IS 'Finds those whose permission has ended, with what a list is ordered by.';
COMMENT ON INDEX users_waiting_idx IS 'Lists those who wait for a decision; small however many people there are.';

COMMENT ON TABLE users IS 'People, each known by a GitHub account.';
COMMENT ON COLUMN users.id IS 'Our name for the person; random, so it can be neither counted nor guessed.';
COMMENT ON COLUMN users.github_user_id IS 'GitHub''s numeric id: the identity. Logins change hands, ids do not.';
COMMENT ON COLUMN users.github_access_token IS 'Access token of GitHub; NULL where none is kept.';
COMMENT ON COLUMN users.github_refresh_token IS 'Refresh token of GitHub; NULL where none is kept.';
COMMENT ON COLUMN users.github_token_expires_at IS 'When the access token ends; NULL where it does not or is not known.';
COMMENT ON COLUMN users.is_whitelisted IS 'The master switch: may this person come in? False until somebody says otherwise.';
COMMENT ON COLUMN users.created_at IS 'When the row was written.';
COMMENT ON COLUMN users.updated_at IS 'When the row last changed; kept by a trigger.';
COMMENT ON COLUMN users.login IS 'GitHub login at the last sign-in; NULL before the first.';
COMMENT ON COLUMN users.name IS 'Name in the GitHub profile at the last sign-in.';
COMMENT ON COLUMN users.email IS 'Verified primary address at the last sign-in; NULL without the scope.';
COMMENT ON COLUMN users.avatar_url IS 'Address of the GitHub picture at the last sign-in.';
COMMENT ON COLUMN users.last_sign_in_at IS 'When the person last came back from GitHub.';
COMMENT ON COLUMN users.whitelist_until IS 'The permission ends at this moment; NULL: it does not end.';
COMMENT ON COLUMN users.whitelist_decided_at IS 'When somebody last decided; NULL: the person is waiting.';
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
