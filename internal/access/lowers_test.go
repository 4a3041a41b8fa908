package access_test

import (
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Servers have to hear of what somebody loses, and of nothing else.
func TestLowers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	soon, late := now.Add(time.Hour), now.Add(2*time.Hour)
	over := now.Add(-time.Hour)
	person := func(in bool, until *time.Time, apps []string) access.Person {
		return access.Person{Now: now, User: afauth.User{Whitelist: afauth.Whitelist{IsWhitelisted: in, Until: until, Apps: apps}}}
	}
	for name, tt := range map[string]struct {
		before, after access.Person
		want          bool
	}{
		"as before":                 {person(true, nil, nil), person(true, nil, nil), false},
		"some of all":               {person(true, nil, nil), person(true, nil, []string{"a"}), true},
		"all of some":               {person(true, nil, []string{"a"}), person(true, nil, nil), false},
		"one more":                  {person(true, nil, []string{"a"}), person(true, nil, []string{"a", "b"}), false},
		"one for another":           {person(true, nil, []string{"a"}), person(true, nil, []string{"b"}), true},
		"none":                      {person(true, nil, []string{"a"}), person(true, nil, []string{}), true},
		"an end":                    {person(true, nil, nil), person(true, &late, nil), true},
		"a sooner end":              {person(true, &late, nil), person(true, &soon, nil), true},
		"a later end":               {person(true, &soon, nil), person(true, &late, nil), false},
		"no end":                    {person(true, &soon, nil), person(true, nil, nil), false},
		"who was not in":            {person(false, nil, nil), person(true, &soon, []string{"a"}), false},
		"whose permission was over": {person(true, &over, nil), person(true, &soon, []string{"a"}), false},
	} {
		c := access.Change{Change: postgres.Change{Before: &tt.before, After: tt.after}}
		if got := c.Lowers(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := access.Narrows(tt.before, access.Grant{Until: tt.after.Until, Apps: tt.after.Apps}); got != tt.want {
			t.Errorf("%s: a grant narrows: %v", name, got)
		}
		if c.Already = true; c.Lowers() {
			t.Errorf("%s: where nothing was changed, something was taken", name)
		}
	}
	if (access.Change{}).Lowers() {
		t.Error("somebody new has lost something")
	}
}
