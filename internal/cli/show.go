package cli

import (
	"context"
	"strconv"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/postgres"
)

// shownRows is how much of each list is part of `show`.
const shownRows = 10

type showCmd struct {
	userArg
	JSON bool `help:"Print JSON."`
}

// Help is shown by --help.
func (showCmd) Help() string {
	return `Who it is, what the whitelist says, and the newest ten sessions and events; where
there are more, the command that lists them. --json has their cursors, for
--after, in "sessions_next" and "events_next".`
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
	live, err := people.CountSessions(ctx, p.ID)
	if err != nil {
		return err
	}
	sessions := sessionList(ctx, e, people, p, nil)
	events := eventList(ctx, e, db, postgres.EventFilter{UserIDs: []afauth.ID{p.ID}}, false)
	if c.JSON {
		return showJSON(e, p, sessions, events)
	}
	e.printPerson(p)
	e.say("\n%s", count(live, "live session"))
	if err := sessions.printSome(e, "sessions", p.ID.String()); err != nil {
		return err
	}
	e.say("\nlast events")
	return events.printSome(e, "events", "--user", p.ID.String())
}

func (e *Env) printPerson(p access.Person) {
	t := e.newTable(true, make([]column, 2)...)
	t.add("login", dash(printable(p.Login)))
	t.add("GitHub id", strconv.FormatInt(p.GitHubID, 10))
	t.add("id", p.ID.String())
	t.add("name", dash(printable(p.Name)))
	t.add("e-mail", dash(printable(p.Email)))
	t.add("access", string(p.Access()))
	t.add("applications", appsCell(p.Whitelist, p.Access()))
	t.add("until", moment(p.Until))
	t.add("decided", moment(p.DecidedAt))
	t.add("last sign-in", moment(p.LastSignInAt))
	t.add("known since", stamp(p.CreatedAt))
	t.flush()
}

// printSome prints the beginning of a list, and the command for all of it.
func (l list[T]) printSome(e *Env, command ...string) error {
	rows, more, err := l.some()
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, row := range rows {
		l.table.add(l.cells(row)...)
	}
	l.table.flush()
	if more {
		e.say("there are more; all of them: %s", e.command(append(command, "--all")...))
	}
	return nil
}

// some is the beginning of a list, and whether it goes on.
func (l list[T]) some() (rows []T, more bool, err error) {
	rows, err = l.fetch(nil, shownRows+1)
	if err != nil || len(rows) <= shownRows {
		return rows, false, err
	}
	return rows[:shownRows], true, nil
}

// someJSON is the same for programs: the rows, and the cursor of the next page.
func (l list[T]) someJSON() (rows []any, next *string, err error) {
	some, more, err := l.some()
	if err != nil {
		return nil, nil, err
	}
	rows = make([]any, 0, len(some)) // [] and not null where there is none
	for _, row := range some {
		rows = append(rows, l.json(row))
	}
	if more {
		cursor := l.cursor(some[len(some)-1])
		next = &cursor
	}
	return rows, next, nil
}

func showJSON(e *Env, p access.Person, sessions list[afauth.Session], events list[namedEvent]) error {
	out := struct {
		userRow
		Sessions     []any   `json:"sessions"`
		SessionsNext *string `json:"sessions_next"`
		Events       []any   `json:"events"`
		EventsNext   *string `json:"events_next"`
	}{userRow: userRowOf(p)}
	var err error
	if out.Sessions, out.SessionsNext, err = sessions.someJSON(); err != nil {
		return err
	}
	if out.Events, out.EventsNext, err = events.someJSON(); err != nil {
		return err
	}
	return e.printJSON(out)
}
