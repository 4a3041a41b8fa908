package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// The rights that the seed gives an application's role, except that this one
// may not write events.
const seedRights = `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE;
	GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ROLE; REVOKE INSERT ON events FROM ROLE`

// revokeOne is a change that goes through every function of the triggers but
// those for TRUNCATE and for a session's row.
const revokeOne = `UPDATE users SET is_whitelisted = false WHERE github_user_id = 1;
	INSERT INTO users (github_user_id, is_whitelisted) VALUES (9, true); DELETE FROM users WHERE github_user_id = 2;
	UPDATE sessions SET expires_at = now() WHERE user_id = '00000000-0000-4000-8000-000000000003'`

var revokedOne = []string{"access.allowed", "access.revoked", "session.ended", "session.ended", "session.ended", "user.deleted"}

func TestRoleThatMayNotWriteEvents(t *testing.T) {
	t.Parallel()
	p, ear := watched(t)
	p.as(seedRights)
	noRight(t, "its own event", p.try("INSERT INTO events (kind) VALUES ('access.allowed')"))
	p.run(revokeOne)
	if got := p.lines("SELECT kind FROM events WHERE role = session_user ORDER BY kind"); !slices.Equal(got, revokedOne) {
		t.Errorf("events %q, want %q", got, revokedOne)
	}
	// And the new one, by an id made at random, which may stand anywhere.
	if got := strings.Fields(ear.heard()); len(got) != 4 || !slices.Contains(got, "1") || !slices.Contains(got, "2") || !slices.Contains(got, "3") {
		t.Errorf("heard %q", got)
	}
}

// A temporary table is found first by default. The triggers name the place
// where theirs are.
func TestTemporaryTablesDivertNothing(t *testing.T) {
	t.Parallel()
	p, _ := watched(t)
	p.as(seedRights)
	p.run(`CREATE TEMP TABLE events (LIKE public.events); CREATE TEMP TABLE sessions (LIKE public.sessions);
		CREATE TEMP TABLE old_rows (LIKE public.users); CREATE TEMP TABLE new_rows (LIKE public.users);
		SET search_path = pg_temp, public`)
	p.run(strings.ReplaceAll(revokeOne, "UPDATE sessions", "UPDATE public.sessions"))
	if got := p.lines("SELECT kind FROM public.events ORDER BY kind"); !slices.Equal(got, revokedOne) {
		t.Errorf("events %q, want %q", got, revokedOne)
	}
	if got := p.lines("SELECT kind FROM pg_temp.events"); len(got) != 0 {
		t.Errorf("%q went into a temporary table", got)
	}
	if got := p.lines("SELECT right(user_id::text, 1) FROM public.sessions ORDER BY user_id"); !slices.Equal(got, []string{"3", "4"}) {
		t.Errorf("sessions left of %q", got)
	}
}

// temptations are functions that fit the calls in our triggers better than
// PostgreSQL's own, or as well as ours. Whoever may CREATE in the schema, as
// everybody may in PostgreSQL 14, could offer them; none may ever run.
const temptations = `
CREATE FUNCTION tempt(what text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% ran as %', what, current_user; END $$;
CREATE FUNCTION tempt_state(state uuid[], next uuid) RETURNS uuid[] LANGUAGE sql AS $$ SELECT NULL::uuid[] FROM (SELECT public.tempt('array_agg')) t $$;
CREATE AGGREGATE array_agg(uuid) (SFUNC = tempt_state, STYPE = uuid[]);
CREATE FUNCTION cardinality(uuid[]) RETURNS int LANGUAGE sql AS $$ SELECT length(public.tempt('cardinality')) $$;
CREATE FUNCTION pg_notify(text, varchar) RETURNS void LANGUAGE sql AS $$ SELECT public.tempt('pg_notify') $$;
CREATE FUNCTION current_setting(varchar, boolean) RETURNS text LANGUAGE sql AS $$ SELECT public.tempt('current_setting') $$;
CREATE FUNCTION note_event(text, text, jsonb) RETURNS void LANGUAGE sql AS $$ SELECT public.tempt('note_event') $$;
CREATE FUNCTION note_event(varchar, uuid, jsonb) RETURNS void LANGUAGE sql AS $$ SELECT public.tempt('note_event') $$;
CREATE FUNCTION notify_access(anyarray) RETURNS void LANGUAGE sql AS $$ SELECT public.tempt('notify_access') $$;
CREATE FUNCTION access_of(boolean, timestamptz, text) RETURNS text LANGUAGE sql AS $$ SELECT public.tempt('access_of') $$;
CREATE FUNCTION jsonb_build_object(text, timestamptz) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('build 1')::jsonb $$;
CREATE FUNCTION jsonb_build_object(text, uuid[]) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('build 2')::jsonb $$;
CREATE FUNCTION jsonb_build_object(text, bigint) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('build 3')::jsonb $$;
CREATE FUNCTION jsonb_build_object(text, bigint, text, bigint) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('build 4')::jsonb $$;
CREATE FUNCTION jsonb_build_object(text, name) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('build 5')::jsonb $$;
CREATE FUNCTION jsonb_build_object(text, uuid, text, text) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('build 6')::jsonb $$;
CREATE FUNCTION jsonb_build_object(text, text, text, text, text, timestamptz, text, timestamptz) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('build 7')::jsonb $$;
CREATE FUNCTION tempt_compare(jsonb, text) RETURNS jsonb LANGUAGE sql AS $$ SELECT public.tempt('||')::jsonb $$;
CREATE OPERATOR || (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = tempt_compare);
CREATE FUNCTION tempt_equal(text, varchar) RETURNS boolean LANGUAGE sql AS $$ SELECT public.tempt('=') IS NULL $$;
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = varchar, FUNCTION = tempt_equal);
CREATE OPERATOR <> (LEFTARG = text, RIGHTARG = varchar, FUNCTION = tempt_equal);
`

func TestFunctionsOfAnIntruderNeverRun(t *testing.T) {
	t.Parallel()
	p, ear := watched(t)
	p.as(seedRights + "; GRANT CREATE ON SCHEMA public TO ROLE; GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO ROLE")
	p.run(temptations)
	p.run("UPDATE users SET github_user_id = 44 WHERE github_user_id = 4; " + revokeOne)
	if got := p.lines("SELECT count(*)::text FROM events"); got[0] == "0" {
		t.Error("no events")
	}
	p.run("TRUNCATE users CASCADE")
	if got := ear.heard(); !strings.Contains(got, "all") {
		t.Errorf("heard %q", got)
	}
	// They do run where nothing stands in their way: the test would notice.
	if err := p.try("SELECT array_agg(id) FROM (SELECT gen_random_uuid()) t (id)"); err == nil || !strings.Contains(err.Error(), "array_agg ran as") {
		t.Errorf("the temptations tempt nobody: %v", err)
	}
}

// Attached to a table of the intruder's own, our functions would write events
// and end sessions of his choosing, as their owner.
func TestFunctionsCannotBeAttachedElsewhere(t *testing.T) {
	t.Parallel()
	p, _ := watched(t)
	p.as(seedRights + "; GRANT CREATE ON SCHEMA public TO ROLE")
	p.run("CREATE TABLE public.mine (LIKE users)")
	triggers := p.lines("SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype ORDER BY 1")
	if len(triggers) < 7 {
		t.Fatalf("only %q", triggers)
	}
	for _, f := range triggers {
		noRight(t, f, p.try("CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION "+f+"()"))
	}
	noRight(t, "note_event", p.try("SELECT note_event('access.allowed', NULL, '{}')"))
	noRight(t, "notify_access", p.try("SELECT notify_access(NULL)"))
	open := p.lines(`SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		AND has_function_privilege(current_user, oid, 'EXECUTE')
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e') ORDER BY 1`)
	if !slices.Equal(open, []string{"access_of"}) {
		t.Errorf("open to everybody: %q, want access_of alone", open)
	}
}

// noRight fails unless the server refused for want of a right.
func noRight(t *testing.T, what string, err error) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42501" {
		t.Errorf("%s: %v, want SQLSTATE 42501", what, err)
	}
}
