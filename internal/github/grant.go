package github

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Grant is what a live token stands for.
type Grant struct {
	User   User
	Scopes []string
}

// CheckToken asks, as the app, whether an access token still lives. It does
// not count against the token's own limit.
// https://docs.github.com/en/rest/apps/oauth-applications#check-a-token
//
// Errors: ErrTokenInvalid, ErrBadCredentials, ErrRateLimited, ErrUnavailable.
func (c *Client) CheckToken(ctx context.Context, accessToken string) (Grant, error) {
	k := c.application("check token", http.MethodPost, "token", accessToken)
	a, err := c.send(ctx, k)
	if err != nil {
		return Grant{}, err
	}
	if a.status != http.StatusOK {
		return Grant{}, k.refused(a)
	}
	var body struct {
		Scopes []string `json:"scopes"`
		User   userJSON `json:"user"`
	}
	if json.Unmarshal(a.body, &body) != nil {
		return Grant{}, k.malformed(a, "the answer is not whole JSON of the documented shape")
	}
	u, ok := body.User.user()
	if !ok {
		return Grant{}, k.malformed(a, "the answer has no id or no login")
	}
	return Grant{User: u, Scopes: body.Scopes}, nil
}

// DeleteToken ends one token at GitHub, which must still live: call it before
// the token is erased here.
//
// Errors: ErrTokenInvalid (it had already ended), ErrBadCredentials,
// ErrRateLimited, ErrUnavailable.
func (c *Client) DeleteToken(ctx context.Context, accessToken string) error {
	return c.end(ctx, c.application("delete token", http.MethodDelete, "token", accessToken))
}

// DeleteGrant ends the person's whole authorisation of the app, with all its
// tokens. It needs one token that still lives.
//
// Errors: as DeleteToken.
func (c *Client) DeleteGrant(ctx context.Context, accessToken string) error {
	return c.end(ctx, c.application("delete grant", http.MethodDelete, "grant", accessToken))
}

func (c *Client) end(ctx context.Context, k call) error {
	a, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	if a.status != http.StatusNoContent {
		return k.refused(a)
	}
	return nil
}

// application is a call to /applications/{client_id}/…, where the token is in
// the body and a 404 means that it does not live.
func (c *Client) application(op, method, what, accessToken string) call {
	// A map of one string cannot fail to marshal.
	body, _ := json.Marshal(map[string]string{"access_token": accessToken})
	k := c.basic(op, method, "/applications/"+url.PathEscape(c.clientID)+"/"+what, string(body))
	k.secrets = append(k.secrets, accessToken)
	k.notFound = ErrTokenInvalid
	return k
}
