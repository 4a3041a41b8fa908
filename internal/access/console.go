package access

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Beside is what is told of a person beside their row.
type Beside = postgres.Beside

// Describe tells of a page of people what their rows do not hold.
func (p *People) Describe(ctx context.Context, ids []afauth.ID) (map[afauth.ID]Beside, error) {
	return p.db.Describe(ctx, ids, p.limits.Idle)
}

// Names returns what people are called, those who were deleted too.
func (p *People) Names(ctx context.Context, ids []afauth.ID) (map[afauth.ID]afauth.User, error) {
	return p.db.Names(ctx, ids)
}

// Record lists what happened to a person, newest first, below an event's id;
// 0 begins it.
func (p *People) Record(ctx context.Context, id afauth.ID, before int64, limit int) ([]afauth.Event, error) {
	return p.db.Events(ctx, postgres.EventFilter{UserIDs: []afauth.ID{id}, Before: before, Limit: limit})
}

// WaitingSince counts people who have come since a place in the list and wait,
// up to most.
func (p *People) WaitingSince(ctx context.Context, since Key, most int) (int, error) {
	return p.db.WaitingSince(ctx, since, most)
}

// EndSession ends one session of a person, and those that came from it. It
// reports whether there was one.
func (p *People) EndSession(ctx context.Context, actor Actor, user, session afauth.ID) (bool, error) {
	if err := checkReason(actor); err != nil {
		return false, err
	}
	return p.db.EndSessionOf(ctx, actor, user, session)
}

// MostMessage is how many characters somebody who waits may write.
const MostMessage = 280

// Message puts a text into the form in which it is kept: one kind of line end,
// no space around it, nothing that a page cannot show.
func Message(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(text, "\uFFFD"))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text))
}

// Write keeps what a waiting person has to say, as Message wrote it; an empty
// message takes it back. ErrNotWhitelisted: somebody has decided meanwhile, and
// nothing was kept.
func (p *People) Write(ctx context.Context, user afauth.ID, message string) error {
	if n := utf8.RuneCountInString(message); n > MostMessage {
		return invalid("the message is too long", "write less")
	}
	waits, err := p.db.WriteRequest(ctx, user, message)
	if err == nil && !waits {
		return afauth.ErrNotWhitelisted
	}
	return err
}

// ParseKey reads a place in a list as an address carries it.
func ParseKey(s string) (Key, error) { return postgres.ParseKey(s) }
