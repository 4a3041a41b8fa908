package afauth

import (
	"encoding/json"
	"strings"
	"time"
)

// EventKind names what happened. The kinds beginning with "access." and the
// one that ends sessions are written by the database's triggers, whoever made
// the change.
type EventKind string

const (
	EventSignedIn       EventKind = "sign_in.succeeded"
	EventSignInRefused  EventKind = "sign_in.refused"
	EventAccessAllowed  EventKind = "access.allowed"
	EventAccessChanged  EventKind = "access.changed"
	EventAccessRevoked  EventKind = "access.revoked"
	EventAccessRefused  EventKind = "access.refused"
	EventSessionEnded   EventKind = "session.ended"
	EventUserDeleted    EventKind = "user.deleted"
	EventTableTruncated EventKind = "table.truncated"
	EventTableChanged   EventKind = "table.changed"
)

// Event is one line of the record of who changed what. Events hold ids, not
// names, so that forgetting a person needs no change of them.
type Event struct {
	ID   int64
	At   time.Time
	Kind EventKind
	// UserID is whom it is about; nil for a whole table.
	UserID *ID
	// Actor is who says they did it: "cli:NAME", "user:UUID", or empty for a
	// change made by plain SQL.
	Actor string
	// Role is the database role that really did it (session_user).
	Role string
	// From is the address of the browser, where there was one.
	From string
	// Reason is what the person who decided wrote down.
	Reason  string
	Details json.RawMessage
}

// ActorID is the person who did it, where it was one of the people: their
// actors read "user:UUID".
func (e Event) ActorID() (ID, bool) {
	text, ok := strings.CutPrefix(e.Actor, "user:")
	if !ok {
		return ID{}, false
	}
	id, err := ParseID(text)
	return id, err == nil
}
