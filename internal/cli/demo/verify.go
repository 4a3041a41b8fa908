package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

const (
	// verifyTimeout is how long one answer of af-auth may take, its body
	// included.
	verifyTimeout = 2 * time.Second
	// maxProblem is the most bytes of a refusal that are read.
	maxProblem = 64 << 10
)

// identityHeaders are what af-auth sends with a 200, always all of them, empty
// where there is no value.
func identityHeaders() []string {
	return []string{
		"X-Auth-Request-User",      // GitHub login
		"X-Auth-Request-User-Id",   // af-auth's own UUID: the key to store
		"X-Auth-Request-Github-Id", // GitHub's number
		"X-Auth-Request-Email",     // verified, or empty
		"X-Auth-Request-Name",      // percent-encoded UTF-8
	}
}

// verdict is af-auth's answer about one request.
type verdict struct {
	// status is 200, 401 or 403, never anything else.
	status int
	// identity holds the five headers when status is 200.
	identity http.Header
	// problem is the JSON body otherwise.
	problem []byte
}

// verify asks af-auth whether the request may pass. Every answer outside the
// contract is an error: a redirect, a 204, a missing header, a body that is not
// JSON. The caller lets nobody in then.
func (p *proxy) verify(r *http.Request) (verdict, error) {
	ctx, cancel := context.WithTimeout(r.Context(), verifyTimeout)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, p.authURL.JoinPath("/auth/verify").String(), nil)
	if err != nil {
		return verdict{}, err
	}
	// The session belongs to the host that the browser sees.
	ask.Host = r.Host
	// As many lines as came: af-auth refuses a cookie that comes twice, and
	// must be able to see that.
	ask.Header["Cookie"] = r.Header["Cookie"]
	ask.Header.Set("X-Original-URI", r.RequestURI)
	ask.Header.Set("X-Original-Method", r.Method)
	ask.Header.Set("Accept", "application/problem+json")

	// RoundTrip, not Client: a redirect must never be followed to a 200.
	answer, err := p.auth.RoundTrip(ask)
	if err != nil {
		return verdict{}, err
	}
	defer answer.Body.Close() //nolint:errcheck // nothing was written
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxProblem+1))
	if err != nil {
		return verdict{}, fmt.Errorf("read the answer: %w", err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return passing(answer.Header)
	case http.StatusUnauthorized, http.StatusForbidden:
		return refusing(answer, body)
	}
	return verdict{}, fmt.Errorf("status %d is not an answer about access", answer.StatusCode)
}

func passing(h http.Header) (verdict, error) {
	identity := make(http.Header)
	for _, name := range identityHeaders() {
		values := h.Values(name)
		if len(values) != 1 {
			return verdict{}, fmt.Errorf("header %s came %d times", name, len(values))
		}
		identity.Set(name, values[0])
	}
	if identity.Get("X-Auth-Request-User-Id") == "" {
		return verdict{}, fmt.Errorf("header X-Auth-Request-User-Id is empty")
	}
	return verdict{status: http.StatusOK, identity: identity}, nil
}

func refusing(answer *http.Response, body []byte) (verdict, error) {
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || media != "application/problem+json" || len(body) > maxProblem || !json.Valid(body) {
		return verdict{}, fmt.Errorf("status %d came without a problem in JSON", answer.StatusCode)
	}
	return verdict{status: answer.StatusCode, problem: body}, nil
}
