package afauth

import (
	"slices"
	"time"
)

// Access is what the whitelist says about one person at one moment.
type Access string

const (
	// Waiting: nobody has decided yet. A new person starts here.
	Waiting Access = "waiting"
	// Allowed: on the whitelist, and the permission has not run out.
	Allowed Access = "allowed"
	// Refused: somebody decided, and the answer is no.
	Refused Access = "refused"
	// Expired: the person was allowed until a moment that has passed.
	Expired Access = "expired"
)

// MayEnter reports whether the person may come in. Only Allowed may: a value
// that this version does not know means no.
func (a Access) MayEnter() bool { return a == Allowed }

// Whitelist is the part of a user that Decide reads.
type Whitelist struct {
	// IsWhitelisted is the master switch; false for every new person.
	IsWhitelisted bool
	// Until ends the permission at that moment; nil: it does not end.
	Until *time.Time
	// DecidedAt is when somebody last decided; nil: nobody has.
	DecidedAt *time.Time
	// Apps are the hosts of the applications that the permission is for; nil:
	// all of them, and of none where it is empty. af-auth's own pages are open
	// to everybody who may enter.
	Apps []string
}

// Opens reports whether the permission, where there is one, is for the
// application on this host.
func (w Whitelist) Opens(host string) bool { return w.Apps == nil || slices.Contains(w.Apps, host) }

// Decide is the rule of the whole product. The same rule stands in SQL as the
// function access_of, because queries that filter by it must not fetch every
// row first; a test compares the two over all cases. now is the database's
// time.
//
// A permission ends at the moment named: at Until itself the person is out.
func Decide(w Whitelist, now time.Time) Access {
	switch {
	case w.IsWhitelisted && (w.Until == nil || now.Before(*w.Until)):
		return Allowed
	case w.IsWhitelisted:
		return Expired
	case w.DecidedAt != nil:
		return Refused
	default:
		return Waiting
	}
}
