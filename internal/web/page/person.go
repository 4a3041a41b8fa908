package page

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	afauth "github.com/af-auth/af-auth"
)

// Person is somebody with a GitHub account, as pages name them.
type Person struct {
	// Name and Login may be empty, right-to-left, or long.
	Name  string
	Login string
	// GitHubID is GitHub's number of the account; 0 where not known.
	GitHubID int64
	// AvatarURL is shown only when GitHub itself serves it; see Picture.
	AvatarURL string
}

// PersonOf takes from a user what pages show.
func PersonOf(u afauth.User) Person {
	return Person{Name: u.Name, Login: u.Login, GitHubID: u.GitHubID, AvatarURL: u.AvatarURL}
}

// Display is the best name there is: the name, else the login, else the id.
func (p Person) Display() string {
	if name := strings.TrimSpace(p.Name); name != "" {
		return name
	}
	return afauth.User{Login: p.Login, GitHubID: p.GitHubID}.DisplayName()
}

// Account is the line below Display: login and id, as far as Display has not
// said them and they are known.
func (p Person) Account() string {
	id := fmt.Sprintf("GitHub id %d", p.GitHubID)
	switch {
	case p.Login == "" && p.Display() == id:
		return ""
	case p.Login == "":
		return id
	case p.GitHubID == 0:
		return "@" + p.Login
	default:
		return "@" + p.Login + " · " + id
	}
}

// Handle is the account in a sentence: "@octocat", else "GitHub id 583231".
func (p Person) Handle() string {
	if p.Login != "" {
		return "@" + p.Login
	}
	return fmt.Sprintf("GitHub id %d", p.GitHubID)
}

// plainLogin is the alphabet of GitHub's logins; managed users have an
// underscore.
var plainLogin = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// AllowCommand is the command that lets the person in. It is made to be copied
// into a shell, so a login that GitHub could not have given is not put in it.
func (p Person) AllowCommand(program string) string {
	if program == "" {
		program = "af-auth"
	}
	if plainLogin.MatchString(p.Login) {
		return program + " allow " + p.Login
	}
	return fmt.Sprintf("%s allow '#%d'", program, p.GitHubID)
}

// Picture returns AvatarURL when it is an https address at GitHub's own picture
// host, and otherwise nothing: a picture from anywhere else would tell that
// place who looks at this page. The Content-Security-Policy says the same.
func (p Person) Picture() string {
	u, err := url.Parse(p.AvatarURL)
	if err != nil || u.Scheme != "https" || u.Host != avatarHost || u.User != nil {
		return ""
	}
	return u.String()
}

// Initials are one or two letters to stand where no picture is: of the first
// and last word of the name, else the first letters of the login, else "#".
func (p Person) Initials() string {
	var letters []rune
	for word := range strings.FieldsSeq(p.Name) {
		if first, ok := firstLetter(word); ok {
			letters = append(letters, first)
		}
	}
	if len(letters) > 2 {
		letters = []rune{letters[0], letters[len(letters)-1]}
	}
	if len(letters) == 0 {
		for _, r := range p.Login {
			if len(letters) < 2 && isLetter(r) {
				letters = append(letters, r)
			}
		}
	}
	if len(letters) == 0 {
		return "#"
	}
	return strings.ToUpper(string(letters))
}

func firstLetter(word string) (rune, bool) {
	for _, r := range word {
		if isLetter(r) {
			return r, true
		}
	}
	return 0, false
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
