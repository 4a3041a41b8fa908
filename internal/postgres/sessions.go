package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Visit is a live session, its person, the database's time, and which run of the
// server said so: the moment it was started, in microseconds.
type Visit struct {
	Session afauth.Session
	User    afauth.User
	Now     time.Time
	Server  int64
}

// FindSession looks a session up by the hash of its token, on the one host it
// is good for. A session that is over, unused for longer than idle, or of
// another host is ErrNotSignedIn, like one that never was. What a standby says is
// CodeUnavailable: it may lag behind a revocation.
func (db *DB) FindSession(ctx context.Context, token afauth.TokenHash, host string, idle time.Duration) (Visit, error) {
	return db.FindSessionOn(ctx, 0, token, host, idle)
}

// FindSessionOn is FindSession by the word of one run of the server (see
// Visit.Server; 0: any): a row from another one is CodeUnavailable. A connection
// that leads to a server whose word does not count is closed, so that the next
// question looks for its way anew.
func (db *DB) FindSessionOn(ctx context.Context, server int64, token afauth.TokenHash, host string, idle time.Duration) (Visit, error) {
	const doing = "looking up the session"
	conn, err := patient{pool: db.pool, wait: db.wait}.acquire(ctx)
	if err != nil {
		return Visit{}, fault(err, doing)
	}
	done := giveBack
	defer func() { done(conn) }()
	row, err := query.New(conn).FindSession(ctx, query.FindSessionParams{TokenHash: token[:], Host: host, Idle: idle})
	if errors.Is(err, pgx.ErrNoRows) {
		return Visit{}, afauth.ErrNotSignedIn
	}
	if err != nil {
		return Visit{}, fault(err, doing)
	}
	if row.Standby || (server != 0 && row.Server.UnixMicro() != server) {
		done = discard
		return Visit{}, &afauth.Error{Code: afauth.CodeUnavailable,
			Message: doing + ": the connection leads to a standby, or to another server than the one whose changes are heard",
			Hint:    "DATABASE_URL and DIRECT_URL must lead to the primary; with several hosts, or a proxy before them, to the same one"}
	}
	return Visit{
		Session: afauth.Session{
			ID: row.ID, UserID: row.UserID, Host: row.Host, ParentID: row.ParentID,
			CreatedAt: row.CreatedAt, SeenAt: row.SeenAt, ExpiresAt: row.ExpiresAt,
		},
		User: afauth.User{
			ID: row.UserID, GitHubID: row.GithubUserID,
			Login: orEmpty(row.Login), Name: orEmpty(row.Name), Email: orEmpty(row.Email), AvatarURL: orEmpty(row.AvatarUrl),
			Whitelist:    afauth.Whitelist{IsWhitelisted: row.IsWhitelisted, Until: row.WhitelistUntil, DecidedAt: row.WhitelistDecidedAt, Apps: row.Apps},
			LastSignInAt: row.LastSignInAt, CreatedAt: row.UserCreatedAt, UpdatedAt: row.UserUpdatedAt,
		},
		Now: row.Now, Server: row.Server.UnixMicro(),
	}, nil
}

// TouchSessions notes that these sessions, and those they came from, were used
// just now.
func (db *DB) TouchSessions(ctx context.Context, ids []afauth.ID) error {
	return fault(db.queries.TouchSessions(ctx, ids), "noting the use of sessions")
}

// EndSession ends one session and those that came from it. It reports whether
// there was one.
func (db *DB) EndSession(ctx context.Context, actor Actor, token afauth.TokenHash, host string) (bool, error) {
	var n int64
	err := db.InTx(ctx, actor, func(q *query.Queries) (err error) {
		n, err = q.EndSession(ctx, query.EndSessionParams{TokenHash: token[:], Host: host})
		return err
	})
	return n > 0, fault(err, "ending the session")
}

// EndUserSessions ends all sessions of a person and returns how many rows went.
func (db *DB) EndUserSessions(ctx context.Context, actor Actor, user afauth.ID) (int, error) {
	var n int64
	err := db.InTx(ctx, actor, func(q *query.Queries) (err error) {
		n, err = q.EndUserSessions(ctx, user)
		return err
	})
	return int(n), fault(err, "ending the person's sessions")
}

// SessionFilter picks sessions of one person.
type SessionFilter struct {
	UserID afauth.ID
	// Idle leaves out those that were not used for so long: they are over.
	Idle time.Duration
	// After continues a list behind this session; nil begins it.
	After *Key
	// Limit is the number of rows at most; 0: all.
	Limit int
}

// Sessions lists a person's live sessions, newest first.
func (db *DB) Sessions(ctx context.Context, user afauth.ID, idle time.Duration) ([]afauth.Session, error) {
	return db.SessionPage(ctx, SessionFilter{UserID: user, Idle: idle})
}

// SessionPage lists some of a person's live sessions, newest first.
func (db *DB) SessionPage(ctx context.Context, f SessionFilter) ([]afauth.Session, error) {
	params := query.ListUserSessionsParams{UserID: f.UserID, Idle: f.Idle}
	if f.Limit > 0 {
		rows := int32(f.Limit) // #nosec G115 -- a page's size
		params.MaxRows = &rows
	}
	if f.After != nil {
		params.AfterCreatedAt, params.AfterID = &f.After.At, &f.After.ID
	}
	rows, err := db.queries.ListUserSessions(ctx, params)
	if err != nil {
		return nil, fault(err, "listing sessions")
	}
	out := make([]afauth.Session, 0, len(rows))
	for _, row := range rows {
		out = append(out, afauth.Session{
			ID: row.ID, UserID: row.UserID, Host: row.Host, ParentID: row.ParentID,
			CreatedAt: row.CreatedAt, SeenAt: row.SeenAt, ExpiresAt: row.ExpiresAt, UserAgent: orEmpty(row.UserAgent),
		})
	}
	return out, nil
}

// CountSessions counts a person's live sessions.
func (db *DB) CountSessions(ctx context.Context, user afauth.ID, idle time.Duration) (int, error) {
	n, err := db.queries.CountLiveSessions(ctx, query.CountLiveSessionsParams{UserID: user, Idle: idle})
	return int(n), fault(err, "counting sessions")
}

// forgotten is the age of deliveries that no server with a webhook has dropped:
// there is none any more.
const forgotten = 8 * 24 * time.Hour

// Sweep removes sessions and tickets that have expired, old confirmations, and
// deliveries that nobody wants any more. It changes nobody's access, and is safe
// to run on every server at once.
func (db *DB) Sweep(ctx context.Context) error {
	if _, err := db.queries.SweepTickets(ctx); err != nil {
		return fault(err, "sweeping tickets")
	}
	if _, err := db.queries.SweepSessions(ctx); err != nil {
		return fault(err, "sweeping sessions")
	}
	if err := db.queries.SweepConfirmations(ctx); err != nil {
		return fault(err, "sweeping confirmations")
	}
	_, err := db.DropDeliveries(ctx, forgotten)
	return err
}
