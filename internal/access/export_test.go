package access

import "github.com/af-auth/af-auth"

// ParseRef reads a person as somebody wrote it.
func ParseRef(s string) (login string, githubID int64, id afauth.ID, err error) {
	r, err := parseRef(s)
	return r.login, r.githubID, r.id, err
}
