package githubsim

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const docsAuthorize = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors/"

// request is a checked GET or POST of the authorize page.
type request struct {
	callback  *url.URL
	redirect  string // the redirect_uri as it was asked, "" where it was left out
	state     string
	challenge string
	scopes    []string
	hint      string // the suggested login
	noSignup  bool
}

// asked checks the query. Where it does not hold it answers itself and returns
// false: with a page where nobody may be sent anywhere, else with a redirect
// to the registered callback.
func (s *Sim) asked(w http.ResponseWriter, r *http.Request) (request, bool) {
	q := r.URL.Query()
	a := request{
		redirect: q.Get("redirect_uri"), state: q.Get("state"), challenge: q.Get("code_challenge"),
		hint: q.Get("login"), noSignup: q.Get("allow_signup") == "false",
	}
	if id := q.Get("client_id"); id == "" || id != s.o.ClientID {
		s.page.problem(w, http.StatusNotFound, "There is no app with this client id",
			"The address names the client id “"+id+"”, and another one is registered here. Set GITHUB_CLIENT_ID to the registered one, then sign in again.")
		return a, false
	}
	callback, ok := s.o.callback(a.redirect)
	if callback == nil {
		s.page.problem(w, http.StatusNotFound, "The app has no callback URL", "Register one, then sign in again.")
		return a, false
	}
	a.callback = callback
	if !ok {
		s.o.Logger.Warn("redirect_uri does not fit the registered callback", "registered", callback.String())
		s.sendError(w, r, a, "redirect_uri_mismatch",
			"The redirect_uri MUST match the registered callback URL for this application.", "#redirect-uri-mismatch")
		return a, false
	}
	if method := q.Get("code_challenge_method"); a.challenge != "" || method != "" {
		// RFC 7636 4.2: base64url without padding of 32 bytes.
		raw, err := base64.RawURLEncoding.DecodeString(a.challenge)
		if method != "S256" || err != nil || len(raw) != 32 {
			s.sendError(w, r, a, "invalid_request", "code_challenge needs code_challenge_method S256 and a SHA-256 in base64url.", "")
			return a, false
		}
	}
	a.scopes = s.o.grantable(q.Get("scope"))
	return a, true
}

// grantable keeps the scopes that this GitHub knows, in order, each once, and
// without those that a wider one includes.
func (o Options) grantable(scope string) []string {
	var out []string
	if o.GitHubApp {
		return out
	}
	known := []string{"user", "read:user", "user:email", "read:org", "repo", "gist", "workflow"}
	for _, want := range strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' }) {
		if slices.Contains(known, want) && !slices.Contains(out, want) {
			out = append(out, want)
		}
	}
	if slices.Contains(out, "user") {
		out = slices.DeleteFunc(out, func(s string) bool { return s == "read:user" || s == "user:email" })
	}
	slices.Sort(out)
	return out
}

// authorizePage shows who one may be. It is shown each time: GitHub would skip
// it for a person who has agreed before, unless prompt=select_account.
func (s *Sim) authorizePage(w http.ResponseWriter, r *http.Request) {
	if a, ok := s.asked(w, r); ok {
		s.showPicker(w, http.StatusOK, a, picker{})
	}
}

// authorizeAnswer takes the person's choice: deny, or login (of somebody who
// is here, or of somebody new, with an optional name).
func (s *Sim) authorizeAnswer(w http.ResponseWriter, r *http.Request) {
	a, ok := s.asked(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		s.page.problem(w, http.StatusBadRequest, "The form cannot be read", "Send login=LOGIN or deny=1 as a form of at most 64 KiB.")
		return
	}
	if r.PostForm.Get("deny") != "" {
		s.o.Logger.Info("denied")
		s.sendError(w, r, a, "access_denied", "The user has denied your application access.", "#access-denied")
		return
	}
	typed := picker{Typed: strings.TrimSpace(r.PostForm.Get("login")), TypedName: strings.TrimSpace(r.PostForm.Get("name"))}
	c, status, err := s.choose(a, typed, r.PostForm.Get("confirm") != "")
	switch {
	case err != nil:
		typed.Problem = sentence(err)
		s.showPicker(w, status, a, typed)
	case c == "":
		typed.Confirm = true
		s.showPicker(w, http.StatusOK, a, typed)
	default:
		s.send(w, r, a, url.Values{"code": {c}})
	}
}

// choose makes a code for the person. An empty code without an error asks for
// a confirmation first: ten tokens were given in the last hour, and GitHub
// stops there to break an endless loop of sign-ins.
func (s *Sim) choose(a request, typed picker, confirmed bool) (string, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byLogin(typed.Typed)
	if p == nil && a.noSignup {
		return "", http.StatusUnprocessableEntity, errUnknown
	}
	if p == nil || typed.TypedName != "" {
		added, err := s.add(User{Login: typed.Typed, Name: typed.TypedName})
		if err != nil {
			return "", http.StatusUnprocessableEntity, err
		}
		p = added
	}
	now := s.o.Now()
	if !s.o.NoTokenLimit && !confirmed && p.issuedLately(now) >= 10 {
		return "", 0, nil
	}
	s.sweep(now)
	value, err := s.random(codeLetters, 20)
	if err != nil {
		return "", http.StatusInternalServerError, err
	}
	s.codes[value] = &code{userID: p.ID, redirect: a.redirect, challenge: a.challenge, scopes: a.scopes, made: now}
	s.o.Logger.Info("authorized", "login", p.Login, "id", p.ID)
	return value, 0, nil
}

// send answers with the redirect to the callback, where state and iss
// (RFC 9207) are always added.
func (s *Sim) send(w http.ResponseWriter, r *http.Request, a request, answer url.Values) {
	s.mu.Lock()
	answer.Set("iss", s.baseURL(r)+"/login/oauth")
	s.mu.Unlock()
	answer.Set("state", a.state)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", back(a.callback, answer))
	w.WriteHeader(http.StatusFound)
}

func (s *Sim) sendError(w http.ResponseWriter, r *http.Request, a request, name, description, anchor string) {
	s.send(w, r, a, url.Values{"error": {name}, "error_description": {description}, "error_uri": {docsAuthorize + anchor}})
}

// code waits to be exchanged.
type code struct {
	userID    int64
	redirect  string
	challenge string
	scopes    []string
	made      time.Time
}

// codeLife is how long a code can be exchanged.
const codeLife = 10 * time.Minute

// proves says whether the verifier belongs to the challenge. A verifier for a
// code that was asked without a challenge is refused too: somebody took the
// challenge away on the way (RFC 9700 2.1.1).
func (c *code) proves(verifier string) bool {
	if c.challenge == "" || verifier == "" {
		return c.challenge == verifier
	}
	return subtle.ConstantTimeCompare([]byte(s256(verifier)), []byte(c.challenge)) == 1
}
