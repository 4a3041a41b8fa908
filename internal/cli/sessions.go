package cli

import (
	"context"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/postgres"
)

type sessionsCmd struct {
	userArg
	pageFlags
}

// Run lists a person's live sessions.
func (c *sessionsCmd) Run(ctx context.Context, e *Env) error {
	if err := c.check(); err != nil {
		return err
	}
	var after *access.Key
	if c.After != nil {
		key, err := postgres.ParseKey(*c.After)
		if err != nil {
			return noPlace(*c.After)
		}
		after = &key
	}
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := people.Find(ctx, c.User)
	if err != nil {
		return err
	}
	sessions := sessionList(ctx, e, people, p, after)
	if c.After != nil {
		sessions.empty = describe(p.User) + " has no other live session"
	}
	return sessions.print(e, c.pageFlags)
}

// sessionList is the list of one person's live sessions.
func sessionList(ctx context.Context, e *Env, people *access.People, p access.Person, after *access.Key) list[afauth.Session] {
	place := func(s afauth.Session) access.Key { return access.Key{At: s.CreatedAt, ID: s.ID} }
	return list[afauth.Session]{
		noun: "sessions",
		fetch: func(behind *afauth.Session, n int) ([]afauth.Session, error) {
			if behind != nil {
				key := place(*behind)
				after = &key
			}
			return people.SessionPage(ctx, p.ID, after, n)
		},
		cursor: func(s afauth.Session) string { return place(s).String() },
		json:   func(s afauth.Session) any { return sessionRowOf(s) },
		table: e.newTable(true, column{"HOST", 12}, column{"SINCE", 0}, column{"SEEN", 0}, column{"ENDS", 0},
			column{"BROWSER", 0}),
		cells: func(s afauth.Session) []string {
			return []string{printable(s.Host), brief(s.CreatedAt), brief(s.SeenAt), brief(s.ExpiresAt), dash(printable(s.UserAgent))}
		},
		empty: describe(p.User) + " has no live session",
	}
}

// sessionRow is a session in JSON.
type sessionRow struct {
	ID        afauth.ID  `json:"id"`
	Host      string     `json:"host"`
	ParentID  *afauth.ID `json:"parent_id"`
	CreatedAt time.Time  `json:"created_at"`
	SeenAt    time.Time  `json:"seen_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UserAgent string     `json:"user_agent"`
}

func sessionRowOf(s afauth.Session) sessionRow {
	return sessionRow{s.ID, s.Host, s.ParentID, s.CreatedAt.UTC(), s.SeenAt.UTC(), s.ExpiresAt.UTC(), s.UserAgent}
}
