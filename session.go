package afauth

import (
	"time"
)

// Session is one browser on one host. The browser holds a Token; the database
// holds its hash only, so a copy of the database lets nobody in.
type Session struct {
	ID     ID
	UserID ID
	// Host is the only host this session is good for, in lower case and with a
	// port where the URL has one.
	Host string
	// ParentID is the session on af-auth's own host from which a ticket made
	// this one; nil for a session that came straight from a sign-in. When the
	// parent ends, its children end.
	ParentID  *ID
	CreatedAt time.Time
	// SeenAt is the last use, exact to about a minute.
	SeenAt time.Time
	// ExpiresAt is the last moment, whatever the use.
	ExpiresAt time.Time
	UserAgent string
}

// SessionLimits says how long sessions live.
type SessionLimits struct {
	// Idle ends a session that has not been used for so long.
	Idle time.Duration
	// Max ends every session this long after sign-in.
	Max time.Duration
}
