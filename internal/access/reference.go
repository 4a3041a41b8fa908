package access

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth"
)

// reference is a person as somebody wrote it: exactly one field is set.
type reference struct {
	login    string
	githubID int64
	id       afauth.ID
}

func parseRef(s string) (reference, error) {
	if s == "" {
		return reference{}, invalid("no person is named: the argument is empty",
			"name a login, a '#github-id' or a UUID; a variable that is not set, perhaps?")
	}
	if id, err := afauth.ParseID(s); err == nil && !id.IsZero() {
		return reference{id: id}, nil
	}
	if digits, ok := strings.CutPrefix(s, "#"); ok {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n <= 0 {
			return reference{}, invalid(fmt.Sprintf("%q is not a GitHub id", s), "a GitHub id is a # and a number above 0, as in '#583231'")
		}
		return reference{githubID: n}, nil
	}
	if looksLikeID(s) {
		return reference{}, invalid(fmt.Sprintf("%q looks like a UUID and is not one", s),
			"a UUID has 32 hexadecimal digits, in groups of 8, 4, 4, 4 and 12: is it complete?")
	}
	login := strings.TrimPrefix(s, "@")
	if !isLogin(login) {
		return reference{}, invalid(fmt.Sprintf("%q is not a login, a '#github-id' or a UUID", s),
			"a login has letters, digits and hyphens, and is not the name or the e-mail address")
	}
	return reference{login: login}, nil
}

// looksLikeID tells a UUID that was cut or mistyped from a login, which has 39
// characters at most and rarely a group of hexadecimal digits: to look for it at
// GitHub would help nobody.
func looksLikeID(s string) bool {
	if len(s) > 24 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		return true
	}
	return len(s) >= 30 && strings.Count(s, "-") == 4 && strings.Trim(s, "0123456789abcdefABCDEF-") == ""
}

// isLogin accepts GitHub's logins, and the longer ones with an underscore that
// Enterprise Managed Users have.
func isLogin(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			// "[bot]" accounts cannot sign in.
			return false
		}
	}
	return true
}

// called is the reference as part of a sentence, behind "nobody".
func (r reference) called() string {
	switch {
	case !r.id.IsZero():
		return "with the id " + r.id.String()
	case r.githubID != 0:
		return fmt.Sprintf("with the GitHub id %d", r.githubID)
	default:
		return fmt.Sprintf("called %q", r.login)
	}
}

func (r reference) notFound() error {
	return &afauth.Error{Code: afauth.CodeNotFound,
		Message: "nobody " + r.called() + " has signed in or been allowed here",
		Hint:    "af-auth users lists everybody who is known"}
}

// quoted is a reference as it has to be typed: behind a #, a shell sees a
// comment.
func quoted(ref string) string {
	if strings.HasPrefix(ref, "#") {
		return "'" + ref + "'"
	}
	return ref
}

func invalid(message, hint string) error {
	return &afauth.Error{Code: afauth.CodeInvalid, Message: message, Hint: hint}
}
