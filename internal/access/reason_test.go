package access_test

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
)

// A reason is kept whole or refused, and then nothing is done.
func TestReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(octocat, "octocat")
	long := access.Actor{Name: "cli:ada", Reason: strings.Repeat("\u00e9", 1001)}
	_, err := w.people.Allow(t.Context(), long, "octocat", access.Grant{})
	fails(t, "allow", err, afauth.CodeInvalid, "the reason has 1001 characters, and the record keeps 1000")
	_, err = w.people.Revoke(t.Context(), long, "octocat")
	fails(t, "revoke", err, afauth.CodeInvalid, "1001")
	_, _, err = w.people.SignOut(t.Context(), long, "octocat")
	fails(t, "sign out", err, afauth.CodeInvalid, "1001")
	if n := w.count("SELECT count(*) FROM events WHERE kind <> 'sign_in.succeeded'"); n != 0 {
		t.Errorf("%d events", n)
	}
	whole := access.Actor{Name: "cli:ada", Reason: strings.Repeat("\U0001f642", 1000)}
	if _, err := w.people.Allow(t.Context(), whole, "octocat", access.Grant{}); err != nil {
		t.Error(err)
	}
	if n := w.count("SELECT max(length(reason)) FROM events"); n != 1000 {
		t.Errorf("%d characters are kept", n)
	}
}
