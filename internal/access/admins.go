package access

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/github"
)

// Admins knows who may decide about people in the browser: GitHub ids alone. A
// login is asked for once, at the start, and stands for the id that GitHub
// names; until GitHub has answered it stands for nobody. It is safe for
// concurrent use, and a nil one knows nobody.
type Admins struct {
	github *github.Client
	logger *slog.Logger
	logins []string

	mu  sync.RWMutex
	ids map[int64]bool
}

// How long a login that GitHub did not answer for has to wait. It doubles.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// NewAdmins takes administrators as commands name people: logins and
// "#github-id".
func NewAdmins(client *github.Client, logger *slog.Logger, refs []string) (*Admins, error) {
	a := &Admins{github: client, logger: logger, ids: map[int64]bool{}}
	for _, ref := range refs {
		r, err := parseRef(ref)
		switch {
		case err != nil:
			return nil, err
		case r.githubID != 0:
			a.ids[r.githubID] = true
		case r.login != "":
			a.logins = append(a.logins, r.login)
		default:
			return nil, invalid("an administrator is named by "+ref, "name a login or a '#github-id'")
		}
	}
	return a, nil
}

// Is reports whether the person with this GitHub id is an administrator.
func (a *Admins) Is(githubID int64) bool {
	if a == nil || githubID == 0 {
		return false
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.ids[githubID]
}

// Run asks GitHub for the ids of logins, until it has said them all or ctx
// ends. A login that nobody has is asked for once: somebody may take it later
// who was never meant.
func (a *Admins) Run(ctx context.Context) {
	a.mu.RLock()
	for id := range a.ids {
		a.logger.InfoContext(ctx, "administrator", "github_id", id)
	}
	a.mu.RUnlock()
	open, wait := a.logins, firstRetry
	for {
		open = a.resolve(ctx, open, wait)
		if len(open) == 0 || ctx.Err() != nil {
			return
		}
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		wait = min(2*wait, lastRetry)
	}
}

// resolve returns the logins that are still open.
func (a *Admins) resolve(ctx context.Context, logins []string, wait time.Duration) (open []string) {
	for _, login := range logins {
		account, err := a.github.UserByLogin(ctx, login)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, github.ErrNotFound):
			a.logger.ErrorContext(ctx, "no administrator: GitHub knows nobody of this login", "login", login,
				"hint", "check AF_AUTH_ADMINS and start again")
		case err != nil:
			open = append(open, login)
			a.logger.WarnContext(ctx, "no administrator yet: GitHub did not say whose login this is", "login", login,
				"again_in", wait, "error_code", afauth.CodeGitHubDown, "error", err)
		case account.Type == "Organization":
			a.logger.ErrorContext(ctx, "no administrator: this is an organization, and only people sign in", "login", login,
				"hint", "name its members in AF_AUTH_ADMINS one by one")
		default:
			a.mu.Lock()
			a.ids[account.ID] = true
			a.mu.Unlock()
			a.logger.InfoContext(ctx, "administrator", "login", account.Login, "github_id", account.ID)
		}
	}
	return open
}
