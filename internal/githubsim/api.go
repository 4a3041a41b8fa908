package githubsim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// asPerson runs h for the person whose token the call carries.
func (s *Sim) asPerson(c *machineCall, h func(*person, *token) answer) answer {
	t := s.access[c.bearer()]
	if t == nil || !t.alive(c.now) {
		return problem(http.StatusUnauthorized, "Bad credentials")
	}
	p := s.byID(t.userID)
	if p == nil {
		return problem(http.StatusUnauthorized, "Bad credentials")
	}
	t.used = c.now
	return limited(&t.window, limitToken, c.now, func() answer {
		a := h(p, t)
		a.header.Set("X-OAuth-Scopes", strings.Join(t.scopes, ", "))
		a.header.Set("X-OAuth-Client-Id", s.o.ClientID)
		return a
	})
}

// asAnyone runs h for a person, for the app with its own credentials, or for a
// stranger; each has a limit of its own.
func (s *Sim) asAnyone(c *machineCall, h func() answer) answer {
	if id, secret, ok := c.r.BasicAuth(); ok {
		if !s.isClient(id, secret) {
			return problem(http.StatusUnauthorized, "Bad credentials")
		}
		return limited(s.counter("app"), limitToken, c.now, h)
	}
	if c.r.Header.Get("Authorization") != "" {
		return s.asPerson(c, func(*person, *token) answer { return h() })
	}
	return limited(s.counter("stranger "+c.address()), limitStranger, c.now, h)
}

func (s *Sim) getUser(c *machineCall) answer {
	return s.asPerson(c, func(p *person, t *token) answer {
		body := publicUser(p.User, c.base)
		if s.may(t, "user", "read:user") {
			addPrivate(body)
		}
		return jsonAnswer(http.StatusOK, body)
	})
}

func (s *Sim) getEmails(c *machineCall) answer {
	return s.asPerson(c, func(p *person, t *token) answer {
		if !s.may(t, "user", "user:email") {
			// GitHub hides what the scope does not show.
			a := problem(http.StatusNotFound, "Not Found")
			a.header.Set("X-Accepted-OAuth-Scopes", "user, user:email")
			return a
		}
		list := []map[string]any{}
		for _, e := range p.addresses() {
			m := map[string]any{"email": e.Address, "primary": e.Primary, "verified": e.Verified, "visibility": nil}
			if e.Primary {
				m["visibility"] = "private"
			}
			list = append(list, m)
		}
		return jsonAnswer(http.StatusOK, list)
	})
}

func (s *Sim) getUserByLogin(c *machineCall) answer {
	return s.asAnyone(c, func() answer { return found(c, s.byLogin(c.r.PathValue("login"))) })
}

func (s *Sim) getUserByID(c *machineCall) answer {
	return s.asAnyone(c, func() answer {
		id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
		if err != nil {
			return problem(http.StatusNotFound, "Not Found")
		}
		return found(c, s.byID(id))
	})
}

func found(c *machineCall, p *person) answer {
	if p == nil {
		return problem(http.StatusNotFound, "Not Found")
	}
	return jsonAnswer(http.StatusOK, publicUser(p.User, c.base))
}

// meta answers the question whether this is a GitHub and which.
func (s *Sim) meta(*machineCall) answer {
	return jsonAnswer(http.StatusOK, map[string]any{
		"verifiable_password_authentication": false,
		"installed_version":                  "simulator",
	})
}

func (s *Sim) noSuchAPI(*machineCall) answer { return problem(http.StatusNotFound, "Not Found") }

// publicUser is the public form of an account.
// https://docs.github.com/en/rest/users/users#get-a-user
func publicUser(u User, base string) map[string]any {
	m := simpleUser(u, base)
	for _, name := range []string{"company", "location", "email", "hireable", "bio", "twitter_username"} {
		m[name] = nil
	}
	m["name"] = nil
	if u.Name != "" {
		m["name"] = u.Name
	}
	m["blog"] = ""
	for _, name := range []string{"public_repos", "public_gists", "followers", "following"} {
		m[name] = 0
	}
	born := time.Date(2011, time.January, 25, 18, 44, 36, 0, time.UTC).Format(time.RFC3339)
	m["created_at"], m["updated_at"] = born, born
	return m
}

// simpleUser is the short form, which other answers contain.
func simpleUser(u User, base string) map[string]any {
	api := base + "/api/v3/users/" + u.Login
	return map[string]any{
		"login": u.Login, "id": u.ID, "type": "User", "user_view_type": "public", "site_admin": false,
		"node_id":             base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "04:User%d", u.ID)),
		"avatar_url":          fmt.Sprintf("%s/avatars/u/%d?v=4", base, u.ID),
		"gravatar_id":         "",
		"url":                 api,
		"html_url":            base + "/" + u.Login,
		"followers_url":       api + "/followers",
		"following_url":       api + "/following{/other_user}",
		"gists_url":           api + "/gists{/gist_id}",
		"starred_url":         api + "/starred{/owner}{/repo}",
		"subscriptions_url":   api + "/subscriptions",
		"organizations_url":   api + "/orgs",
		"repos_url":           api + "/repos",
		"events_url":          api + "/events{/privacy}",
		"received_events_url": api + "/received_events",
	}
}

// addPrivate adds what the owner sees with the scope read:user.
func addPrivate(m map[string]any) {
	m["user_view_type"] = "private"
	for _, name := range []string{"private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators"} {
		m[name] = 0
	}
	m["two_factor_authentication"] = true
	m["plan"] = map[string]any{"name": "free", "space": 976562499, "private_repos": 10000, "collaborators": 0}
}
