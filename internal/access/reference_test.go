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
