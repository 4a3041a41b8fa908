package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/postgres"
)

type showCmd struct {
	userArg
	JSON bool `help:"Print JSON."`
}

// Run shows one person: who, access, sessions, last events.
func (c *showCmd) Run(ctx context.Context, e *Env) error {
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := people.Find(ctx, c.User)
	if err != nil {
		return err
	}
	sessions, err := people.Sessions(ctx, p.ID)
	if err != nil {
		return err
	}
	events, err := db.Events(ctx, postgres.EventFilter{UserID: &p.ID, Limit: 10})
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(struct {
			userRow
			Sessions []sessionRow `json:"sessions"`
			Events   []eventRow   `json:"events"`
		}{userRows([]access.Person{p})[0], sessionRows(sessions), eventRows(events)})
	}
	e.table(func(w io.Writer) {
		row := func(name, value string) { _, _ = fmt.Fprintf(w, "%s\t%s\n", name, value) }
		row("login", dash(printable(p.Login)))
		row("GitHub id", fmt.Sprint(p.GitHubID))
		row("id", p.ID.String())
		row("name", dash(printable(p.Name)))
		row("e-mail", dash(printable(p.Email)))
		row("access", string(p.Access()))
		row("until", moment(p.Until))
		row("decided", moment(p.DecidedAt))
		row("last sign-in", moment(p.LastSignInAt))
		row("known since", stamp(p.CreatedAt))
	})
	e.say("\n%s", count(len(sessions), "live session"))
	if len(sessions) > 0 {
		e.printSessions(sessions)
	}
	e.say("\nlast events")
	e.printEvents(events)
	return nil
}

type sessionsCmd struct {
	userArg
	JSON bool `help:"Print JSON."`
}

// Run lists a person's live sessions.
func (c *sessionsCmd) Run(ctx context.Context, e *Env) error {
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := people.Find(ctx, c.User)
	if err != nil {
		return err
	}
	sessions, err := people.Sessions(ctx, p.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(sessionRows(sessions))
	}
	if len(sessions) == 0 {
		e.say("%s has no live session", describe(p.User))
		return nil
	}
	e.printSessions(sessions)
	return nil
}

type sessionRow struct {
	ID        afauth.ID  `json:"id"`
	Host      string     `json:"host"`
	ParentID  *afauth.ID `json:"parent_id"`
	CreatedAt time.Time  `json:"created_at"`
	SeenAt    time.Time  `json:"seen_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UserAgent string     `json:"user_agent"`
}

func sessionRows(list []afauth.Session) []sessionRow {
	out := make([]sessionRow, 0, len(list))
	for _, s := range list {
		out = append(out, sessionRow{s.ID, s.Host, s.ParentID, s.CreatedAt.UTC(), s.SeenAt.UTC(), s.ExpiresAt.UTC(), s.UserAgent})
	}
	return out
}

func (e *Env) printSessions(list []afauth.Session) {
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "HOST\tSINCE\tSEEN\tENDS\tBROWSER")
		for _, s := range list {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Host, stamp(s.CreatedAt), stamp(s.SeenAt), stamp(s.ExpiresAt), dash(clipped(printable(s.UserAgent), 60)))
		}
	})
}

type eventsCmd struct {
	Since *string `help:"Only what happened since: 24h, 7d, a date or a moment." placeholder:"AGE|DATE"`
	User  string  `help:"Only what concerns this person." placeholder:"USER"`
	Limit int     `help:"How many at most." default:"50"`
	JSON  bool    `help:"Print JSON, one event a line."`
}

// Run lists events.
func (c *eventsCmd) Run(ctx context.Context, e *Env) error {
	if c.Limit < 1 || c.Limit > 100_000 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "--limit is from 1 to 100000"}
	}
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	filter := postgres.EventFilter{Limit: c.Limit}
	if filter.Since, err = parseSince(c.Since, db.Now()); err != nil {
		return err
	}
	if c.User != "" {
		p, err := people.Find(ctx, c.User)
		if err != nil {
			return err
		}
		filter.UserID = &p.ID
	}
	events, err := db.Events(ctx, filter)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.Stdout)
		enc.SetEscapeHTML(false)
		for _, row := range eventRows(events) {
			if err := enc.Encode(row); err != nil {
				return err
			}
		}
		return nil
	}
	if len(events) == 0 {
		e.say("nothing happened")
		return nil
	}
	e.printEvents(events)
	return nil
}

type eventRow struct {
	ID      int64            `json:"id"`
	At      time.Time        `json:"at"`
	Kind    afauth.EventKind `json:"kind"`
	UserID  *afauth.ID       `json:"user_id"`
	Actor   string           `json:"actor"`
	Role    string           `json:"role"`
	From    string           `json:"from"`
	Reason  string           `json:"reason"`
	Details json.RawMessage  `json:"details"`
}

func eventRows(list []afauth.Event) []eventRow {
	out := make([]eventRow, 0, len(list))
	for _, v := range list {
		out = append(out, eventRow{v.ID, v.At.UTC(), v.Kind, v.UserID, v.Actor, v.Role, v.From, v.Reason, v.Details})
	}
	return out
}

func (e *Env) printEvents(list []afauth.Event) {
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "WHEN\tWHAT\tWHOM\tBY\tFROM\tWHY AND WHAT ELSE")
		for _, v := range list {
			whom := "-"
			if v.UserID != nil {
				whom = v.UserID.String()
			}
			by := v.Actor
			if by == "" {
				by = "sql:" + v.Role
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", stamp(v.At), v.Kind, whom, printable(by), dash(printable(v.From)), dash(more(v)))
		}
	})
}

// more is the reason, and the details as name=value.
func more(v afauth.Event) string {
	var parts []string
	if v.Reason != "" {
		parts = append(parts, printable(v.Reason))
	}
	var details map[string]any
	numbers := json.NewDecoder(bytes.NewReader(v.Details))
	numbers.UseNumber() // an id is not to become 1.01e+09
	if numbers.Decode(&details) == nil {
		var names []string
		for name, value := range details {
			if value != nil {
				names = append(names, printable(fmt.Sprintf("%s=%v", name, value)))
			}
		}
		sort.Strings(names)
		parts = append(parts, names...)
	}
	return strings.Join(parts, " ")
}

func clipped(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
