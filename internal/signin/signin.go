// Package signin is the state machine of signing in: start at our side, answer
// from GitHub, and the passage from our own host to an application's.
//
//	Start    → the address at GitHub, and a sealed value for the browser to keep
//	Finish   ← GitHub's answer and that value; a session comes out, or none
//	Issue    → a ticket to an application's host, for somebody who may enter
//	Redeem   ← the ticket on that host; that host's own session comes out
//	End      → sign-out
//
// It knows neither HTTP nor SQL text. Nothing is stored before GitHub has
// answered: what must be remembered travels sealed in the browser.
package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/postgres"
)

const (
	// StateLife is how long an answer from GitHub is waited for. GitHub's codes
	// live as long.
	StateLife = 10 * time.Minute
	// TicketLife is how long a ticket is good for.
	TicketLife = time.Minute

	// databaseWithin bounds each question to the database. Behind it the answer
	// is CodeUnavailable: nobody waits before a door whose lock does not answer.
	databaseWithin = 2 * time.Second
)

// Options is what New needs.
type Options struct {
	DB     *postgres.DB
	GitHub *github.Client
	// Secret is known to all instances and to nobody else; the GitHub client
	// secret serves.
	Secret string
	Places Places
	Limits afauth.SessionLimits
	// Scopes are asked of GitHub; "user:email" gives the address.
	Scopes []string
	Logger *slog.Logger
}

// Flow signs people in. It is safe for concurrent use.
type Flow struct {
	Options
	sealer sealer
}

// New makes a Flow.
func New(o Options) (*Flow, error) {
	s, err := newSealer(o.Secret)
	if err != nil {
		return nil, err
	}
	return &Flow{Options: o, sealer: s}, nil
}

// callback is the one address that GitHub sends people back to.
func (f *Flow) callback() string {
	return f.Places.URL(Destination{Path: "/auth/github/callback"})
}

// pending is a sign-in under way, as the browser carries it.
type pending struct {
	State    string      `json:"s"`
	Verifier string      `json:"v"`
	To       Destination `json:"to"`
	At       time.Time   `json:"at"`
}

const purposeState = "sign-in"

// Started is the first half of a sign-in.
type Started struct {
	// URL is the page at GitHub to send the person to.
	URL string
	// State names this sign-in among those of the same browser, so that two
	// tabs may sign in at once.
	State string
	// Sealed is for the browser to keep, for StateLife: up to 6,000 bytes, which
	// is more than one cookie holds.
	Sealed string
}

// Start begins a sign-in that is to end at to. With again, GitHub asks which
// account to use.
func (f *Flow) Start(to Destination, again bool) (Started, error) {
	p := pending{
		State:    afauth.NewToken().Reveal(),
		Verifier: afauth.NewToken().Reveal(),
		To:       to,
		At:       f.DB.Now(),
	}
	sealed, err := f.sealer.seal(purposeState, p)
	if err == nil && len(sealed) > maxSealed {
		// A proxy would refuse it. A lost page is better than a sign-in that cannot
		// end.
		p.To.Path = "/"
		sealed, err = f.sealer.seal(purposeState, p)
	}
	if err != nil {
		return Started{}, err
	}
	// RFC 7636, section 4.2: S256 only.
	challenge := sha256.Sum256([]byte(p.Verifier))
	return Started{
		URL: f.GitHub.AuthorizeURL(github.Authorize{
			State:         p.State,
			Challenge:     base64.RawURLEncoding.EncodeToString(challenge[:]),
			RedirectURI:   f.callback(),
			Scopes:        f.Scopes,
			SelectAccount: again,
		}),
		State:  p.State,
		Sealed: sealed,
	}, nil
}

// Answer is what came back from GitHub by way of the browser.
type Answer struct {
	// Query is the callback's query. Each of its parameters may come once.
	Query url.Values
	// Sealed is what Start gave the browser to keep under this state; empty
	// where the browser has nothing.
	Sealed string
	// Previous is the token of the session that the browser had; nil if none.
	Previous           *afauth.Token
	UserAgent, Address string
}

// Outcome is a finished sign-in.
type Outcome struct {
	User   afauth.User
	Access afauth.Access
	To     Destination
	// Token is the new session's, empty where the answer is no.
	Token     afauth.Token
	SessionID afauth.ID
	ExpiresAt time.Time
	Now       time.Time
}

// Finish checks GitHub's answer, asks GitHub who it is, and writes the sign-in.
// Errors are *afauth.Error, to be told to the person. The Destination is known
// as soon as the sealed value has been opened, and returned beside the error
// too, so that "try again" can lead to the same place.
func (f *Flow) Finish(ctx context.Context, a Answer) (Outcome, error) {
	p, err := f.open(a)
	if err != nil {
		return Outcome{To: p.To}, err
	}
	out := Outcome{To: p.To}
	person, email, err := f.identify(ctx, a.Query.Get("code"), p.Verifier)
	if err != nil {
		return out, err
	}
	token := afauth.NewToken()
	in := postgres.SignIn{
		GitHubID: person.ID, Login: person.Login, Name: person.Name, Email: email, AvatarURL: person.AvatarURL,
		Session: token.Hash(), Host: f.Places.OwnHost(), MaxAge: f.Limits.Max,
		UserAgent: a.UserAgent, Address: a.Address,
	}
	if a.Previous != nil {
		h := a.Previous.Hash()
		in.Previous = &h
	}
	writing, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	written, err := f.DB.SignIn(writing, in)
	if err != nil {
		return out, err
	}
	out.User, out.Access, out.Now = written.User, written.Access, written.Now
	if written.SessionID != nil {
		out.Token, out.SessionID, out.ExpiresAt = token, *written.SessionID, *written.ExpiresAt
	}
	return out, nil
}

// open checks everything that can be checked without asking GitHub. Nothing of
// a forged answer reaches GitHub's token endpoint.
func (f *Flow) open(a Answer) (pending, error) {
	var p pending
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(a.Query[name]) > 1 {
			return p, &afauth.Error{Code: afauth.CodeInvalid, Message: "the answer names " + name + " twice"}
		}
	}
	if a.Sealed == "" {
		// The browser that started is not the one that came back: an answer
		// handed to a stranger (RFC 9700, section 4.7), or cookies are off.
		return p, &afauth.Error{Code: afauth.CodeStateMissing, Message: "this browser did not start this sign-in"}
	}
	var opened pending
	if err := f.sealer.open(purposeState, a.Sealed, &opened); err != nil {
		return p, &afauth.Error{Code: afauth.CodeStateMismatch, Message: "the sign-in cookie is not ours", Err: err}
	}
	if subtle.ConstantTimeCompare([]byte(opened.State), []byte(a.Query.Get("state"))) != 1 {
		return p, &afauth.Error{Code: afauth.CodeStateMismatch, Message: "the answer belongs to another sign-in"}
	}
	p = opened
	if age := f.DB.Now().Sub(p.At); age > StateLife || age < -time.Minute {
		return p, &afauth.Error{
			Code:    afauth.CodeStateExpired,
			Message: fmt.Sprintf("the sign-in was started %s ago", age.Round(time.Minute)),
		}
	}
	// RFC 9207: absent is accepted, because GitHub began to send it late.
	if iss, sent := a.Query["iss"]; sent && iss[0] != f.GitHub.Issuer() {
		return p, &afauth.Error{Code: afauth.CodeIssuerMismatch, Message: "the answer does not come from the GitHub that was asked"}
	}
	if reason := a.Query.Get("error"); reason != "" {
		return p, deniedByGitHub(reason)
	}
	if a.Query.Get("code") == "" {
		return p, &afauth.Error{Code: afauth.CodeStateMismatch, Message: "the answer carries no code"}
	}
	return p, nil
}

// identify turns a code into a person. GitHub's token ends here: it is neither
// kept nor handed on.
func (f *Flow) identify(ctx context.Context, code, verifier string) (github.User, string, error) {
	token, err := f.GitHub.Exchange(ctx, code, verifier, f.callback())
	if err != nil {
		return github.User{}, "", fromGitHub(err)
	}
	person, err := f.GitHub.User(ctx, token.AccessToken)
	if err != nil {
		return github.User{}, "", fromGitHub(err)
	}
	if !slices.Contains(f.Scopes, "user:email") && !slices.Contains(f.Scopes, "user") {
		return person, "", nil
	}
	email, err := f.GitHub.PrimaryEmail(ctx, token.AccessToken)
	if err != nil {
		// Somebody may refuse the scope and still come in.
		f.Logger.WarnContext(ctx, "no e-mail address from GitHub", "github_id", person.ID, "error", err)
		return person, "", nil
	}
	return person, email, nil
}
