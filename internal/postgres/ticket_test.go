package postgres_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// passage is a ticket with everything that redeems it.
type passage struct {
	ticket, nonce, session afauth.Token
}

// issue makes a ticket for a session.
func (w world) issue(session afauth.ID, lasts time.Duration) (passage, error) {
	w.t.Helper()
	p := passage{afauth.NewToken(), afauth.NewToken(), afauth.NewToken()}
	return p, w.db.IssueTicket(w.t.Context(), postgres.Ticket{
		Hash: p.ticket.Hash(), SessionID: session, Host: appHost, Nonce: p.nonce.Hash(), ReturnTo: "/page?a=b", MaxAge: lasts,
	})
}

func (w world) ticket(session afauth.ID, lasts time.Duration) passage {
	w.t.Helper()
	p, err := w.issue(session, lasts)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (p passage) redemption() postgres.Redemption {
	return postgres.Redemption{Ticket: p.ticket.Hash(), Host: appHost, Nonce: p.nonce.Hash(), Session: p.session.Hash(), UserAgent: "Mozilla/5.0"}
}

// enter opens a session on the application's host by a ticket.
func (w world) enter(parent afauth.ID) afauth.Token {
	w.t.Helper()
	p := w.ticket(parent, time.Minute)
	if _, err := w.db.RedeemTicket(w.t.Context(), p.redemption()); err != nil {
		w.t.Fatal(err)
	}
	return p.session
}

func TestTicket(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		own := w.signIn(octocat(afauth.NewToken()))
		p := w.ticket(*own.SessionID, time.Minute)
		got, err := w.db.RedeemTicket(t.Context(), p.redemption())
		if err != nil || got.UserID != own.User.ID || got.ReturnTo != "/page?a=b" || !got.ExpiresAt.Equal(*own.ExpiresAt) || got.Now.Before(own.Now) {
			t.Errorf("%+v, %v", got, err)
		}
		visit, err := w.db.FindSession(t.Context(), p.session.Hash(), appHost, idle)
		if err != nil || visit.Session.ID != got.SessionID || visit.Session.ParentID == nil || *visit.Session.ParentID != *own.SessionID {
			t.Errorf("%+v, %v", visit.Session, err)
		}
		if _, err := w.db.FindSession(t.Context(), p.session.Hash(), ownHost, idle); !errors.Is(err, afauth.ErrNotSignedIn) {
			t.Errorf("the application's session on our own host: %v", err)
		}
		if _, err := w.db.RedeemTicket(t.Context(), p.redemption()); !errors.Is(err, afauth.ErrTicketInvalid) {
			t.Errorf("a second time: %v", err)
		}
	})
}

// What makes a ticket worthless; and whether its owner can still use it.
func TestTicketRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		lasts  time.Duration
		sql    string
		change func(*postgres.Redemption)
		left   bool
	}{
		{"another ticket", time.Minute, "", func(r *postgres.Redemption) { r.Ticket = afauth.NewToken().Hash() }, true},
		{"another host", time.Minute, "", func(r *postgres.Redemption) { r.Host = "evil.example.com" }, false},
		{"our own host", time.Minute, "", func(r *postgres.Redemption) { r.Host = ownHost }, false},
		{"another nonce", time.Minute, "", func(r *postgres.Redemption) { r.Nonce = afauth.NewToken().Hash() }, false},
		{"no nonce", time.Minute, "", func(r *postgres.Redemption) { r.Nonce = afauth.TokenHash{} }, false},
		{"expired", 0, "", nil, false},
		{"the parent ended", time.Minute, "DELETE FROM sessions", nil, false},
		{"the parent expired", time.Minute, "UPDATE sessions SET expires_at = now()", nil, false},
		{"for other applications alone", time.Minute, "UPDATE users SET apps = '{other.example.com}'", nil, false},
		{"revoked", time.Minute, "UPDATE users SET is_whitelisted = false", nil, false},
		{"deleted", time.Minute, "DELETE FROM users", nil, false},
		{"the permission ran out", time.Minute, "ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET whitelist_until = now()", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, w world) {
				w.allow(583231)
				p := w.ticket(*w.signIn(octocat(afauth.NewToken())).SessionID, tt.lasts)
				w.run(tt.sql)
				r := p.redemption()
				if tt.change != nil {
					tt.change(&r)
				}
				if got, err := w.db.RedeemTicket(t.Context(), r); err != afauth.ErrTicketInvalid { //nolint:errorlint // nothing may be wrapped: who guesses learns nothing
					t.Errorf("%+v, %v", got, err)
				}
				if n := w.count("SELECT count(*) FROM sessions WHERE host <> $1", ownHost); n != 0 {
					t.Errorf("%d sessions on other hosts", n)
				}
				if _, err := w.db.RedeemTicket(t.Context(), p.redemption()); (err == nil) != tt.left {
					t.Errorf("its owner, later: %v", err)
				}
			})
		})
	}
}

// A ticket is made only for somebody who may enter at this moment.
func TestTicketNotIssued(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"waiting":         "UPDATE users SET is_whitelisted = false, whitelist_decided_at = NULL",
		"refused":         "UPDATE users SET is_whitelisted = false",
		"expired":         "UPDATE users SET whitelist_until = now()",
		"session expired": "UPDATE sessions SET expires_at = now()",
		"session ended":   "DELETE FROM sessions",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, w world) {
				w.allow(583231)
				session := *w.signIn(octocat(afauth.NewToken())).SessionID
				w.run("ALTER TABLE users DISABLE TRIGGER users_after_update; " + sql)
				if _, err := w.issue(session, time.Minute); !errors.Is(err, afauth.ErrNotWhitelisted) {
					t.Errorf("%v", err)
				}
				if n := w.count("SELECT count(*) FROM tickets"); n != 0 {
					t.Errorf("%d tickets", n)
				}
			})
		})
	}
}

// A link with a made-up ticket signs nobody out; a real one replaces what the
// browser had on that host, and nothing on another.
func TestTicketAndThePreviousSession(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		own := w.signIn(octocat(afauth.NewToken()))
		old := w.enter(*own.SessionID)
		hash := old.Hash()
		live := func() bool {
			_, err := w.db.FindSession(t.Context(), hash, appHost, idle)
			return err == nil
		}
		made := passage{afauth.NewToken(), afauth.NewToken(), afauth.NewToken()}.redemption()
		made.Previous = &hash
		if _, err := w.db.RedeemTicket(t.Context(), made); !errors.Is(err, afauth.ErrTicketInvalid) || !live() {
			t.Errorf("a made-up ticket: %v; the session lives: %t", err, live())
		}
		late := w.ticket(*own.SessionID, 0).redemption()
		late.Previous = &hash
		if _, err := w.db.RedeemTicket(t.Context(), late); !errors.Is(err, afauth.ErrTicketInvalid) || !live() {
			t.Errorf("an expired ticket: %v; the session lives: %t", err, live())
		}
		elsewhere := w.ticket(*own.SessionID, time.Minute)
		w.run("UPDATE tickets SET host = 'other.example.com'")
		r := elsewhere.redemption()
		r.Host, r.Previous = "other.example.com", &hash
		if _, err := w.db.RedeemTicket(t.Context(), r); err != nil || !live() {
			t.Errorf("on another host: %v; the session lives: %t", err, live())
		}
		good := w.ticket(*own.SessionID, time.Minute).redemption()
		good.Previous = &hash
		if _, err := w.db.RedeemTicket(t.Context(), good); err != nil || live() {
			t.Errorf("a good ticket: %v; the former session lives: %t", err, live())
		}
	})
}

// Fifty at once: one gets in.
func TestTicketRedeemedAtOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		p := w.ticket(*w.signIn(octocat(afauth.NewToken())).SessionID, time.Minute)
		const browsers = 50
		failures := make([]error, browsers)
		var all sync.WaitGroup
		for i := range browsers {
			all.Go(func() {
				r := p.redemption()
				r.Session = afauth.NewToken().Hash()
				_, failures[i] = w.db.RedeemTicket(t.Context(), r)
			})
		}
		all.Wait()
		in := 0
		for _, err := range failures {
			switch {
			case err == nil:
				in++
			case !errors.Is(err, afauth.ErrTicketInvalid):
				t.Error(err)
			}
		}
		if n := w.count("SELECT count(*) FROM sessions WHERE host = $1", appHost); in != 1 || n != 1 {
			t.Errorf("%d redeemed, %d sessions", in, n)
		}
	})
}
