package postgres_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// No query reads GitHub's tokens, by name or by a star: what nobody selects,
// nobody leaks.
func TestQueriesReadNoTokens(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`(?i)github_access_token|github_refresh_token|GithubAccessToken|GithubRefreshToken|(select|returning|,)\s+(\w+\.)?\*|row_to_json|to_jsonb?\s*\(`)
	for _, sample := range []string{"SELECT * FROM users", "returning *", "SELECT id, u.* FROM users u", "select github_access_token from users"} {
		if !forbidden.MatchString(sample) {
			t.Errorf("%q is not noticed", sample)
		}
	}
	read := 0
	for _, pattern := range []string{"queries/*.sql", "query/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			read++
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				isComment := strings.HasPrefix(line, "--") || strings.HasPrefix(line, "//")
				if found := forbidden.FindString(line); found != "" && !isComment {
					t.Errorf("%s: %s", name, found)
				}
			}
		}
	}
	if read < 10 {
		t.Errorf("only %d files were read", read)
	}
}
