// Package access is the whitelist: who is allowed, who waits, who was refused,
// and the commands that decide it.
//
// A name as people write it comes in — a login, #github-id, or our UUID — and
// becomes one person or an error that says why not. Decisions are written by
// package postgres together with their record. This package knows no HTTP, and
// keeps nothing in memory.
package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Person is a user and the database's time of reading.
type Person = postgres.Person

// Change is a decision carried out.
type Change struct {
	postgres.Change
	// Warning is what whoever decided should know, in one line; empty: nothing.
	Warning string
}

// Lowers reports whether somebody who was allowed has lost time or an
// application by it. Servers that remember them have to hear of that.
func (c Change) Lowers() bool {
	if c.Already || c.Before == nil || c.Before.Access() != afauth.Allowed {
		return false
	}
	was, is := c.Before.Whitelist, c.After.Whitelist
	switch {
	case is.Until != nil && (was.Until == nil || is.Until.Before(*was.Until)):
		return true
	case is.Apps == nil:
		return false
	case was.Apps == nil:
		return true
	}
	return slices.ContainsFunc(was.Apps, func(host string) bool { return !slices.Contains(is.Apps, host) })
}

// Narrows reports whether a grant, which says all and adds to nothing, would take
// time or an application from somebody.
func Narrows(p Person, g Grant) bool {
	after := Person{User: afauth.User{Whitelist: afauth.Whitelist{IsWhitelisted: true, Until: g.Until, Apps: g.Apps}}}
	return Change{Change: postgres.Change{Before: &p, After: after}}.Lowers()
}

// Filter picks people from a list; Key is a place in it, and in one of sessions.
// Grant is what somebody is allowed; Totals say how many people there are.
type (
	Filter = postgres.UserFilter
	Key    = postgres.Key
	Grant  = postgres.Grant
	Totals = postgres.Totals
	Total  = postgres.Total
)

// Actor says who decides, from where and why.
type Actor = postgres.Actor

// People is the whitelist. It is safe for concurrent use.
type People struct {
	db     *postgres.DB
	github *github.Client
	limits afauth.SessionLimits
}

// New makes a People. client may be nil: then only people who have signed in,
// and GitHub ids, can be named.
func New(db *postgres.DB, client *github.Client, limits afauth.SessionLimits) *People {
	return &People{db: db, github: client, limits: limits}
}

// Find returns the one person that ref names.
func (p *People) Find(ctx context.Context, ref string) (Person, error) {
	r, err := parseRef(ref)
	if err != nil {
		return Person{}, err
	}
	var person Person
	switch {
	case !r.id.IsZero():
		person, err = p.db.User(ctx, r.id)
	case r.githubID != 0:
		person, err = p.db.UserByGitHubID(ctx, r.githubID)
	default:
		return p.byLogin(ctx, r.login)
	}
	if errors.Is(err, afauth.ErrNotFound) {
		return Person{}, r.notFound()
	}
	return person, err
}

// Get returns a person by our id.
func (p *People) Get(ctx context.Context, id afauth.ID) (Person, error) { return p.db.User(ctx, id) }

// byLogin finds the person whose last known login this is. GitHub lets
// strangers take a login that was given up, so a login known under two ids
// names nobody.
func (p *People) byLogin(ctx context.Context, login string) (Person, error) {
	found, err := p.db.UsersByLogin(ctx, login)
	if err != nil {
		return Person{}, err
	}
	switch len(found) {
	case 0:
		return Person{}, reference{login: login}.notFound()
	case 1:
		return found[0], nil
	}
	var ids []string
	for _, f := range found {
		ids = append(ids, fmt.Sprintf("#%d (%s, %s)", f.GitHubID, f.Access(), lastSignIn(f.LastSignInAt)))
	}
	return Person{}, &afauth.Error{
		Code:    afauth.CodeAmbiguous,
		Message: fmt.Sprintf("the login %q is known under %d GitHub ids: %s", login, len(found), strings.Join(ids, ", ")),
		Hint:    fmt.Sprintf("logins change hands: name the id that you mean, for instance '#%d'", found[0].GitHubID),
	}
}

// Revoke takes a person off the whitelist and ends all sessions. It never asks
// GitHub: whoever has to be put out now cannot wait for another house.
func (p *People) Revoke(ctx context.Context, actor Actor, ref string) (Change, error) {
	if err := checkReason(actor); err != nil {
		return Change{}, err
	}
	person, err := p.Find(ctx, ref)
	if err != nil {
		return Change{}, err
	}
	change, err := p.db.Revoke(ctx, actor, person.ID, p.limits.Idle)
	return Change{Change: change}, err
}

// RevokeApps takes the applications on some hosts away from a person, all in one
// transaction, and ends the sessions there. all are the hosts of all
// applications: what remains, without these, of a permission for all. The last
// one taken away leaves somebody who is allowed, and to nothing.
func (p *People) RevokeApps(ctx context.Context, actor Actor, ref string, hosts, all []string) (Change, error) {
	if err := checkReason(actor); err != nil {
		return Change{}, err
	}
	if len(hosts) == 0 || slices.Contains(hosts, "") {
		return Change{}, invalid("no application is named: its host is empty", "name its host, as in app.example.com")
	}
	person, err := p.Find(ctx, ref)
	if err != nil {
		return Change{}, err
	}
	if person.Access() == afauth.Allowed && person.Apps == nil {
		if err := openToAll(person, ref, hosts, all); err != nil {
			return Change{}, err
		}
	}
	change, err := p.db.RevokeApps(ctx, actor, person.ID, hosts, all, p.limits.Idle)
	return Change{Change: change}, err
}

// openToAll refuses to take what is no application from somebody who may open
// all: a mistyped host would take nothing away, and yet end what is for all, also
// for those to come.
func openToAll(person Person, ref string, hosts, all []string) error {
	only := "say which remain: af-auth allow " + quoted(ref) + " --only --app HOST"
	if len(all) == 0 {
		return &afauth.Error{Code: afauth.CodeInvalid,
			Message: fmt.Sprintf("%s may open all applications, and no setting says which these are", person.Handle()),
			Hint:    "name all in AF_AUTH_HOSTS, or " + only}
	}
	for _, host := range hosts {
		if !slices.Contains(all, host) {
			return &afauth.Error{Code: afauth.CodeInvalid,
				Message: fmt.Sprintf("%s may open all applications, and %s is none of them; nothing was changed", person.Handle(), host),
				Hint:    "there are " + strings.Join(all, ", ") + ": name one of these, or " + only}
		}
	}
	return nil
}

// Traces is what is kept of a person.
func (p *People) Traces(ctx context.Context, id afauth.ID) (postgres.Traces, error) {
	return p.db.Traces(ctx, id)
}

// Forget erases a person, whatever the whitelist says. Events hold our id and
// GitHub's and stay. Who comes again is a new person, and waits: also somebody
// who was refused.
func (p *People) Forget(ctx context.Context, actor Actor, id afauth.ID) error {
	if err := checkReason(actor); err != nil {
		return err
	}
	return p.db.Forget(ctx, actor, id)
}

// Totals says how many people there are, and how many wait.
func (p *People) Totals(ctx context.Context) (Totals, error) { return p.db.Totals(ctx) }

// SignOut ends all sessions of a person, who may sign in again.
func (p *People) SignOut(ctx context.Context, actor Actor, ref string) (Person, int, error) {
	if err := checkReason(actor); err != nil {
		return Person{}, 0, err
	}
	person, err := p.Find(ctx, ref)
	if err != nil {
		return Person{}, 0, err
	}
	n, err := p.db.EndUserSessions(ctx, actor, person.ID)
	return person, n, err
}

// Confirmed says which servers have heard of a change.
type Confirmed = postgres.Confirmed

// Confirm waits until all running servers have heard what was decided before it
// was called, for one lease at most.
func (p *People) Confirm(ctx context.Context) (Confirmed, error) { return p.db.Confirm(ctx) }

// Sessions lists a person's live sessions, newest first.
func (p *People) Sessions(ctx context.Context, id afauth.ID) ([]afauth.Session, error) {
	return p.db.Sessions(ctx, id, p.limits.Idle)
}

// SessionPage lists some of a person's live sessions, newest first.
func (p *People) SessionPage(ctx context.Context, id afauth.ID, after *Key, limit int) ([]afauth.Session, error) {
	return p.db.SessionPage(ctx, postgres.SessionFilter{UserID: id, Idle: p.limits.Idle, After: after, Limit: limit})
}

// CountSessions counts a person's live sessions.
func (p *People) CountSessions(ctx context.Context, id afauth.ID) (int, error) {
	return p.db.CountSessions(ctx, id, p.limits.Idle)
}

// List lists people, newest first, or by login where the filter has a Prefix.
func (p *People) List(ctx context.Context, f Filter) ([]Person, error) { return p.db.Users(ctx, f) }

// mostReason is enough for why, and keeps the record a list that people read.
const mostReason = 1000

// checkReason refuses a reason that would have to be cut: the end of it may be
// what mattered.
func checkReason(a Actor) error {
	if n := utf8.RuneCountInString(a.Reason); n > mostReason {
		return invalid(fmt.Sprintf("the reason has %d characters, and the record keeps %d", n, mostReason), "write less, or where the rest stands")
	}
	return nil
}

func lastSignIn(t *time.Time) string {
	if t == nil {
		return "never signed in"
	}
	return "last signed in " + t.UTC().Format(time.DateOnly)
}
