package page_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	afauth "github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web/page"
)

func TestMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 23, 14, 4, 11, 0, time.UTC)
	for _, c := range []struct {
		away            time.Duration
		long, ago, ends string
	}{
		{0, "under a minute", "just now", "ended just now"},
		{-59 * time.Second, "under a minute", "just now", "ended just now"},
		{-2 * time.Minute, "2 min", "2 min ago", "ended 2 min ago"},
		{-25 * time.Hour, "1 day", "1 day ago", "ended 1 day ago"},
		{-90 * 24 * time.Hour, "90 days", "25 Aug 2026", "ended 25 Aug 2026"},
		{3*time.Hour + time.Second, "3 h", "just now", "ends in 3 h"},
		{7*24*time.Hour - time.Second, "6 days", "just now", "ends in 7 days"},
		{30 * 24 * time.Hour, "30 days", "just now", "until 23 Dec 2026"},
	} {
		m := page.Moment{At: now.Add(c.away), Now: now}
		if m.Long() != c.long || m.Ago() != c.ago || m.Ends() != c.ends {
			t.Errorf("%v: %q, %q, %q", c.away, m.Long(), m.Ago(), m.Ends())
		}
	}
	if page.MomentOf(nil, now) != nil {
		t.Error("no time is some time")
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1204318: "1,204,318", -1000: "-1,000", -999: "-999"} {
		if got := page.Number(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"on call,\nthis week": "on call,\nthis week", "\u202eevil\u2066x\u200f": "evilx", "a\tb\x00c\x1b[31m": "a b c [31m",
		"محمد": "محمد", "🐙 é": "🐙 é", "a\u2028b": "a b", "\U000e0041\ufeff": "",
	} {
		if got := page.Plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A decision that somebody else has overtaken is told from one that has not.
func TestStanding(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 23, 14, 4, 11, 482913000, time.UTC)
	later := at.Add(time.Microsecond)
	seen := map[string]afauth.Whitelist{}
	for _, w := range []afauth.Whitelist{
		{}, {DecidedAt: &at}, {DecidedAt: &later}, {IsWhitelisted: true, DecidedAt: &at}, {IsWhitelisted: true, DecidedAt: &at, Until: &later},
		{IsWhitelisted: true, DecidedAt: &at, Apps: []string{}}, {IsWhitelisted: true, DecidedAt: &at, Apps: []string{"a"}},
	} {
		s := page.Standing(afauth.User{Whitelist: w})
		if other, known := seen[s]; known {
			t.Errorf("%+v stands like %+v: %q", w, other, s)
		}
		seen[s] = w
	}
}

func TestEventWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind           afauth.EventKind
		details        string
		what, details2 string
	}{
		{afauth.EventSignedIn, `{"host":"a.example"}`, "Signed in", "a.example"},
		{afauth.EventAccessAllowed, `{"until":"2027-01-31T12:00:00+00:00","apps":["a","b"]}`, "Allowed", "until 31 Jan 2027, 12:00 UTC, for a, b"},
		{afauth.EventAccessChanged, `{"until":null,"apps":null}`, "Access changed", ""},
		{afauth.EventAccessRevoked, `{}`, "Access revoked", ""},
		{afauth.EventSessionEnded, `{"host":"a.example"}`, "Session ended", "a.example"},
		{"made.up", `[`, "made.up", ""},
	} {
		what, details := page.EventWords(afauth.Event{Kind: c.kind, Details: json.RawMessage(c.details)})
		if what != c.what || details != c.details2 {
			t.Errorf("%s: %q, %q", c.kind, what, details)
		}
	}
}

// The list works without a script, and what moves has its room beforehand.
func TestListWithoutScript(t *testing.T) {
	t.Parallel()
	all := audit(t, render(t, renderer(t), page.People{Panel: true, WaitingCount: "0", EventsURL: "/auth/people/events"}))
	for _, e := range all {
		if e.attrs["id"] == "news" && (e.attrs["role"] != "status" || strings.TrimSpace(e.text) != "") {
			t.Errorf("the line of news is %v %q", e.attrs, e.text)
		}
		if e.attrs["id"] == "reload" && e.attrs["hidden"] == "" {
			t.Error("the link to news stands there before there is any")
		}
	}
	for heading, n := range map[string]string{"Nobody is waiting": "0", "1 person is waiting": "1", "≈ 2,000 people are waiting": "≈ 2,000"} {
		if got := (page.People{WaitingCount: n}).WaitingHeading(); got != heading {
			t.Errorf("%s: %q", n, got)
		}
	}
}

// The bar says what is changed here, and Production catches the eye.
func TestPlaceInTheBar(t *testing.T) {
	t.Parallel()
	r := renderer(t)
	for place, badge := range map[string]string{"Production": `<span class="badge danger">Production</span>`, "Local": `<span class="badge ok">Local</span>`, "Development": `<span class="badge warn">Development</span>`, "": ""} {
		html := render(t, r, page.People{Console: page.Console{Chrome: page.Chrome{Host: "auth.example.com", Place: place}}})
		bar, _, _ := strings.Cut(html, "</header>")
		if !strings.Contains(bar, badge) || place == "" && strings.Contains(bar, `class="badge`) {
			t.Errorf("%q: %s", place, bar)
		}
		if got := strings.Contains(bar, `class="bar production"`); got != (place == "Production") {
			t.Errorf("%q: a stripe %v", place, got)
		}
	}
}
