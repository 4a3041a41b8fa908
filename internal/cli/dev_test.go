package cli

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

// README.md shows what `make run` ends with.
func TestAnnouncementIsInTheReadme(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	state := devState{AuthURL: "http://127.0.0.1:8080", AppURL: "http://127.0.0.1:8081"}
	var want strings.Builder
	for line := range strings.Lines(announcement("bin/af-auth", state, "http://127.0.0.1:8082"+simulatorNote, "http://127.0.0.1:5555/open?key=…", nil)) {
		if line = strings.TrimPrefix(line, "  "); line != "\n" {
			want.WriteString("    ")
		}
		want.WriteString(line)
	}
	if !strings.Contains(string(page), want.String()) {
		t.Errorf("README.md does not show this:\n%s", want.String())
	}
}

// What somebody set is honoured, or they are told that it is not.
func TestDevSettings(t *testing.T) {
	t.Parallel()
	load := func(environ []string, values map[string]string) *config.Config {
		c, err := config.Load(config.Options{Environ: environ, Overrides: values})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	set := []string{"AF_AUTH_METRICS_LISTEN=127.0.0.1:9090", "AF_AUTH_URL=http://127.0.0.1:9999", "AF_AUTH_LISTEN=127.0.0.1:8080", "AF_AUTH_CONTACT=it@example.com"}
	used := map[string]string{"AF_AUTH_METRICS_LISTEN": "", "AF_AUTH_URL": "http://127.0.0.1:8080", "AF_AUTH_LISTEN": "127.0.0.1:8080"}
	want := []string{"AF_AUTH_URL (environment)", "AF_AUTH_METRICS_LISTEN (environment)"}
	if got := overruled(load(set, nil), load(set, used)); !slices.Equal(got, want) {
		t.Errorf("overruled %q, want %q", got, want)
	}
	if got := overruled(load(nil, nil), load(nil, used)); len(got) > 0 {
		t.Errorf("overruled %q, and nothing was set", got)
	}
	for _, c := range []struct {
		environ string
		verbose bool
		want    slog.Level
	}{
		{"", false, slog.LevelWarn},
		{"", true, slog.LevelInfo},
		{"AF_AUTH_LOG_LEVEL=info", false, slog.LevelInfo},
		{"AF_AUTH_LOG_LEVEL=error", false, slog.LevelError},
		{"AF_AUTH_LOG_LEVEL=debug", true, slog.LevelDebug},
		{"AF_AUTH_LOG_LEVEL=error", true, slog.LevelInfo},
	} {
		if got := (&devCmd{Verbose: c.verbose}).logLevel(load([]string{c.environ}, nil)); got != c.want {
			t.Errorf("%q, verbose %v: %s, want %s", c.environ, c.verbose, got, c.want)
		}
	}
}

// Who decides in the browser is told where; and where the data is kept elsewhere,
// what is to be typed says so.
func TestAnnouncementNames(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	e := &Env{Data: data, Dir: "/"}
	if want := " --data " + data; !strings.HasSuffix(e.beside(), want) {
		t.Errorf("%q has no %q at its end", e.beside(), want)
	}
	text := announcement(e.beside(), devState{AuthURL: "http://127.0.0.1:8080"}, "", "", []string{"octocat", "#480938"})
	for _, want := range []string{"--data " + data + " allow octocat\n", "--data " + data + " users, ", "\n  people     http://127.0.0.1:8080/auth/people, for octocat, #480938\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
