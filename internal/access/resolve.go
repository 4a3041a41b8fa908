package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/github"
)

// resolve finds the GitHub id of each login. Whoever is allowed here already,
// and alone has the login here, is not asked for: whatever became of the login
// at GitHub, nobody new is let in by it. For everybody else GitHub's word of
// today counts, because a login that was given up is taken by strangers.
func (p *People) resolve(ctx context.Context, file ImportFile, lines []line) (map[string]answered, error) {
	out := map[string]answered{}
	if len(lines) == 0 {
		return out, nil
	}
	names := make([]string, len(lines))
	for i, l := range lines {
		names[i] = strings.ToLower(l.login)
	}
	known, err := p.db.KnownLogins(ctx, names)
	if err != nil {
		return nil, err
	}
	kept := &resolvedFile{path: file.Resolved, now: file.Now}
	before, err := kept.open()
	if err != nil {
		return nil, err
	}
	defer kept.close()
	var flaws []Flaw
	for i, l := range lines {
		name := names[i]
		here := known[name]
		if len(here) == 1 && here[0].Access() == afauth.Allowed {
			out[name] = answered{id: here[0].GitHubID, login: here[0].Login}
			continue
		}
		a, ok := before[name]
		if !ok {
			if a, err = p.ask(ctx, l.login); err != nil {
				return nil, stopped(ctx, err, file, len(out), len(lines))
			}
			if err := kept.keep(a); err != nil {
				return nil, err
			}
		}
		if a.id != 0 && len(here) > 0 && !anyHas(here, a.id) {
			flaws = append(flaws, Flaw{l.number, columnLogin, fmt.Sprintf(
				"the login %q has changed hands: here it is #%d, and at GitHub today #%d; name the id that is meant", l.login, here[0].GitHubID, a.id)})
		}
		out[name] = a
		if file.Progress != nil {
			file.Progress(len(out), len(lines))
		}
	}
	if len(flaws) > 0 {
		return nil, &FlawsError{flaws}
	}
	return out, nil
}

func anyHas(people []Person, id int64) bool {
	for _, p := range people {
		if p.GitHubID == id {
			return true
		}
	}
	return false
}

// ask asks GitHub for one login. Nobody of that name is an answer.
func (p *People) ask(ctx context.Context, login string) (answered, error) {
	if p.github == nil {
		return answered{}, errNoGitHub
	}
	account, err := p.github.UserByLogin(ctx, login)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return answered{login: login, why: "GitHub knows nobody of that name"}, nil
	case err != nil:
		return answered{}, err
	case account.Type != "User":
		return answered{login: login, why: fmt.Sprintf("it is of the kind %q, and only people sign in", account.Type)}, nil
	}
	return answered{id: account.ID, login: account.Login}, nil
}

// stoppedError is the end that somebody asked for.
type stoppedError struct {
	message string
	cause   error
}

func (e *stoppedError) Error() string { return e.message }
func (e *stoppedError) Unwrap() error { return e.cause }

// Hint says how to go on.
func (e *stoppedError) Hint() string { return "run the same command again; it goes on there" }

// stopped says how far it has come, and when to go on.
func stopped(ctx context.Context, err error, file ImportFile, done, all int) error {
	var known *afauth.Error
	if errors.As(err, &known) {
		return err
	}
	far := fmt.Sprintf("%d of %d logins are resolved", done, all)
	if file.Resolved != "" {
		far += ", and kept in " + file.Resolved
	}
	wait, limited := github.Wait(err)
	switch {
	case limited:
		at := file.Now().Add(wait).UTC().Truncate(time.Second)
		return &afauth.Error{Code: afauth.CodeGitHubLimited, Message: fmt.Sprintf("GitHub asks us to wait %s; %s; nothing was imported", wait, far),
			Hint: "run the same command again after " + at.Format(time.RFC3339), RetryAfter: wait, Err: err}
	case ctx.Err() != nil:
		return &stoppedError{"stopped: " + far + "; nothing was imported", ctx.Err()}
	}
	return &afauth.Error{Code: afauth.CodeGitHubDown, Message: "GitHub did not answer; " + far + "; nothing was imported",
		Hint: "run the same command again; it goes on there", Err: err}
}
