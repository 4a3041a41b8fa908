package config

import (
	"strconv"
	"strings"
)

// readAdmins reads the list of administrators, in the form in which commands
// name people. A bare number is refused: it may be a login too, and whoever has
// that login would be an administrator by mistake.
func readAdmins(c *Config, value string) *Fault {
	const hint = "write logins and GitHub ids with their #, separated by commas: octocat,#583231"
	var admins []string
	seen := map[string]bool{}
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		digits, isID := strings.CutPrefix(item, "#")
		login := strings.TrimPrefix(item, "@")
		switch n, err := strconv.ParseInt(digits, 10, 64); {
		case isID && (err != nil || n <= 0):
			return wrong(hint, "holds %s, which is no GitHub id", quote(item))
		case isID:
			item = "#" + strconv.FormatInt(n, 10)
		case err == nil:
			return wrong("write #"+item+" for the id; somebody whose login is a number is named by the id too",
				"holds %s, which may be an id or a login", quote(item))
		case !isLogin(login):
			return wrong(hint, "holds %s, which is neither a login nor a GitHub id", quote(item))
		default:
			item = strings.ToLower(login)
		}
		if seen[item] {
			return wrong("keep one of them", "names %s twice", quote(item))
		}
		seen[item] = true
		admins = append(admins, item)
	}
	c.Admins = admins
	return nil
}

// isLogin accepts GitHub's logins, and the longer ones with an underscore of
// managed users.
func isLogin(s string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
