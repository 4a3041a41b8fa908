package signin_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/signin"
)

// passage is somebody allowed who is signed in, and a browser's nonce.
type passage struct {
	*stage
	own   signin.Outcome
	nonce afauth.Token
}

func newPassage(t *testing.T) passage {
	t.Helper()
	s := newStage(t)
	s.exec(t, "INSERT INTO users (github_user_id, is_whitelisted) VALUES (583231, true)")
	own, err := s.flow.Finish(t.Context(), s.answer(t, "octocat", s.places.Home()))
	if err != nil {
		t.Fatal(err)
	}
	return passage{stage: s, own: own, nonce: afauth.NewToken()}
}

func (p passage) to() signin.Destination {
	hash := sha256.Sum256([]byte(p.nonce.Reveal()))
	return signin.Destination{Host: app, Path: "/inside?a=b", Nonce: hex.EncodeToString(hash[:])}
}

// entry issues a ticket and brings it back.
func (p passage) entry(t *testing.T) signin.Entry {
	t.Helper()
	link, err := p.flow.Issue(t.Context(), p.own.SessionID, p.to())
	if err != nil || !strings.HasPrefix(link, "https://"+app+"/.af-auth/enter?ticket=") {
		t.Fatalf("%q, %v", link, err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return signin.Entry{Ticket: u.Query().Get("ticket"), Host: app, Nonce: p.nonce.Reveal(), UserAgent: "browser"}
}

func TestTicketIsGoodOnce(t *testing.T) {
	t.Parallel()
	p := newPassage(t)
	entry := p.entry(t)
	entered, err := p.flow.Redeem(t.Context(), entry)
	if err != nil || entered.URL != "https://"+app+"/inside?a=b" || !entered.ExpiresAt.Equal(p.own.ExpiresAt) {
		t.Fatalf("%+v, %v", entered, err)
	}
	if n := p.count(t, "sessions WHERE host = 'app.example.test' AND parent_id IS NOT NULL"); n != 1 {
		t.Errorf("%d sessions on the application's host", n)
	}
	if _, err := p.flow.Redeem(t.Context(), entry); !errors.Is(err, afauth.ErrTicketInvalid) {
		t.Errorf("again: %v", err)
	}
}

func TestTicketIsGoodOnceAmongMany(t *testing.T) {
	t.Parallel()
	p := newPassage(t)
	entry := p.entry(t)
	var won atomic.Int32
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			switch _, err := p.flow.Redeem(t.Context(), entry); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, afauth.ErrTicketInvalid):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := p.count(t, "sessions WHERE host = 'app.example.test'"); won.Load() != 1 || n != 1 {
		t.Errorf("%d redeemed it, %d sessions", won.Load(), n)
	}
}

func TestTicketIsRefused(t *testing.T) {
	t.Parallel()
	other := afauth.NewToken().Reveal()
	for name, c := range map[string]struct {
		sql   string
		spoil func(*signin.Entry)
		// kept says that the ticket's owner may still use it.
		kept bool
	}{
		"another browser":     {"SELECT 1", func(e *signin.Entry) { e.Nonce = other }, false},
		"no nonce":            {"SELECT 1", func(e *signin.Entry) { e.Nonce = "" }, false},
		"the nonce's hash":    {"SELECT 1", func(e *signin.Entry) { e.Nonce = nonce }, false},
		"another host":        {"SELECT 1", func(e *signin.Entry) { e.Host = "wiki.example.test:8443" }, false},
		"our own host":        {"SELECT 1", func(e *signin.Entry) { e.Host = "auth.example.test" }, false},
		"another ticket":      {"SELECT 1", func(e *signin.Entry) { e.Ticket = other }, true},
		"no ticket":           {"SELECT 1", func(e *signin.Entry) { e.Ticket = "" }, true},
		"too late":            {"UPDATE tickets SET expires_at = now()", nil, false},
		"signed out":          {"DELETE FROM sessions", nil, false},
		"session over":        {"UPDATE sessions SET expires_at = now()", nil, false},
		"revoked":             {"UPDATE users SET is_whitelisted = false", nil, false},
		"permission over":     {"SET session_replication_role = replica; UPDATE users SET whitelist_until = now(); SET session_replication_role = origin", nil, false},
		"person gone":         {"DELETE FROM users", nil, false},
		"renamed application": {"UPDATE tickets SET host = 'new.example.test'", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPassage(t)
			right := p.entry(t)
			entry := right
			if c.spoil != nil {
				c.spoil(&entry)
			}
			p.exec(t, c.sql)
			if _, err := p.flow.Redeem(t.Context(), entry); !errors.Is(err, afauth.ErrTicketInvalid) {
				t.Errorf("%v", err)
			}
			if n := p.count(t, "sessions WHERE host <> 'auth.example.test'"); n != 0 {
				t.Errorf("%d sessions", n)
			}
			if _, err := p.flow.Redeem(t.Context(), right); (err == nil) != c.kept {
				t.Errorf("its owner: %v", err)
			}
		})
	}
}

func TestIssue(t *testing.T) {
	t.Parallel()
	p := newPassage(t)
	for name, n := range map[string]string{"none": "", "short": nonce[:10], "no hex": strings.Repeat("g", 64)} {
		to := p.to()
		to.Nonce = n
		if link, err := p.flow.Issue(t.Context(), p.own.SessionID, to); err != nil || link != "https://"+app+"/inside?a=b" {
			t.Errorf("nonce %s: %q, %v", name, link, err)
		}
	}
	if n := p.count(t, "tickets"); n != 0 {
		t.Errorf("%d tickets without a nonce", n)
	}
	if _, err := p.flow.Issue(t.Context(), afauth.ID{}, p.to()); !errors.Is(err, afauth.ErrNotWhitelisted) {
		t.Errorf("no session: %v", err)
	}
	p.exec(t, "UPDATE users SET is_whitelisted = false")
	if _, err := p.flow.Issue(t.Context(), p.own.SessionID, p.to()); !errors.Is(err, afauth.ErrNotWhitelisted) {
		t.Errorf("revoked: %v", err)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	p := newPassage(t)
	if _, err := p.flow.Redeem(t.Context(), p.entry(t)); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{app, "auth.example.test", "auth.example.test"} {
		if err := p.flow.End(t.Context(), p.own.Token, host, p.own.User.ID, "192.0.2.1"); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		want := 0
		if host == app {
			want = 2 // this token is none of that host's
		}
		if n := p.count(t, "sessions"); n != want {
			t.Errorf("after %s: %d sessions, want %d", host, n, want)
		}
	}
	if n := p.count(t, "events WHERE kind = 'session.ended' AND reason = 'signed out' AND address = '192.0.2.1' AND actor = 'user:' || user_id"); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestNotice(t *testing.T) {
	t.Parallel()
	p := newPassage(t)
	sealed, err := p.flow.SealNotice(p.own.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := p.flow.OpenNotice(sealed); !ok || id != p.own.User.ID {
		t.Errorf("%v, %v", id, ok)
	}
	started, err := p.flow.Start(p.places.Home(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", sealed[1:], started.Sealed} {
		if _, ok := p.flow.OpenNotice(bad); ok {
			t.Errorf("%.20q opens", bad)
		}
	}
}
