package main

import (
	"strings"
	"time"

	afauth "github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web/page"
)

// sample is one page as somebody could meet it.
type sample struct {
	Name string
	View page.View
}

// samples returns every page in every state, with ordinary and with extreme
// content.
func samples(chrome page.Chrome) []sample {
	list := append(doors(chrome), failures(chrome)...)
	list = append(list, console(chrome)...)
	return append(list, extremes(chrome)...)
}

var (
	now   = time.Date(2026, time.November, 23, 14, 4, 11, 0, time.UTC)
	until = time.Date(2027, time.January, 31, 12, 0, 0, 0, time.UTC)
	ended = time.Date(2026, time.November, 19, 9, 30, 0, 0, time.UTC)

	octocat = page.Person{Name: "Mona Octocat", Login: "octocat", GitHubID: 583231}
	terms   = page.Terms{Limits: afauth.SessionLimits{Idle: 24 * time.Hour, Max: 7 * 24 * time.Hour}}
)

func doors(chrome page.Chrome) []sample {
	dev := chrome
	dev.Dev = true
	alone := chrome
	alone.Contact = nil
	mail := terms
	mail.ReadsEmail = true
	sessions := []page.SessionRow{
		{Host: "auth.example.com", Agent: "Firefox on Linux", Since: now.Add(-2 * time.Hour), Seen: now, Current: true},
		{Host: "grafana.example.com", Agent: "Firefox on Linux", Since: now.Add(-2 * time.Hour), Seen: now.Add(-4 * time.Minute)},
		{Host: "auth.example.com", Agent: "Safari on iPhone", Since: now.Add(-50 * time.Hour), Seen: now.Add(-7 * time.Hour)},
	}
	waiting := page.Waiting{
		Chrome: chrome, Person: octocat, App: "Grafana", AppHost: "grafana.example.com", GoesTo: "grafana.example.com/d/latency",
		SignedInAt: now.Add(-2 * time.Minute), CheckURL: "/page/waiting", AnotherURL: "/page/sign-in", MessageURL: "/page/message", EventsURL: "/auth/waiting/events", Now: now,
	}
	waitingDev := waiting
	waitingDev.Chrome = dev
	return []sample{
		{"home", page.Home{Chrome: chrome, Terms: terms, Person: &octocat, Access: afauth.Allowed, Until: &until, Sessions: sessions}},
		{"home-admin", page.Home{Chrome: chrome, Terms: terms, Person: &octocat, Access: afauth.Allowed, Sessions: sessions[:1], PeopleURL: "/page/people"}},
		{"home-limited", page.Home{Chrome: chrome, Terms: terms, Person: &octocat, Access: afauth.Allowed, Until: &until, Limited: true, Open: []string{"Grafana", "Wiki"}, Sessions: sessions}},
		{"home-waiting", page.Home{Chrome: chrome, Terms: terms, Person: &octocat, Access: afauth.Waiting, Sessions: sessions[:1]}},
		{"home-expired", page.Home{Chrome: chrome, Terms: terms, Person: &octocat, Access: afauth.Expired, Until: &ended, Sessions: sessions[:1]}},
		{"home-nobody", page.Home{Chrome: chrome, Terms: terms, ContinueURL: "/page/waiting"}},
		{"sign-in", page.SignIn{Chrome: chrome, Terms: terms, App: "Grafana", AppHost: "grafana.example.com", ContinueURL: "/page/waiting"}},
		{"sign-in-dev", page.SignIn{Chrome: dev, Terms: mail, App: "Demo", AppHost: "127.0.0.1:8081", ContinueURL: "/page/waiting-dev"}},
		{"waiting", waiting},
		{"waiting-dev", waitingDev},
		{"refused", page.Refused{Chrome: chrome, Person: &octocat, App: "Grafana", Access: afauth.Refused, DecidedAt: &ended, AnotherURL: "/page/sign-in"}},
		{"refused-nobody", page.Refused{Chrome: alone, Access: afauth.Refused, AnotherURL: "/page/sign-in"}},
		{"refused-here", page.Refused{Chrome: chrome, Person: &octocat, App: "Grafana", Access: afauth.Allowed, Open: []string{"Docs", "Wiki"}, AnotherURL: "/page/sign-in"}},
		{"refused-everywhere", page.Refused{Chrome: chrome, Person: &octocat, App: "Grafana", Access: afauth.Allowed, AnotherURL: "/page/sign-in"}},
		{"expired", page.Refused{Chrome: chrome, Person: &octocat, App: "Grafana", Access: afauth.Expired, Until: &ended, AnotherURL: "/page/sign-in"}},
		{"sign-out", page.SignOut{Chrome: chrome, Person: octocat, SessionCount: 3}},
		{"signed-out", page.SignedOut{Chrome: chrome, SignInURL: "/page/sign-in"}},
		{"about", page.About{Chrome: chrome, Terms: mail}},
	}
}

func failures(chrome page.Chrome) []sample {
	in := page.Incident{
		Again: "/page/sign-in", Reference: "7QX2-M4KD", When: now.Add(12 * time.Minute),
		StartedAt: now.Add(-2 * time.Minute), Waited: 8 * time.Second, RetryAfter: 40 * time.Second,
	}
	var list []sample
	for _, code := range []afauth.Code{
		afauth.CodeStateExpired, afauth.CodeGitHubDenied, afauth.CodeGitHubDown, afauth.CodeGitHubBadSetup,
		afauth.CodeRateLimited, afauth.CodeNotFound, afauth.CodeWrongHost, afauth.CodeUnavailable, afauth.CodeInternal,
	} {
		in.Code = code
		name := "failure-" + strings.ReplaceAll(string(code), "_", "-")
		list = append(list, sample{name, page.FailureFor(chrome, in)})
	}
	return list
}

// extremes are the longest, the emptiest and the right-to-left.
func extremes(chrome page.Chrome) []sample {
	host := strings.Repeat("a-very-long-label-", 4) + "x." + strings.Repeat("department-", 9) + "y.example.com:8443"
	long := chrome
	long.Host = host
	long.Dev = true
	long.Contact = &page.Contact{Label: "the-whole-department-that-looks-after-this@" + host, Href: "mailto:ops@example.com"}
	giant := page.Person{Name: strings.Repeat("Wolfeschlegelsteinhausen", 4), Login: strings.Repeat("abcdefghijklm", 3), GitHubID: 9007199254740991}
	rtl := page.Person{Name: "\u202eمحمد بن عبد الله العلي", Login: "mohammed", GitHubID: 42}
	empty := page.Person{GitHubID: 7}
	return []sample{
		{"long-sign-in", page.SignIn{Chrome: long, Terms: terms, App: host, AppHost: host, ContinueURL: "/"}},
		{"long-waiting", page.Waiting{
			Chrome: long, Person: giant, App: strings.Repeat("Observability ", 8), AppHost: host, GoesTo: host + "/" + strings.Repeat("path/", 80),
			SignedInAt: now, CheckURL: "/", AnotherURL: "/", MessageURL: "/", Message: strings.Repeat("mum", 93), EventsURL: "/auth/waiting/events", Now: now,
		}},
		{"long-home", page.Home{
			Chrome: long, Terms: terms, Person: &giant, Access: afauth.Allowed, Until: &until,
			Sessions: []page.SessionRow{{Host: host, Agent: strings.Repeat("Mozilla", 30), Since: now, Seen: now, Current: true}},
		}},
		{"long-refused", page.Refused{Chrome: long, Person: &giant, App: host, Access: afauth.Refused, DecidedAt: &ended, AnotherURL: "/"}},
		{"long-failure", page.FailureFor(long, page.Incident{Code: afauth.CodeStateExpired, Again: "/", Reference: strings.Repeat("7QX2-M4KD-", 12), When: now})},
		{"rtl-home", page.Home{Chrome: chrome, Terms: terms, Person: &rtl, Access: afauth.Refused}},
		{"rtl-refused", page.Refused{Chrome: chrome, Person: &rtl, App: "جرافانا", Access: afauth.Expired, Until: &ended, AnotherURL: "/"}},
		{"empty-sign-out", page.SignOut{Chrome: chrome, Person: empty, SessionCount: 1}},
	}
}
