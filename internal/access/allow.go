package access

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/github"
)

// Allow puts a person on the whitelist. Somebody who never signed in is looked up at GitHub, and what is stored and
// waited for is the numeric id. Somebody who is known and named by a login is
// compared with who has that login at GitHub today.
func (p *People) Allow(ctx context.Context, actor Actor, ref string, grant Grant) (Change, error) {
	if until := grant.Until; until != nil && !until.After(p.db.Now()) {
		return Change{}, &afauth.Error{Code: afauth.CodeInvalid,
			Message: fmt.Sprintf("%s has passed already", until.UTC().Format(time.RFC3339)),
			Hint:    "to end somebody's access now: af-auth revoke " + quoted(ref)}
	}
	if err := checkReason(actor); err != nil {
		return Change{}, err
	}
	r, err := parseRef(ref)
	if err != nil {
		return Change{}, err
	}
	account, warning := github.User{}, ""
	switch person, err := p.Find(ctx, ref); {
	case err == nil:
		if warning, err = p.sameHolder(ctx, r, person); err != nil {
			return Change{}, err
		}
		account.ID, account.Login = person.GitHubID, person.Login
	case !errors.Is(err, afauth.ErrNotFound):
		return Change{}, err
	default:
		if account, err = p.lookUp(ctx, r); err != nil {
			return Change{}, err
		}
	}
	change, err := p.db.Allow(ctx, actor, account.ID, account.Login, grant)
	if err == nil && grant.Add && grant.Apps != nil && change.After.Apps == nil {
		warning = joined(warning, fmt.Sprintf("they may open all applications, and still may; to allow only these: af-auth allow %s --only --app %s",
			quoted(ref), strings.Join(grant.Apps, " --app ")))
	}
	return Change{Change: change, Warning: warning}, err
}

// joined is one line of two warnings.
func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// sameHolder refuses a login that somebody else has at GitHub by now: whoever
// allows it means the one who has it today, and we would let in the one who had
// it at the last sign-in here. Where GitHub does not say, the person known here
// stands, with a warning: an id in the record is better than no way to allow.
func (p *People) sameHolder(ctx context.Context, r reference, known Person) (warning string, err error) {
	if r.login == "" || p.github == nil {
		return "", nil
	}
	holder, err := p.github.UserByLogin(ctx, r.login)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return fmt.Sprintf("GitHub knows nobody called %q any more; this is who last signed in here with that login", r.login), nil
	case err != nil:
		return fmt.Sprintf("GitHub did not say who is called %q today; this is who last signed in here with that login", r.login), nil
	case holder.ID == known.GitHubID:
		return "", nil
	}
	there := "not known here"
	switch same, err := p.db.UserByGitHubID(ctx, holder.ID); {
	case err == nil:
		there = sinceWhen(same)
	case !errors.Is(err, afauth.ErrNotFound):
		return "", err
	}
	return "", &afauth.Error{Code: afauth.CodeAmbiguous,
		Message: fmt.Sprintf("the login %q has changed hands: here it is #%d (%s%s), and at GitHub today #%d (%s%s)",
			r.login, known.GitHubID, named(known.Name), sinceWhen(known), holder.ID, named(holder.Name), there),
		Hint: fmt.Sprintf("name the id that you mean: af-auth allow '#%d' for who has the login today, '#%d' for who had it", holder.ID, known.GitHubID)}
}

// named is a name in front of what else is said of somebody. It is quoted:
// strangers choose it, and it goes to a terminal.
func named(name string) string {
	if name == "" {
		return ""
	}
	return strconv.Quote(name) + ", "
}

func sinceWhen(p Person) string {
	return "known here since " + p.CreatedAt.UTC().Format(time.DateOnly) + ", " + lastSignIn(p.LastSignInAt)
}

// lookUp asks GitHub for somebody whom we do not know.
func (p *People) lookUp(ctx context.Context, r reference) (github.User, error) {
	if !r.id.IsZero() {
		return github.User{}, r.notFound()
	}
	if p.github == nil {
		if r.githubID != 0 {
			return github.User{ID: r.githubID}, nil
		}
		return github.User{}, &afauth.Error{Code: afauth.CodeNotFound,
			Message: fmt.Sprintf("%q has not signed in here, and GitHub cannot be asked for the id", r.login),
			Hint:    "set GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET, or name the numeric id: '#ID'"}
	}
	var account github.User
	var err error
	if r.githubID != 0 {
		account, err = p.github.UserByID(ctx, r.githubID)
	} else {
		account, err = p.github.UserByLogin(ctx, r.login)
	}
	wait, limited := github.Wait(err)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return github.User{}, &afauth.Error{Code: afauth.CodeNotFound,
			Message: "GitHub knows nobody " + r.called(), Hint: "check the spelling: a login is not a name, and a number needs its #"}
	case err != nil && r.githubID != 0:
		// The id is all that is needed; the login comes with the sign-in.
		return github.User{ID: r.githubID}, nil
	case limited:
		return github.User{}, &afauth.Error{Code: afauth.CodeGitHubLimited,
			Message: fmt.Sprintf("GitHub asks us to wait %s before it says which id %q has", wait, r.login),
			Hint:    "try again then, or name the numeric id: '#583231'", RetryAfter: wait, Err: err}
	case errors.Is(err, github.ErrBadCredentials):
		return github.User{}, &afauth.Error{Code: afauth.CodeGitHubBadSetup,
			Message: fmt.Sprintf("GitHub refused our client id or secret, and did not say which id %q has", r.login),
			Hint: "compare GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET with the application at GitHub (Settings, Developer settings); " +
				"af-auth config says where ours come from; or name the numeric id: '#ID'", Err: err}
	case err != nil:
		return github.User{}, &afauth.Error{Code: afauth.CodeGitHubDown,
			Message: fmt.Sprintf("GitHub did not say which id %q has", r.login),
			Hint:    "try again, or name the numeric id: '#ID'", Err: err}
	case account.Type == "Organization":
		return github.User{}, &afauth.Error{Code: afauth.CodeInvalid,
			Message: fmt.Sprintf("%q is an organization, and only people sign in", account.Login), Hint: "name its members one by one"}
	}
	return account, nil
}
