package githubsim

import (
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const docsToken = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/"

// accessToken is the token endpoint. Every OAuth error is HTTP 200 here.
//
// GitHub also reads its parameters from the query; here a code or a secret in
// an address does not count, so that a client which writes secrets into other
// people's access logs does not pass its tests.
func (s *Sim) accessToken(c *machineCall) answer {
	form := c.form()
	if !s.isClient(form.Get("client_id"), form.Get("client_secret")) {
		return oauthError(c, "incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
	}
	switch form.Get("grant_type") {
	case "", "authorization_code":
		return s.exchangeCode(c, form)
	case "refresh_token":
		return s.exchangeRefresh(c, form)
	default:
		return oauthError(c, "unsupported_grant_type", "The grant_type is not one that this server knows.")
	}
}

func (s *Sim) exchangeCode(c *machineCall, form url.Values) answer {
	const bad = "The code passed is incorrect or expired."
	value := form.Get("code")
	k := s.codes[value]
	if k == nil {
		return oauthError(c, "bad_verification_code", bad)
	}
	delete(s.codes, value) // one try, good or bad
	p := s.byID(k.userID)
	if p == nil || c.now.Sub(k.made) >= codeLife || !k.proves(form.Get("code_verifier")) {
		return oauthError(c, "bad_verification_code", bad)
	}
	if again := form.Get("redirect_uri"); again != "" && again != k.redirect {
		return oauthError(c, "redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.")
	}
	if !p.verified() {
		return oauthError(c, "unverified_user_email", "The user must have a verified primary email.")
	}
	t, err := s.issue(p.ID, k.scopes, c.now)
	if err != nil {
		return problem(http.StatusInternalServerError, "no randomness")
	}
	p.issued = append(p.issued, c.now.Unix())
	return c.oauth(tokenBody(t))
}

func (s *Sim) exchangeRefresh(c *machineCall, form url.Values) answer {
	old := s.refresh[form.Get("refresh_token")]
	if old == nil || !old.refreshable(c.now) || s.byID(old.userID) == nil {
		return oauthError(c, "bad_refresh_token", "The refresh token passed is incorrect or expired.")
	}
	old.ended = true // the access token beside it too, and without grace
	t, err := s.issue(old.userID, old.scopes, c.now)
	if err != nil {
		return problem(http.StatusInternalServerError, "no randomness")
	}
	return c.oauth(tokenBody(t))
}

func tokenBody(t *token) map[string]any {
	body := map[string]any{"access_token": t.access, "token_type": "bearer", "scope": t.scope()}
	if t.refresh != "" {
		body["expires_in"] = int(accessLife.Seconds())
		body["refresh_token"] = t.refresh
		body["refresh_token_expires_in"] = int(refreshLife.Seconds())
	}
	return body
}

func oauthError(c *machineCall, name, description string) answer {
	return c.oauth(map[string]any{
		"error": name, "error_description": description,
		"error_uri": docsToken + "#" + strings.ReplaceAll(name, "_", "-"),
	})
}

// oauth writes JSON where it was asked for, else a form, which is GitHub's
// default and a classic surprise.
func (c *machineCall) oauth(body map[string]any) answer {
	for part := range strings.SplitSeq(c.r.Header.Get("Accept"), ",") {
		if kind, _, err := mime.ParseMediaType(part); err == nil && kind == "application/json" {
			return jsonAnswer(http.StatusOK, body)
		}
	}
	form := url.Values{}
	for name, value := range body {
		switch v := value.(type) {
		case string:
			form.Set(name, v)
		case int:
			form.Set(name, strconv.Itoa(v))
		}
	}
	a := answer{status: http.StatusOK, header: http.Header{}, body: []byte(form.Encode())}
	a.header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return a
}

// form reads the body as a form or as a JSON object of strings.
func (c *machineCall) form() url.Values {
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(c.body))
		if err == nil {
			return form
		}
	case "application/json":
		var body map[string]string
		if json.Unmarshal(c.body, &body) == nil {
			form := url.Values{}
			for name, value := range body {
				form.Set(name, value)
			}
			return form
		}
	}
	return url.Values{}
}

func (s *Sim) isClient(id, secret string) bool {
	return id != "" && secret != "" && id == s.o.ClientID &&
		subtle.ConstantTimeCompare([]byte(secret), []byte(s.o.ClientSecret)) == 1
}
