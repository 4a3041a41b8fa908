package github

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// User is an account. The identity is ID: logins are renamed, and a freed
// login can be claimed by somebody else.
type User struct {
	ID        int64  // positive
	Login     string // 1 to 100 of A-Z a-z 0-9 - _ . [ ]
	Name      string // may be empty; no control characters
	AvatarURL string // absolute http or https URL, or empty
	Type      string // "User", "Organization" or "Bot"
}

// User says whose token this is. Ask it after every exchange.
//
// Errors: ErrTokenInvalid, ErrForbidden, ErrRateLimited, ErrUnavailable.
func (c *Client) User(ctx context.Context, accessToken string) (User, error) {
	k := c.bearer("get user", "/user", accessToken)
	return c.user(ctx, k)
}

// UserByLogin finds the account that has this login today.
//
// Errors: ErrNotFound (also for what cannot be a login), ErrBadCredentials,
// ErrRateLimited, ErrUnavailable.
func (c *Client) UserByLogin(ctx context.Context, login string) (User, error) {
	const op = "get user by login"
	if !validLogin(login) {
		return User{}, &Error{Op: op, Description: "this cannot be a login", kind: ErrNotFound}
	}
	k := c.basic(op, http.MethodGet, "/users/"+url.PathEscape(login), "")
	u, err := c.user(ctx, k)
	if err == nil && !strings.EqualFold(u.Login, login) {
		// Whoever allows a login must not allow somebody else's id.
		return User{}, &Error{Op: op, Status: http.StatusOK, Description: "the answer is about another login", kind: ErrUnavailable}
	}
	return u, err
}

// UserByID finds the account with this id, whatever its login is now.
//
// Errors: as UserByLogin.
func (c *Client) UserByID(ctx context.Context, id int64) (User, error) {
	const op = "get user by id"
	if id <= 0 {
		return User{}, &Error{Op: op, Description: "an id is a positive number", kind: ErrNotFound}
	}
	k := c.basic(op, http.MethodGet, "/user/"+strconv.FormatInt(id, 10), "")
	u, err := c.user(ctx, k)
	if err == nil && u.ID != id {
		return User{}, &Error{Op: op, Status: http.StatusOK, Description: "the answer is about another id", kind: ErrUnavailable}
	}
	return u, err
}

// PrimaryEmail is the token owner's primary address if it is verified, else
// "". It is also "" where the token lacks the scope user:email, which GitHub
// answers with 404.
//
// Errors: ErrTokenInvalid, ErrForbidden (a GitHub App without the permission),
// ErrRateLimited, ErrUnavailable.
func (c *Client) PrimaryEmail(ctx context.Context, accessToken string) (string, error) {
	k := c.bearer("get e-mail addresses", "/user/emails?per_page=100", accessToken)
	a, err := c.send(ctx, k)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		err := k.refused(a)
		if errors.Is(err, ErrNotFound) {
			return "", nil
		}
		return "", err
	}
	var list []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if json.Unmarshal(a.body, &list) != nil || list == nil {
		return "", k.malformed(a, "the answer is not a list of addresses")
	}
	for _, e := range list {
		// The address goes on as a header, so it must be fit for one.
		if e.Primary && e.Verified && len(e.Email) <= 254 && printable(e.Email) && strings.Contains(e.Email, "@") {
			return e.Email, nil
		}
	}
	return "", nil
}

// bearer is a GET with a person's token.
func (c *Client) bearer(op, path, accessToken string) call {
	return call{
		op: op, method: http.MethodGet, url: c.api + path,
		header:       apiHeader("Bearer " + accessToken),
		secrets:      []string{accessToken, c.secret},
		unauthorized: ErrTokenInvalid,
		notFound:     ErrNotFound,
	}
}

// basic is a call as the app itself, which has a limit of 5,000 calls an hour
// where a stranger has 60.
func (c *Client) basic(op, method, path, body string) call {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(c.clientID, c.secret)
	h := apiHeader(r.Header.Get("Authorization"))
	if body != "" {
		h.Set("Content-Type", "application/json")
	}
	return call{
		op: op, method: method, url: c.api + path, body: body, header: h,
		secrets:      []string{c.secret},
		unauthorized: ErrBadCredentials,
		notFound:     ErrNotFound,
	}
}

func apiHeader(authorization string) http.Header {
	h := http.Header{}
	h.Set("Accept", "application/vnd.github+json")
	h.Set("X-GitHub-Api-Version", apiVersion)
	h.Set("Authorization", authorization)
	return h
}

func (c *Client) user(ctx context.Context, k call) (User, error) {
	a, err := c.send(ctx, k)
	if err != nil {
		return User{}, err
	}
	if a.status != http.StatusOK {
		return User{}, k.refused(a)
	}
	var j userJSON
	if json.Unmarshal(a.body, &j) != nil {
		return User{}, k.malformed(a, "the answer is not whole JSON of the documented shape")
	}
	u, ok := j.user()
	if !ok {
		return User{}, k.malformed(a, "the answer has no id or no login")
	}
	return u, nil
}

// userJSON is the part of GitHub's user that we read.
type userJSON struct {
	ID        int64  `json:"id"`
	Login     string `json:"login"`
	Name      string `json:"name"` // null where not set
	AvatarURL string `json:"avatar_url"`
	Type      string `json:"type"`
}

// user checks j. The id is the identity, and an id of 0 would be shared by all
// whose answer lacks one; the login goes into headers and pages.
func (j userJSON) user() (User, bool) {
	if j.ID <= 0 || !validLogin(j.Login) {
		return User{}, false
	}
	u := User{ID: j.ID, Login: j.Login, Name: plain(j.Name), Type: plain(j.Type)}
	if a, err := url.Parse(j.AvatarURL); err == nil && a.Host != "" && (a.Scheme == "https" || a.Scheme == "http") && printable(j.AvatarURL) {
		u.AvatarURL = j.AvatarURL
	}
	return u, true
}

// validLogin is wider than what github.com allows: bots end in [bot], managed
// users have an underscore, and old accounts break today's rules.
func validLogin(s string) bool {
	if s == "" || len(s) > 100 || strings.Trim(s, ".") == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-_.[]", c) < 0 {
			return false
		}
	}
	return true
}

// plain takes out control characters, which PostgreSQL (NUL) and headers refuse.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}
