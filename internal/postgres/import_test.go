package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

func listed(rows ...postgres.ImportRow) iter.Seq2[postgres.ImportRow, error] {
	return func(yield func(postgres.ImportRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// githubIDs is a list of so many GitHub ids and nothing else.
func githubIDs(n int64) postgres.ImportList {
	return postgres.ImportList{Rows: func(yield func(postgres.ImportRow, error) bool) {
		for id := range n {
			if !yield(postgres.ImportRow{GitHubID: id + 1}, nil) {
				return
			}
		}
	}}
}

func agreed(postgres.ImportPlan) error { return nil }

// heard listens from now on, and says afterwards what was sent meanwhile: a
// notification of its own comes behind the others.
func (w world) heard() func() []string {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.Exec(w.t.Context(), "LISTEN af_auth_access"); err != nil {
		w.t.Fatal(err)
	}
	return func() (payloads []string) {
		w.t.Helper()
		w.run("SELECT pg_notify('af_auth_access', 'end')")
		for {
			n, err := conn.WaitForNotification(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			if n.Payload == "end" {
				return payloads
			}
			payloads = append(payloads, n.Payload)
		}
	}
}

// What a list makes of each kind of person, and what it says before.
func TestImport(t *testing.T) {
	t.Parallel()
	end := time.Date(2097, 1, 2, 3, 4, 5, 678_000, time.UTC)
	for name, tt := range map[string]struct {
		list postgres.ImportList
		plan postgres.ImportPlan
		want string
	}{
		"ids alone": {
			postgres.ImportList{},
			postgres.ImportPlan{New: 1, Waiting: 1, Again: 2, Same: 4, All: 4},
			"1 allowed all|2 allowed all|3 allowed all|4 allowed all|5 allowed all|6 allowed {a b}|7 allowed all until|8 allowed {}|9 waiting all",
		},
		"until": {
			postgres.ImportList{SetUntil: true},
			postgres.ImportPlan{New: 1, Waiting: 1, Again: 2, Changed: 4, Lowered: 3, All: 4},
			"1 allowed all until|2 allowed all until|3 allowed all until|4 allowed all until|5 allowed all until|6 allowed {a b} until|7 allowed all until|8 allowed {} until|9 waiting all",
		},
		"apps": {
			postgres.ImportList{SetApps: true},
			postgres.ImportPlan{New: 1, Waiting: 1, Again: 2, Changed: 3, Lowered: 2, Same: 1},
			"1 allowed {a b}|2 allowed {a b}|3 allowed {a b}|4 allowed {a b}|5 allowed {a b}|6 allowed {b a}|7 allowed {a b} until|8 allowed {a b}|9 waiting all",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, w world) {
				w.run(`INSERT INTO users (github_user_id, is_whitelisted, whitelist_until, whitelist_decided_at, apps) VALUES
					(2, false, NULL, NULL, NULL), (3, false, NULL, now(), NULL), (4, true, now() - interval '1 hour', now(), '{x}'),
					(5, true, NULL, now(), NULL), (6, true, NULL, now(), '{b,a}'), (7, true, '2030-01-01', now(), NULL), (8, true, NULL, now(), '{}'),
					(9, false, NULL, NULL, NULL)`)
				if name != "apps" {
					w.run("UPDATE users SET apps = '{a,b}' WHERE github_user_id = 6")
				}
				var rows []postgres.ImportRow
				for id := int64(1); id <= 8; id++ {
					row := postgres.ImportRow{GitHubID: id}
					if tt.list.SetUntil {
						row.Until = &end
					}
					if tt.list.SetApps {
						row.Apps = []string{"b", "a", "b"}
					}
					rows = append(rows, row)
				}
				list := tt.list
				list.Rows = listed(rows...)
				events := w.count("SELECT count(*) FROM events")
				plan, err := w.db.Import(t.Context(), postgres.Actor{Name: "cli:ada", Reason: "a list"}, list, agreed)
				losers := len(plan.Losers)
				plan.Losers = nil
				if err != nil || fmt.Sprintf("%+v", plan) != fmt.Sprintf("%+v", tt.plan) || losers != tt.plan.Lowered {
					t.Errorf("plan %+v, want %+v; %d losers, %v", plan, tt.plan, losers, err)
				}
				var got []string
				for _, p := range must(w.db.Users(t.Context(), postgres.UserFilter{Limit: 20})) {
					got = append(got, fmt.Sprintf("%d %s", p.GitHubID, granted(p)))
				}
				slices.Sort(got)
				if s := strings.Join(got, "|"); s != tt.want {
					t.Errorf("got  %s\nwant %s", s, tt.want)
				}
				if n := w.count("SELECT count(*) FROM events WHERE actor = 'cli:ada' AND reason = 'a list'"); n != plan.Writes() || w.count("SELECT count(*) FROM events") != events+n {
					t.Errorf("%d events for %d people", n, plan.Writes())
				}
			})
		})
	}
}

// A hundred thousand: servers are told once, and a second time there is nothing
// to write, to record or to tell.
func TestImportMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	heard := w.heard()
	actor := postgres.Actor{Name: "cli:ada", Reason: "all of them"}
	plan, err := w.db.Import(t.Context(), actor, githubIDs(100_000), agreed)
	if err != nil || plan.New != 100_000 {
		t.Fatalf("%+v, %v", plan, err)
	}
	if got := heard(); !slices.Equal(got, []string{`{"all":true}`}) {
		t.Errorf("told %q", got)
	}
	if n := w.count("SELECT count(*) FROM events WHERE kind = 'access.allowed' AND actor = 'cli:ada' AND reason = 'all of them'"); n != 100_000 {
		t.Errorf("%d events", n)
	}
	before := w.lines("SELECT md5(string_agg(ctid::text || xmin::text || xmax::text, '' ORDER BY ctid)) FROM users")
	again := w.heard()
	plan, err = w.db.Import(t.Context(), actor, githubIDs(100_000), agreed)
	if err != nil || plan.Same != 100_000 || plan.Writes() != 0 {
		t.Errorf("%+v, %v", plan, err)
	}
	if got := again(); len(got) != 0 {
		t.Errorf("told %q", got)
	}
	if after := w.lines("SELECT md5(string_agg(ctid::text || xmin::text || xmax::text, '' ORDER BY ctid)) FROM users"); !slices.Equal(before, after) {
		t.Error("rows were written or locked")
	}
	if n := w.count("SELECT count(*) FROM events"); n != 100_000 {
		t.Errorf("%d events after the second time", n)
	}
}

// A reason of one row is an event of its own, only for who is written, and the
// login of somebody new is kept.
func TestImportReasons(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(3)
		list := postgres.ImportList{Rows: listed(
			postgres.ImportRow{GitHubID: 1, Login: "ann", Reason: "leads\x00"}, postgres.ImportRow{GitHubID: 2}, postgres.ImportRow{GitHubID: 3, Login: "cleo", Reason: "is here"})}
		if _, err := w.db.Import(t.Context(), postgres.Actor{Name: "cli:ada", Address: "192.0.2.1", Reason: "a list"}, list, agreed); err != nil {
			t.Fatal(err)
		}
		got := w.lines("SELECT concat_ws('|', u.github_user_id, u.login, e.kind, e.actor, e.address, e.reason) FROM events e JOIN users u ON u.id = e.user_id WHERE e.actor = 'cli:ada' ORDER BY 1")
		want := []string{"1|ann|access.allowed|cli:ada|192.0.2.1|a list", "1|ann|access.imported|cli:ada|192.0.2.1|leads", "2|access.allowed|cli:ada|192.0.2.1|a list"}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// Nothing remains of an import that is refused, whose list ends in an error, or
// whose connection dies between the copy and the end.
func TestImportUndone(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		actor, no := postgres.Actor{Name: "cli:ada"}, errors.New("no")
		heard := w.heard()
		if _, err := w.db.Import(t.Context(), actor, githubIDs(10), func(p postgres.ImportPlan) error { return no }); !errors.Is(err, no) {
			t.Errorf("refused: %v", err)
		}
		torn := postgres.ImportList{Rows: func(yield func(postgres.ImportRow, error) bool) {
			_ = yield(postgres.ImportRow{GitHubID: 1}, nil) && yield(postgres.ImportRow{}, no)
		}}
		if _, err := w.db.Import(t.Context(), actor, torn, agreed); !errors.Is(err, no) {
			t.Errorf("torn: %v", err)
		}
		_, err := w.db.Import(t.Context(), actor, githubIDs(10), func(postgres.ImportPlan) error {
			w.run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()")
			return nil
		})
		if afauth.CodeOf(err) != afauth.CodeUnavailable {
			t.Errorf("killed: %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		_, err = w.db.Import(ctx, actor, githubIDs(10), func(postgres.ImportPlan) error { stop(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
		if n := w.count("SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM events)"); n != 0 {
			t.Errorf("%d rows", n)
		}
		if got := heard(); len(got) != 0 {
			t.Errorf("told %q", got)
		}
	})
}

// What changes between plan and merge is not overrun: nobody has agreed to it.
func TestImportRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(1)
	end := w.db.Now().Add(time.Hour)
	list := postgres.ImportList{SetUntil: true, Rows: listed(postgres.ImportRow{GitHubID: 1, Until: &end})}
	_, err := w.db.Import(t.Context(), postgres.Actor{Name: "cli:ada"}, list, func(postgres.ImportPlan) error {
		w.run("UPDATE users SET is_whitelisted = false")
		return nil
	})
	if afauth.CodeOf(err) != afauth.CodeUnavailable || !strings.Contains(err.Error(), "changed at the same moment") {
		t.Errorf("%v", err)
	}
	if n := w.count("SELECT count(*) FROM users WHERE is_whitelisted"); n != 0 {
		t.Error("somebody who was just revoked is allowed")
	}
}
