package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// What one person can store is bounded: whoever signs in in a loop, or asks for
// tickets and never uses them, must not fill the database for all. The numbers
// are far above what people do, so that nobody meets them by accident; where
// they are met, the oldest goes and the newest works.
const (
	// mostSessions is how many sign-ins of one person last at the same time.
	mostSessions = 50
	// mostTickets is how many tickets of one session are good at the same time:
	// one for each tab that is on its way to an application.
	mostTickets = 10
	// mostChildren is how many sessions on one application's host come from one
	// sign-in.
	mostChildren = 10
)

// SignIn is what one finished sign-in writes.
type SignIn struct {
	// GitHubID, Login, Name, Email and AvatarURL are what GitHub says.
	GitHubID                      int64
	Login, Name, Email, AvatarURL string
	// Session is the hash of the new session's token, for Host, at most MaxAge.
	Session afauth.TokenHash
	Host    string
	MaxAge  time.Duration
	// Previous is the session that this browser had before; nil if none. It
	// ends, so that a session fixed before sign-in is worth nothing after it.
	Previous           *afauth.TokenHash
	UserAgent, Address string
}

// SignedIn is what became of it.
type SignedIn struct {
	User   afauth.User
	Access afauth.Access
	// Now is the database's time.
	Now time.Time
	// SessionID and ExpiresAt are nil where the answer was no: then there is no
	// session.
	SessionID *afauth.ID
	ExpiresAt *time.Time
}

// SignIn writes person, session and event in one statement, one round trip.
func (db *DB) SignIn(ctx context.Context, in SignIn) (SignedIn, error) {
	login, name, email, avatar := clean(in.Login, 100), orNull(in.Name, 500), orNull(in.Email, 500), orNull(in.AvatarURL, 500)
	now, err := db.queries.SignIn(ctx, query.SignInParams{
		GithubUserID: in.GitHubID,
		Login:        login,
		Name:         name,
		Email:        email,
		AvatarUrl:    avatar,
		PreviousHash: hashOrNull(in.Previous),
		TokenHash:    in.Session[:],
		Host:         in.Host,
		MaxAge:       in.MaxAge,
		UserAgent:    orNull(in.UserAgent, 300),
		Address:      orNull(in.Address, 100),
		MostSessions: mostSessions,
	})
	if err != nil {
		return SignedIn{}, fault(err, "writing the sign-in")
	}
	return SignedIn{
		User: afauth.User{
			ID: now.ID, GitHubID: in.GitHubID,
			Login: login, Name: orEmpty(name), Email: orEmpty(email), AvatarURL: orEmpty(avatar),
			Whitelist:    afauth.Whitelist{IsWhitelisted: now.IsWhitelisted, Until: now.WhitelistUntil, DecidedAt: now.WhitelistDecidedAt, Apps: now.Apps},
			LastSignInAt: &now.Now, CreatedAt: now.CreatedAt, UpdatedAt: now.UpdatedAt,
		},
		Access:    afauth.Access(now.Access),
		Now:       now.Now,
		SessionID: now.SessionID,
		ExpiresAt: now.SessionExpiresAt,
	}, nil
}

// Ticket is a passage to an application's host.
type Ticket struct {
	Hash afauth.TokenHash
	// SessionID is the session on af-auth's own host that it extends.
	SessionID afauth.ID
	Host      string
	// Nonce is the hash that the browser's nonce cookie must have.
	Nonce afauth.TokenHash
	// ReturnTo is a path on Host.
	ReturnTo string
	MaxAge   time.Duration
}

// IssueTicket stores a ticket, if its session is live and its person allowed
// at this moment; otherwise ErrNotWhitelisted.
func (db *DB) IssueTicket(ctx context.Context, t Ticket) error {
	n, err := db.queries.IssueTicket(ctx, query.IssueTicketParams{
		TokenHash: t.Hash[:], SessionID: t.SessionID, Host: t.Host,
		NonceHash: t.Nonce[:], ReturnTo: clean(t.ReturnTo, 4096), MaxAge: t.MaxAge, MostTickets: mostTickets,
	})
	if isForeignKey(err) || err == nil && n == 0 {
		return afauth.ErrNotWhitelisted
	}
	return fault(err, "issuing a ticket")
}

// Redemption is a ticket brought back, and the session it is to become.
type Redemption struct {
	Ticket    afauth.TokenHash
	Host      string
	Nonce     afauth.TokenHash
	Session   afauth.TokenHash
	Previous  *afauth.TokenHash
	UserAgent string
}

// Redeemed is the session on the application's host.
type Redeemed struct {
	SessionID, UserID afauth.ID
	ExpiresAt, Now    time.Time
	ReturnTo          string
}

// RedeemTicket turns a ticket into a session, once: whatever becomes of it, the
// ticket is gone. ErrTicketInvalid covers every refusal: who guesses learns
// nothing from the difference.
func (db *DB) RedeemTicket(ctx context.Context, r Redemption) (Redeemed, error) {
	row, err := db.queries.RedeemTicket(ctx, query.RedeemTicketParams{
		TicketHash: r.Ticket[:], Host: r.Host, NonceHash: r.Nonce[:],
		PreviousHash: hashOrNull(r.Previous), TokenHash: r.Session[:],
		UserAgent: orNull(r.UserAgent, 300), MostChildren: mostChildren,
	})
	if errors.Is(err, pgx.ErrNoRows) || isForeignKey(err) {
		return Redeemed{}, afauth.ErrTicketInvalid
	}
	if err != nil {
		return Redeemed{}, fault(err, "redeeming a ticket")
	}
	return Redeemed(row), nil
}

func hashOrNull(h *afauth.TokenHash) []byte {
	if h == nil {
		return nil
	}
	return h[:]
}

func isForeignKey(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == stateForeignKey
}
