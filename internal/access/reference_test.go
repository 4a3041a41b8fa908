package access_test

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
)

func TestReference(t *testing.T) {
	t.Parallel()
	uuid := afauth.ID{0x0f, 0xee}
	for ref, want := range map[string]struct {
		login    string
		githubID int64
		id       afauth.ID
	}{
		"octocat":                          {login: "octocat"},
		"@octocat":                         {login: "octocat"},
		"Octo-Cat":                         {login: "Octo-Cat"},
		"mona_acme":                        {login: "mona_acme"}, // an Enterprise Managed User
		"583231":                           {login: "583231"},    // logins may be numbers
		"#583231":                          {githubID: 583231},
		"#9223372036854775807":             {githubID: 1<<63 - 1},
		uuid.String():                      {id: uuid},
		strings.ToUpper(uuid.String()):     {id: uuid},
		strings.Repeat("x", 100):           {login: strings.Repeat("x", 100)},
		"0fee0000000040008000000000000000": {login: "0fee0000000040008000000000000000"},
	} {
		login, githubID, id, err := access.ParseRef(ref)
		if err != nil || login != want.login || githubID != want.githubID || id != want.id {
			t.Errorf("%q: %q, %d, %s, %v", ref, login, githubID, id, err)
		}
	}
	for _, ref := range []string{
		"", "@", "#", "#0", "#-1", "#1.5", "#x", "#9223372036854775808", "##1", "@@a", "# 1", "octo cat", "octocat ", "dependabot[bot]",
		"a/b", "../x", "a@b.example", "ä", "a\x00", "a\n", "%", "';--", strings.Repeat("x", 101), "https://github.com/octocat",
	} {
		_, _, _, err := access.ParseRef(ref)
		fails(t, ref, err, afauth.CodeInvalid)
	}
	for ref, message := range map[string]string{
		"":                                      "no person is named",
		"#abc":                                  `"#abc" is not a GitHub id`,
		"#0":                                    `"#0" is not a GitHub id`,
		"Mona Octocat":                          `"Mona Octocat" is not a login`,
		"mona@example.com":                      "not the name or the e-mail address",
		"6d0c1a9e-6f5b-4c7e-9a53-2b1f0000001":   "looks like a UUID and is not one", // a digit is missing
		"6d0c1a9e-6f5b-4c7e-9a53-2b1f000000011": "looks like a UUID",                // one too many
		"6d0c1a9e-6f5b-4c7e-9a53-2b1f0000000g":  "looks like a UUID",                // no such digit
		"6d0c1a9-6f5b-4c7e-9a53-2b1f00000001":   "looks like a UUID",                // missing in the first group
		"00000000-0000-0000-0000-000000000000":  "looks like a UUID",                // names nobody
	} {
		_, _, _, err := access.ParseRef(ref)
		fails(t, ref, err, afauth.CodeInvalid, message)
	}
	for _, login := range []string{"a-b-c-d-e", "face-feed-dead-beef", "deadbeef-cafe"} {
		if got, _, _, err := access.ParseRef(login); err != nil || got != login {
			t.Errorf("%q: %q, %v", login, got, err)
		}
	}
}

// Whatever somebody writes is one thing or an error, and a login that comes out
// can stand in a path and in a query as it is.
func FuzzReference(f *testing.F) {
	for _, seed := range []string{"octocat", "@octocat", "#583231", "#-1", "00000000-0000-4000-8000-000000000001", "", "a b", "\xff", "#0x10", "#+5", afauth.ID{}.String()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		login, githubID, id, err := access.ParseRef(s)
		set := 0
		for _, is := range []bool{login != "", githubID != 0, !id.IsZero()} {
			if is {
				set++
			}
		}
		if err == nil && set != 1 {
			t.Errorf("%q: %q, %d, %s", s, login, githubID, id)
		}
		if err != nil && (set != 0 || afauth.CodeOf(err) != afauth.CodeInvalid) {
			t.Errorf("%q: %q, %d, %s, %v", s, login, githubID, id, err)
		}
		if githubID < 0 || strings.ContainsAny(login, "/?#%\\'\" \x00") || len(login) > 100 {
			t.Errorf("%q: %q, %d", s, login, githubID)
		}
	})
}
