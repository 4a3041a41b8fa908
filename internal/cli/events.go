package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

type eventsCmd struct {
	Since *string `help:"Only what happened since: 24h, 7d, a date or a moment." placeholder:"AGE|DATE"`
	User  *string `help:"Only what concerns this person, who may have been deleted: a login, '#github-id' or our UUID." placeholder:"USER"`
	pageFlags
}

// Help is shown by --help.
func (eventsCmd) Help() string {
	return `WHOM and BY are logins as they are now; '#github-id' or our UUID where no login
is known any more; cli:NAME for a command, sql:ROLE for a change by plain SQL.
A terminal shows long reasons cut; --json, a file and a pipe have all of them.`
}

// Run lists events.
func (c *eventsCmd) Run(ctx context.Context, e *Env) error {
	if err := c.check(); err != nil {
		return err
	}
	var filter postgres.EventFilter
	if c.After != nil {
		id, err := strconv.ParseInt(*c.After, 10, 64)
		if err != nil || id <= 0 {
			return noPlace(*c.After)
		}
		filter.Before = id
	}
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if filter.Since, err = parseSince(c.Since, db.Now()); err != nil {
		return err
	}
	if c.User != nil {
		if filter.UserIDs, err = people.Recorded(ctx, *c.User); err != nil {
			return err
		}
	}
	return eventList(ctx, e, db, filter, true).print(e, c.pageFlags)
}

// namedEvent is an event and what the people in it are called.
type namedEvent struct {
	afauth.Event
	names map[afauth.ID]afauth.User
}

// eventList is a list of events; whom says whether it shows the person.
func eventList(ctx context.Context, e *Env, db *postgres.DB, filter postgres.EventFilter, whom bool) list[namedEvent] {
	l := list[namedEvent]{
		noun: "events",
		fetch: func(behind *namedEvent, n int) ([]namedEvent, error) {
			if behind != nil {
				filter.Before = behind.ID
			}
			filter.Limit = n
			events, err := db.Events(ctx, filter)
			if err != nil {
				return nil, err
			}
			return named(ctx, db, events)
		},
		cursor: func(v namedEvent) string { return strconv.FormatInt(v.ID, 10) },
		json:   func(v namedEvent) any { return eventRowOf(v) },
		empty:  "nothing happened",
	}
	if filter.Before != 0 {
		l.empty = "nothing else happened"
	}
	columns := []column{{"WHEN", 0}, {"WHAT", 0}, {"WHOM", 8}, {"BY", 8}, {"WHY AND WHAT ELSE", 0}}
	l.cells = func(v namedEvent) []string {
		return []string{stamp(v.At), printable(string(v.Kind)), v.whom(), v.by(), dash(more(v.Event))}
	}
	if !whom {
		columns = append(columns[:2:2], columns[3:]...)
		l.cells = func(v namedEvent) []string {
			return []string{stamp(v.At), printable(string(v.Kind)), v.by(), dash(more(v.Event))}
		}
	}
	l.table = e.newTable(true, columns...)
	return l
}

// named looks up what the people in events are called.
func named(ctx context.Context, db *postgres.DB, events []afauth.Event) ([]namedEvent, error) {
	seen := map[afauth.ID]bool{}
	var ids []afauth.ID
	note := func(id afauth.ID) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, v := range events {
		if v.UserID != nil {
			note(*v.UserID)
		}
		if id, ok := v.ActorID(); ok {
			note(id)
		}
	}
	var names map[afauth.ID]afauth.User
	if len(ids) > 0 {
		var err error
		if names, err = db.Names(ctx, ids); err != nil {
			return nil, err
		}
	}
	out := make([]namedEvent, 0, len(events))
	for _, v := range events {
		out = append(out, namedEvent{v, names})
	}
	return out, nil
}

// whom is the person that an event is about: login, else #github-id, else UUID.
func (v namedEvent) whom() string {
	if v.UserID == nil {
		return "-"
	}
	if user, ok := v.names[*v.UserID]; ok {
		return printable(user.Handle())
	}
	return v.UserID.String()
}

// by is who did it.
func (v namedEvent) by() string {
	if id, ok := v.ActorID(); ok {
		if user, ok := v.names[id]; ok {
			return printable(user.Handle())
		}
	}
	if v.Actor == "" {
		return "sql:" + printable(v.Role)
	}
	return printable(v.Actor)
}

// eventRow is an event in JSON. Logins are those of now; null where none is
// known.
type eventRow struct {
	ID         int64            `json:"id"`
	At         time.Time        `json:"at"`
	Kind       afauth.EventKind `json:"kind"`
	UserID     *afauth.ID       `json:"user_id"`
	GitHubID   *int64           `json:"github_user_id"`
	Login      *string          `json:"login"`
	Actor      string           `json:"actor"`
	ActorLogin *string          `json:"actor_login"`
	Role       string           `json:"role"`
	From       string           `json:"from"`
	Reason     string           `json:"reason"`
	Details    json.RawMessage  `json:"details"`
}

func eventRowOf(v namedEvent) eventRow {
	row := eventRow{
		ID: v.ID, At: v.At.UTC(), Kind: v.Kind, UserID: v.UserID,
		Actor: v.Actor, Role: v.Role, From: v.From, Reason: v.Reason, Details: v.Details,
	}
	if v.UserID != nil {
		if user, ok := v.names[*v.UserID]; ok {
			row.GitHubID, row.Login = &user.GitHubID, orNull(user.Login)
		}
	}
	if id, ok := v.ActorID(); ok {
		row.ActorLogin = orNull(v.names[id].Login)
	}
	return row
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// unbounded is what null means of a permission that had a bound before.
var unbounded = map[string]any{"apps": "all", "until": "none"}

// more is the reason, the browser's address, and the details as name=value.
func more(v afauth.Event) string {
	var facts []string
	if v.From != "" {
		facts = append(facts, "from="+printable(v.From))
	}
	var details map[string]any
	numbers := json.NewDecoder(bytes.NewReader(v.Details))
	numbers.UseNumber() // an id is not to become 1.01e+09
	if numbers.Decode(&details) == nil {
		var pairs []string
		for name, value := range details {
			if value == nil && details["is"] == string(afauth.Allowed) && details[name+"_was"] != nil {
				value = unbounded[name]
			}
			if value != nil {
				pairs = append(pairs, printable(fmt.Sprintf("%s=%v", name, value)))
			}
		}
		sort.Strings(pairs)
		facts = append(facts, pairs...)
	}
	var parts []string
	if v.Reason != "" {
		parts = append(parts, printable(v.Reason))
	}
	if len(facts) > 0 {
		parts = append(parts, strings.Join(facts, " "))
	}
	return strings.Join(parts, "; ")
}
