package gate

import (
	"time"

	"github.com/af-auth/af-auth"
)

// record is a person in memory: what applications are told, and what the
// permission is.
type record struct {
	id       afauth.ID
	githubID int64
	until    int64  // microseconds; 0: no end
	text     string // login, name and email, one behind the other
	apps     []string
	// lengths of the first two, in bytes; the database keeps 2,000 at most
	login, name uint16
	first       uint32 // of the person's sessions
}

func recordOf(u afauth.User) record {
	r := record{id: u.ID, githubID: u.GitHubID, apps: u.Apps}
	if u.Until != nil {
		r.until = u.Until.UnixMicro()
	}
	if len(u.Login)|len(u.Name) < 1<<16 {
		r.text, r.login, r.name = u.Login+u.Name+u.Email, uint16(len(u.Login)), uint16(len(u.Name)) // #nosec G115 -- just looked at
	}
	return r
}

// user returns the person as somebody who may come in.
func (r *record) user() afauth.User {
	u := afauth.User{
		ID: r.id, GitHubID: r.githubID,
		Login: r.text[:r.login], Name: r.text[r.login:][:r.name], Email: r.text[int(r.login)+int(r.name):],
		Whitelist: afauth.Whitelist{IsWhitelisted: true, Apps: r.apps},
	}
	if r.until != 0 {
		until := time.UnixMicro(r.until)
		u.Until = &until
	}
	return u
}
