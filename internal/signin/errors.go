package signin

import (
	"errors"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/github"
)

// deniedByGitHub is the error that GitHub put into the callback itself.
func deniedByGitHub(reason string) error {
	if reason == "access_denied" {
		return &afauth.Error{Code: afauth.CodeGitHubDenied, Message: "the person stopped at GitHub"}
	}
	// redirect_uri_mismatch, application_suspended: the set-up is at fault.
	return &afauth.Error{Code: afauth.CodeGitHubBadSetup, Message: "GitHub refuses this application",
		Err: errors.New("callback carries error " + clip(reason))}
}

// fromGitHub gives a failed call the code that decides what the person is told.
func fromGitHub(err error) error {
	if wait, limited := github.Wait(err); limited {
		return &afauth.Error{Code: afauth.CodeGitHubLimited, Message: "GitHub asks us to wait", RetryAfter: wait, Err: err}
	}
	code := afauth.CodeGitHubDown
	switch {
	case errors.Is(err, github.ErrBadCode):
		code = afauth.CodeGitHubBadCode
	case errors.Is(err, github.ErrBadCredentials), errors.Is(err, github.ErrRedirectMismatch):
		code = afauth.CodeGitHubBadSetup
	case errors.Is(err, github.ErrUnverifiedEmail):
		code = afauth.CodeGitHubUnverified
	case errors.Is(err, github.ErrTokenInvalid):
		code = afauth.CodeGitHubBadCode
	}
	return &afauth.Error{Code: code, Message: "GitHub did not say who this is", Err: err}
}

// clip keeps a stranger's text short and printable in our log.
func clip(s string) string {
	out := make([]rune, 0, 40)
	for _, r := range s {
		if len(out) == cap(out) {
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		out = append(out, r)
	}
	return string(out)
}
