package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
)

// large is the database of many people, each with a session.
func (s *site) large(ctx context.Context) (crowd, error) {
	return s.crowd(ctx, "many", s.size(10_000_000), 1)
}

// perPage is how many people a page shows.
const perPage = 50

// runLists measures lists of people as the command and the page ask for them.
func runLists(ctx context.Context, s *site) error {
	c, err := s.large(ctx)
	if err != nil {
		return err
	}
	db, err := openDB(ctx, c.url, 10*time.Second)
	if err != nil {
		return err
	}
	defer db.Close()
	people := access.New(db, nil, afauth.SessionLimits{Idle: idle, Max: maxAge})
	title("Lists of %s people, %d a page, 200 different questions of each kind", thousands(c.people), perPage)
	head("what", "p50", "p99", "max", "goal for p99")
	for _, l := range c.lists() {
		var took []time.Duration
		for n := -20; n < 200; n++ {
			f := l.filter()
			f.Limit = perPage
			begun := time.Now()
			if _, err := people.List(ctx, f); err != nil {
				return fmt.Errorf("%s: %w", l.what, err)
			}
			if n >= 0 {
				took = append(took, time.Since(begun))
			}
		}
		slices.Sort(took)
		line(l.what, long(share(took, 0.5)), long(share(took, 0.99)), long(took[len(took)-1]), l.goal)
	}
	took, err := s.peoplePage(ctx, c)
	if err != nil {
		return err
	}
	line("GET /auth/people, over HTTP", long(share(took, 0.5)), long(share(took, 0.99)), long(took[len(took)-1]), "≤ 50 ms")
	return nil
}

// listed is a kind of list; filter makes a different question each time.
type listed struct {
	what, goal string
	filter     func() access.Filter
}

func (c crowd) lists() []listed {
	end := time.Now()
	// nick is what stands in the login of somebody.
	nick := func() string { login, _, _ := profile(anyOf(c.people)); return login[len("dev-"):] }
	long := func(least, most int) int { return least + rand.IntN(most-least+1) } // #nosec G404 -- picks what is measured
	part := func(least, most int) string {
		text, n := nick(), long(least, most)
		from := rand.IntN(len(text) - n + 1) // #nosec G404 -- as above
		return text[from : from+n]
	}
	return []listed{
		{"newest people, first page", "≤ 5 ms", func() access.Filter { return access.Filter{} }},
		{"newest people, any page", "≤ 5 ms", func() access.Filter {
			return access.Filter{After: &access.Key{At: end.Add(-time.Duration(anyOf(c.people)) * time.Second), ID: afauth.NewID()}}
		}},
		{"prefix of 1 to 8 letters, first page", "≤ 10 ms", func() access.Filter { return access.Filter{Prefix: "dev-" + nick()[:long(1, 8)]} }},
		{"prefix, any page", "≤ 10 ms", func() access.Filter {
			return access.Filter{Prefix: "dev-", After: &access.Key{Login: "dev-" + nick(), ID: afauth.NewID()}}
		}},
		{"not allowed, first page", "≤ 10 ms", func() access.Filter { return access.Filter{Access: afauth.Refused} }},
		{"not allowed, any page", "≤ 10 ms", func() access.Filter {
			return access.Filter{Access: afauth.Refused, After: &access.Key{At: end.Add(-time.Duration(anyOf(c.people)) * time.Second), ID: afauth.NewID()}}
		}},
		{"not allowed, prefix of 1 letter", "≤ 10 ms", func() access.Filter {
			return access.Filter{Access: afauth.Refused, Prefix: "dev-" + nick()[:1]}
		}},
		{"3 letters of a name", "≤ 150 ms", func() access.Filter { return access.Filter{Search: part(3, 3)} }},
		{"4 to 8 letters", "≤ 150 ms", func() access.Filter { return access.Filter{Search: part(4, 8)} }},
		{"what everybody has", "≤ 150 ms", func() access.Filter { return access.Filter{Search: "person"} }},
		{"what nobody has", "≤ 150 ms", func() access.Filter { return access.Filter{Search: part(3, 3) + "xyz"} }},
	}
}
