package main

import (
	"context"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/postgres"
)

// people are af-auth's demonstration people and 1,200 more, some with sessions,
// and a table of somebody else's with values of many types.
const people = `
INSERT INTO users (github_user_id, login, name, email, avatar_url, is_whitelisted, whitelist_decided_at, whitelist_until, apps, created_at)
SELECT 583231 + n, CASE n WHEN 1200 THEN 'octocat' WHEN 1199 THEN 'hubot' ELSE first || '-' || left(h, 4) END,
	CASE n WHEN 1200 THEN 'Mona Octocat' WHEN 1199 THEN 'Hubot' ELSE initcap(first) || ' ' || initcap(last) END,
	CASE WHEN n % 7 = 0 THEN NULL ELSE first || '@example.com' END, NULL,
	n % 5 <> 0, CASE WHEN n % 11 = 0 THEN NULL ELSE timestamptz '2026-11-20 09:00:00.123456+00' - n * interval '53 minutes' END,
	CASE WHEN n % 6 = 0 THEN timestamptz '2027-01-31 00:00:00+00' END,
	CASE WHEN n % 8 = 0 THEN ARRAY['grafana.example.com', 'wiki.example.com'] END,
	timestamptz '2026-11-24 16:41:07.31872+00' - (1200 - n) * interval '47 minutes'
FROM generate_series(1, 1200) n, encode(sha256(n::text::bytea), 'hex') h,
	LATERAL (SELECT (ARRAY['ada','grace','edsger','barbara','donald','frances','john','margaret','ken','radia'])[1 + n % 10] AS first,
		(ARRAY['lovelace','hopper','liskov','allen','hamilton','perlman','thompson'])[1 + n % 7] AS last) names;
INSERT INTO sessions (token_hash, user_id, host, created_at, expires_at)
SELECT sha256((u.id::text || k)::bytea), u.id, (ARRAY['grafana.example.com', 'wiki.example.com', 'ci.example.com'])[k],
	u.created_at + k * interval '1 hour', u.created_at + interval '30 days'
FROM users u, generate_series(1, 3) k WHERE u.github_user_id % 5 < k;
CREATE SCHEMA build;
COMMENT ON SCHEMA build IS 'the build service';
CREATE TYPE build.state AS ENUM ('queued', 'running', 'passed', 'failed');
CREATE TABLE build.repositories (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, owner_id uuid REFERENCES users ON DELETE SET NULL, settings jsonb NOT NULL DEFAULT '{}');
COMMENT ON TABLE build.repositories IS 'what is built';
CREATE TABLE build.runs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, repository_id bigint NOT NULL REFERENCES build.repositories ON DELETE CASCADE,
	state build.state NOT NULL DEFAULT 'queued', started_at timestamptz NOT NULL DEFAULT now(), seconds numeric(8,3) CHECK (seconds >= 0), labels text[] NOT NULL DEFAULT '{}', log bytea);
CREATE INDEX ON build.runs (repository_id);
CREATE TABLE build.artifacts (run_id bigint NOT NULL REFERENCES build.runs ON DELETE CASCADE, path text NOT NULL, bytes bigint NOT NULL, PRIMARY KEY (run_id, path));
INSERT INTO build.repositories (name, owner_id, settings) SELECT 'repository-' || n, (SELECT id FROM users WHERE github_user_id = 583231 + n), jsonb_build_object('branches', jsonb_build_array('main', 'release/' || n), 'notify', n % 2 = 0) FROM generate_series(1, 24) n;
INSERT INTO build.runs (repository_id, state, started_at, seconds, labels, log)
SELECT 1 + n % 24, (ARRAY['queued','running','passed','failed'])[1 + n % 4]::build.state, timestamptz '2026-11-24 12:00:00.25+00' - n * interval '7 minutes',
	CASE WHEN n % 4 > 1 THEN n * 1.117 % 400 END, CASE WHEN n % 3 = 0 THEN ARRAY['linux', 'arm64'] ELSE '{}' END, CASE WHEN n % 4 > 1 THEN sha256(n::text::bytea) END
FROM generate_series(1, 900) n;
INSERT INTO build.artifacts SELECT id, 'bin/af-auth-' || id, 36000000 + id FROM build.runs WHERE state = 'passed';
CREATE ROLE af_auth_read LOGIN PASSWORD 'reads';
GRANT USAGE ON SCHEMA public, build TO af_auth_read;
GRANT SELECT ON ALL TABLES IN SCHEMA build TO af_auth_read;
GRANT SELECT (id, github_user_id, login, name, email, is_whitelisted, whitelist_until, apps, created_at) ON users TO af_auth_read;
GRANT SELECT (id, user_id, host, created_at, expires_at) ON sessions TO af_auth_read;
ANALYZE;`

// fill makes af-auth's schema and rows, and returns the URL of the role that
// reads nothing secret.
func fill(ctx context.Context, database string) (reader string, err error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return "", err
	}
	if _, err := migrate.Deploy(ctx, conn, files, migrate.Options{Actor: "shots"}); err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, people); err != nil {
		return "", err
	}
	u, err := url.Parse(database)
	if err != nil {
		return "", err
	}
	u.User = url.UserPassword("af_auth_read", "reads")
	return u.String(), nil
}
