package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/githubsim"
)

// canaries are secrets by what they are.
type canaries map[string]string

// TestNothingLeaks (C39) plants secrets, drives every door at the level debug,
// rightly and wrongly, with GitHub and the database failing in between, and
// then looks for them wherever somebody else could read them.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, map[string]string{"GITHUB_SCOPES": "user:email"})
	c := canaries{"client secret": w.clientSecret, "metrics token": w.metricsToken}
	c["database password"] = w.canaryRole(t)
	w.doors = append(w.doors, w.newDoor(t, nil))
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	var bodies strings.Builder
	hear := func(r reply) reply { bodies.WriteString(r.body + "\n"); return r }

	c.follow(t, s, hear)
	c["planted bearer"], c["planted cookie"], c["planted query"], c["planted form"] = "canary-bearer-77a0e1", "canary-cookie-33d9b2", "canary-query-b8e2c4", "canary-form-19fa6d"
	for _, r := range c.everyDoor() {
		hear(s.send(t, r))
	}
	c.faults(t, w, s, hear)
	if len(c) < 12 {
		t.Errorf("only %d canaries were planted", len(c))
	}
	places := map[string]string{
		"a page": bodies.String(), "the log": w.doors[0].log.String(), "the database": w.dump(t),
		"the metrics": s.send(t, request{method: "GET", url: ownOrigin + "/metrics", header: http.Header{"Authorization": {"Bearer " + w.metricsToken}}}).body,
	}
	for _, args := range [][]string{
		{"config"}, {"config", "--json"}, {"users", "--json"}, {"show", "octocat"}, {"sessions", "octocat"}, {"sessions", "octocat", "--json"},
		{"events", "--json"}, {"events"}, {"db", "migrate", "status"}, {"routes"}, {"version"}, {"show", "nobody-here"}, {"allow", "#x"},
	} {
		out, _ := w.command(t, args...)
		places["af-auth "+strings.Join(args, " ")] = out
	}
	for kind, secret := range c {
		for place, text := range places {
			if i := strings.Index(text, secret); secret != "" && i >= 0 {
				t.Errorf("the %s stands in %s: …%s…", kind, place, text[max(0, i-120):min(len(text), i+len(secret)+40)])
			}
		}
		if secret == "" {
			t.Errorf("there is no %s to look for", kind)
		}
	}
}

// canaryRole makes the servers connect as a role of their own and returns its
// password.
func (w *world) canaryRole(t *testing.T) string {
	t.Helper()
	const password = "canary-database-password-c40e7b"
	role := fmt.Sprintf("af_auth_canary_%d", time.Now().UnixNano())
	w.exec(t, fmt.Sprintf(`CREATE ROLE %s LOGIN SUPERUSER PASSWORD '%s'`, role, password))
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, w.database)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(ctx) }()
		if _, err := conn.Exec(ctx, `DROP ROLE `+role); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(w.database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	w.settings["DATABASE_URL"] = u.String()
	return password
}

// follow goes the way to the application and notes each secret on it.
func (c canaries) follow(t *testing.T, s *stranger, hear func(reply) reply) {
	t.Helper()
	hear(s.get(t, appOrigin+"/.af-auth/start?return_to=/inside"))
	c["nonce"] = s.cookie(appOrigin, "__Host-af_auth_nonce")
	authorize := s.begin(t, "?return_to="+url.QueryEscape(appOrigin+"/inside"))
	u, err := url.Parse(authorize)
	if err != nil {
		t.Fatal(err)
	}
	c["state"] = u.Query().Get("state")
	callback := s.choose(t, authorize, "octocat")
	c["sealed sign-in"] = s.cookie(ownOrigin, stateCookie(t, callback))
	hear(s.get(t, callback))
	c["code"], c["verifier"], c["GitHub token"] = s.w.tap.noted("code"), s.w.tap.noted("verifier"), s.w.tap.noted("access token")
	c["session"] = s.session(ownOrigin)
	ticket := func() (link, ticket string) {
		link = s.ticket(t, appOrigin)
		v, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		return link, v.Query().Get("ticket")
	}
	link, burnt := ticket()
	c["burnt ticket"] = burnt
	hear(s.w.stranger(s.door).get(t, link)) // the wrong browser burns it
	hear(s.get(t, link))
	link, c["ticket"] = ticket()
	hear(s.get(t, link))
	c["application's session"] = s.session(appOrigin)
	hear(s.get(t, link))
	hear(s.get(t, callback))
	waiting := s.w.stranger(s.door)
	hear(s.get(t, ownOrigin+waiting.signIn(t, "hubot", "").to()))
	c["notice"] = waiting.cookie(ownOrigin, "__Host-af_auth_notice")
	hear(waiting.get(t, ownOrigin+"/auth/waiting"))
}

// everyDoor asks each route, and some that are none, with secrets in all the
// wrong places.
func (c canaries) everyDoor() []request {
	header := http.Header{
		"Authorization": {"Bearer " + c["planted bearer"]}, "Proxy-Authorization": {"Basic " + c["planted bearer"]}, "X-Api-Key": {c["planted bearer"]},
		"Cookie": {"__Host-af_auth=" + c["session"] + "; other=" + c["planted cookie"] + "; __Host-af_auth_notice=" + c["planted cookie"]},
	}
	query := "?access_token=" + c["planted query"] + "&code=" + c["code"] + "&state=" + c["state"] + "&ticket=" + c["ticket"] + "&token=" + c["session"]
	var all []request
	for _, host := range []string{ownOrigin, appOrigin, "https://unknown.test"} {
		for _, path := range []string{
			"/", "/auth/", "/auth", "/auth/sign-in", "/auth/github", "/auth/github/callback", "/auth/continue", "/auth/waiting", "/auth/refused", "/auth/sign-out",
			"/auth/signed-out", "/auth/about", "/auth/assets/x", "/auth/verify", "/.af-auth/start", "/.af-auth/enter", "/live", "/ready", "/health", "/metrics",
			"/nothing", "/auth/%2e", "/debug/pprof/heap", "/auth/" + c["planted query"], "/" + c["session"],
		} {
			for _, accept := range []string{"text/html", "application/json"} {
				h := header.Clone()
				h.Set("Accept", accept)
				all = append(all, request{method: "GET", url: host + path + query, header: h}, request{method: "PATCH", url: host + path + query, header: h})
			}
		}
		form := header.Clone()
		form.Set("Content-Type", "application/x-www-form-urlencoded")
		all = append(all, request{method: "POST", url: host + "/auth/theme", header: form, body: "theme=" + c["planted form"] + "&back=" + c["planted form"]},
			request{method: "POST", url: host + "/auth/theme", header: form, body: "%zz" + c["planted form"]},
			request{method: "POST", url: host + "/auth/theme" + query, header: form, body: "theme=dark&back=" + url.QueryEscape("/auth/"+query)})
	}
	return all
}

// faults lets GitHub fail in each way while it holds our secrets, and then the
// database.
func (c canaries) faults(t *testing.T, w *world, s *stranger, hear func(reply) reply) {
	t.Helper()
	for _, path := range []string{"/login/oauth/access_token", "/api/v3/user", "/api/v3/user/emails"} {
		for _, kind := range []githubsim.FaultKind{githubsim.ServerError, githubsim.RateLimited, githubsim.Truncated, githubsim.Closed, githubsim.Organization, githubsim.Revoked} {
			one := w.stranger(s.door)
			callback := one.choose(t, one.begin(t, ""), "hubot")
			w.sim.Fault(1, githubsim.Fault{Kind: kind, Path: path, Login: "hubot"})
			hear(one.get(t, callback))
			w.sim.ClearFaults()
			n := fmt.Sprintf(" at %s of %s", kind, path)
			c["verifier"+n], c["GitHub token"+n] = w.tap.noted("verifier"), w.tap.noted("access token")
		}
	}
	w.exec(t, `ALTER TABLE sessions RENAME TO away`)
	hear(s.get(t, ownOrigin+"/auth/"))
	hear(s.get(t, appOrigin+"/auth/verify"))
	one := w.stranger(s.door)
	hear(one.get(t, one.choose(t, one.begin(t, ""), "octocat")))
	w.exec(t, `ALTER TABLE away RENAME TO sessions`)
	role := w.value(t, `SELECT max(usename) FROM pg_stat_activity WHERE usename LIKE 'af_auth_canary_%' AND datname = current_database()`)
	w.exec(t, `ALTER ROLE `+role+` PASSWORD 'another'`)
	w.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	for range 3 {
		hear(s.get(t, ownOrigin+"/ready"))
		hear(s.get(t, appOrigin+"/auth/verify"))
	}
	out, _ := w.command(t, "users")
	hear(reply{body: out})
	w.exec(t, `ALTER ROLE `+role+` PASSWORD '`+c["database password"]+`'`)
}

// dump is the text of all rows, as a copy of the database would show them.
func (w *world) dump(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"users", "sessions", "tickets", "events", "instances", "requests", "confirmations", "webhooks", "deliveries"} {
		all.WriteString(w.value(t, `SELECT coalesce(string_agg(x::text, E'\n'), '') FROM `+table+` x`))
	}
	return all.String()
}

// TestBadSettingsDoNotSpeak (C39): settings that cannot be read are reported
// without what is secret in them.
func TestBadSettingsDoNotSpeak(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	const secret = "canary-9d2f60"
	for name, value := range map[string]string{
		"DATABASE_URL":         "postgres://user:" + secret + "@/x@127.0.0.1/db",
		"DIRECT_URL":           "host=localhost password=" + secret,
		"AF_AUTH_OWNER_URL":    "postgres://user:" + secret + "@127.0.0.1:1/db?nonsense=1",
		"AF_AUTH_URL":          "https://user:" + secret + "@auth.example.test",
		"GITHUB_URL":           "https://user:" + secret + "@github.com",
		"AF_AUTH_CONTACT":      "https://user:" + secret + "@example.test",
		"AF_AUTH_HOSTS":        "https://user:" + secret + "@example.test",
		"GITHUB_CLIENT_SECRET": secret + "\x01",
		"GITHUB_SCOPES":        "user:email;" + secret, "AF_AUTH_METRICS_TOKEN": secret, "AF_AUTH_CLIENT_SECRET": secret, "DB_POOL_MAX": secret,
	} {
		w.settings[name] = value
		for _, args := range [][]string{{"serve"}, {"config"}, {"config", "--json"}, {"users"}} {
			out, err := w.command(t, args...)
			if strings.Contains(out, secret) && name != "GITHUB_SCOPES" && name != "DB_POOL_MAX" {
				t.Errorf("%s: af-auth %s says it: %s", name, args[0], out)
			}
			if err == nil && args[0] == "serve" {
				t.Errorf("%s: serve runs", name)
			}
		}
		delete(w.settings, name)
	}
}
