package signin

import (
	"context"
	"net/url"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Issue makes a ticket for a session of af-auth's own host and returns the
// address on the application's host that redeems it. The error is
// ErrNotWhitelisted where the person may not enter at this moment.
func (f *Flow) Issue(ctx context.Context, session afauth.ID, to Destination) (string, error) {
	nonce, err := parseNonce(to.Nonce)
	if err != nil {
		// The browser has no nonce on that host yet. Its gate gives it one.
		return f.Places.URL(to), nil
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	ticket := afauth.NewToken()
	err = f.DB.IssueTicket(ctx, postgres.Ticket{
		Hash: ticket.Hash(), SessionID: session, Host: to.Host, Nonce: nonce,
		ReturnTo: to.Path, MaxAge: TicketLife,
	})
	if err != nil {
		return "", err
	}
	enter := Destination{Host: to.Host, Path: "/.af-auth/enter?ticket=" + url.QueryEscape(ticket.Reveal())}
	return f.Places.URL(enter), nil
}

// Entry is a ticket as it came back on an application's host.
type Entry struct {
	Ticket, Host string
	// Nonce is the value of the browser's nonce cookie there.
	Nonce     string
	Previous  *afauth.Token
	UserAgent string
}

// Entered is the application host's own session.
type Entered struct {
	Token          afauth.Token
	ExpiresAt, Now time.Time
	// URL is the page that the person wanted.
	URL string
}

// Redeem turns a ticket into a session on its host, once. A ticket that is brought
// to another host, or without its nonce, ends as well.
func (f *Flow) Redeem(ctx context.Context, e Entry) (Entered, error) {
	ticket, ok := afauth.ParseToken(e.Ticket)
	if !ok {
		return Entered{}, afauth.ErrTicketInvalid
	}
	nonce, ok := afauth.ParseToken(e.Nonce)
	if !ok {
		// Nobody's nonce: the ticket was brought all the same, and ends.
		nonce = afauth.NewToken()
	}
	token := afauth.NewToken()
	r := postgres.Redemption{Ticket: ticket.Hash(), Host: e.Host, Nonce: nonce.Hash(), Session: token.Hash(), UserAgent: e.UserAgent}
	if e.Previous != nil {
		h := e.Previous.Hash()
		r.Previous = &h
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	done, err := f.DB.RedeemTicket(ctx, r)
	if err != nil {
		return Entered{}, err
	}
	return Entered{
		Token: token, ExpiresAt: done.ExpiresAt, Now: done.Now,
		URL: f.Places.URL(Destination{Host: e.Host, Path: LocalPath(done.ReturnTo)}),
	}, nil
}

// End ends the session of this token on this host, and those that came from
// it. Ending what has ended already is no error.
func (f *Flow) End(ctx context.Context, token afauth.Token, host string, user afauth.ID, address string) error {
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	actor := postgres.Actor{Name: "user:" + user.String(), Address: address, Reason: "signed out"}
	_, err := f.DB.EndSession(ctx, actor, token.Hash(), host)
	return err
}
