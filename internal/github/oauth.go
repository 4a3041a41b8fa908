package github

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Authorize is what is asked of GitHub when a person is sent there.
type Authorize struct {
	// State comes back in the callback unchanged.
	State string
	// Challenge is the PKCE code challenge, method S256 (RFC 7636 4.2):
	// base64url without padding of the verifier's SHA-256.
	Challenge string
	// RedirectURI is the callback; it must be registered at GitHub.
	RedirectURI string
	// Login, if not empty, suggests an account.
	Login string
	// Scopes are for OAuth Apps; GitHub Apps have permissions instead.
	Scopes []string
	// SelectAccount asks GitHub to show its account picker.
	SelectAccount bool
}

// AuthorizeURL is the address at GitHub to which the browser is sent.
func (c *Client) AuthorizeURL(a Authorize) string {
	q := url.Values{
		"client_id":             {c.clientID},
		"redirect_uri":          {a.RedirectURI},
		"state":                 {a.State},
		"code_challenge":        {a.Challenge},
		"code_challenge_method": {"S256"},
	}
	if a.Login != "" {
		q.Set("login", a.Login)
	}
	if len(a.Scopes) > 0 {
		q.Set("scope", strings.Join(a.Scopes, " "))
	}
	if a.SelectAccount {
		q.Set("prompt", "select_account")
	}
	return c.web + "/login/oauth/authorize?" + q.Encode()
}

// Exchange trades the code of a callback for a token. The code works once and
// for 10 minutes; verifier and redirectURI are those of its AuthorizeURL.
//
// Errors: ErrBadCode, ErrBadCredentials, ErrRedirectMismatch,
// ErrUnverifiedEmail, ErrRateLimited, ErrUnavailable.
func (c *Client) Exchange(ctx context.Context, code, verifier, redirectURI string) (Token, error) {
	form := url.Values{"code": {code}, "code_verifier": {verifier}, "redirect_uri": {redirectURI}}
	return c.token(ctx, "exchange code", form, code, verifier)
}

// Refresh trades a refresh token for a new pair. GitHub ends the old access
// token and the old refresh token at once, with no grace. After ErrUnavailable
// it is not known whether that has happened.
//
// Errors: ErrBadRefreshToken, ErrBadCredentials, ErrRateLimited, ErrUnavailable.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (Token, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
	return c.token(ctx, "refresh token", form, refreshToken)
}

// token posts to the token endpoint. POST is not sent again by net/http once
// a byte of it was written, so a code or refresh token is presented once.
func (c *Client) token(ctx context.Context, op string, form url.Values, secrets ...string) (Token, error) {
	form.Set("client_id", c.clientID)
	form.Set("client_secret", c.secret)
	k := call{
		op:      op,
		method:  http.MethodPost,
		url:     c.web + "/login/oauth/access_token",
		body:    form.Encode(),
		secrets: append(secrets, c.secret),
		header: http.Header{
			"Accept":       {"application/json"},
			"Content-Type": {"application/x-www-form-urlencoded"},
		},
	}
	a, err := c.send(ctx, k)
	if err != nil {
		return Token{}, err
	}
	if err := k.passing(a); err != nil {
		return Token{}, err
	}
	return k.readToken(a)
}

// readToken reads the token endpoint's answer. Errors come with HTTP 200 and
// an error member; any other status is read the same way, in case that changes.
func (k call) readToken(a answer) (Token, error) {
	var body struct {
		AccessToken      string      `json:"access_token"`
		TokenType        string      `json:"token_type"`
		Scope            string      `json:"scope"`
		ExpiresIn        json.Number `json:"expires_in"` // also reads "28800"
		RefreshToken     string      `json:"refresh_token"`
		RefreshExpiresIn json.Number `json:"refresh_token_expires_in"`
		Error            string      `json:"error"`
		Description      string      `json:"error_description"`
	}
	// The decoder's own error is not repeated: it may quote the answer,
	// and this answer is a secret.
	if json.Unmarshal(a.body, &body) != nil {
		return Token{}, k.malformed(a, "the answer is not whole JSON of the documented shape")
	}
	if body.Error != "" {
		e := &Error{Op: k.op, Status: a.status, Code: k.clean(body.Error), Description: k.clean(body.Description)}
		e.kind = oauthKind(a.status, body.Error)
		return Token{}, e
	}
	if a.status != http.StatusOK {
		return Token{}, k.malformed(a, "neither a token nor an OAuth error")
	}
	if !printable(body.AccessToken) || !strings.EqualFold(body.TokenType, "bearer") {
		return Token{}, k.malformed(a, "the answer has no bearer token")
	}
	t := Token{AccessToken: body.AccessToken, RefreshToken: body.RefreshToken}
	t.Scopes = strings.FieldsFunc(body.Scope, func(r rune) bool { return r == ',' || r == ' ' })
	var err1, err2 error
	t.ExpiresIn, err1 = lifetime(body.ExpiresIn)
	t.RefreshExpiresIn, err2 = lifetime(body.RefreshExpiresIn)
	if err1 != nil || err2 != nil || (t.RefreshToken != "" && !printable(t.RefreshToken)) {
		return Token{}, k.malformed(a, "a lifetime or the refresh token makes no sense")
	}
	return t, nil
}

// oauthKind sorts the token endpoint's error codes.
// https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
func oauthKind(status int, code string) error {
	switch code {
	case "bad_verification_code":
		return ErrBadCode
	case "bad_refresh_token":
		return ErrBadRefreshToken
	case "incorrect_client_credentials":
		return ErrBadCredentials
	case "redirect_uri_mismatch":
		return ErrRedirectMismatch
	case "unverified_user_email":
		return ErrUnverifiedEmail
	}
	// An unknown client id is also seen to be answered 404 "Not Found".
	if status == http.StatusNotFound {
		return ErrBadCredentials
	}
	return nil
}

// lifetime reads a number of seconds. Absent is 0; a lifetime that is present
// and not positive is refused, since 0 would read as "does not expire".
func lifetime(n json.Number) (time.Duration, error) {
	if n == "" {
		return 0, nil
	}
	const century = 100 * 365 * 24 * 3600
	s, err := n.Int64()
	if err != nil || s <= 0 || s > century {
		return 0, errors.New("not a lifetime")
	}
	return time.Duration(s) * time.Second, nil
}

// printable says whether s can be sent in a header: 1 to 4,096 visible ASCII characters.
func printable(s string) bool {
	if s == "" || len(s) > 4096 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
