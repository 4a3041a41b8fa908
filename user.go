package afauth

import (
	"fmt"
	"time"
)

// User is a person known by a GitHub account. The numeric GitHubID is the
// identity: logins are renamed and taken again by strangers.
type User struct {
	ID       ID
	GitHubID int64
	// Login, Name, Email and AvatarURL are what GitHub said at the last
	// sign-in, and empty for a person who was allowed beforehand and has not
	// signed in yet. Email is the verified primary address, known only when the
	// scope was granted.
	Login     string
	Name      string
	Email     string
	AvatarURL string
	Whitelist
	LastSignInAt *time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// DisplayName is the best name for a page or a message: the name, else the
// login, else the GitHub id.
func (u User) DisplayName() string {
	switch {
	case u.Name != "":
		return u.Name
	case u.Login != "":
		return u.Login
	default:
		return fmt.Sprintf("GitHub id %d", u.GitHubID)
	}
}

// Handle is how people name the account in commands: the login, or #id where
// no login is known.
func (u User) Handle() string {
	if u.Login != "" {
		return u.Login
	}
	return fmt.Sprintf("#%d", u.GitHubID)
}
