package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/pgserver"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/telemetry"
)

// dataFolder is where `af-auth dev` keeps its things.
const dataFolder = ".af-auth"

// databaseName is the database that everything is in.
const databaseName = "af_auth"

// devState is what a running `af-auth dev` leaves for the other commands of its
// tree, in dev.json, readable by its owner only.
type devState struct {
	AuthURL      string `json:"auth_url"`
	AppURL       string `json:"app_url"`
	GitHubURL    string `json:"github_url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

func devStateFile(data string) string { return filepath.Join(data, "dev.json") }

// load reads the settings, for every command but dev and serve.
func (e *Env) load() (*config.Config, error) {
	overrides, err := e.overrides()
	if err != nil {
		return nil, err
	}
	return e.loadWith(overrides)
}

// overrides are the settings that win over all others. With --data, and inside
// the tree of a running `af-auth dev` unless the settings name another database
// or are for production, the private server and its GitHub are meant.
func (e *Env) overrides() (map[string]string, error) {
	elsewhere := e.ConfigFile != "" || e.getenv("DATABASE_URL") != "" || e.getenv("DATABASE_URL_FILE") != "" ||
		e.getenv("AF_AUTH_ENV") == "production"
	if e.Data == "" && elsewhere {
		return nil, nil
	}
	found, err := e.running()
	if err == nil && found == nil && e.Data != "" {
		// Going on with another database would be the worst answer to a typing
		// mistake in --data.
		return nil, &afauth.Error{Code: afauth.CodeUnavailable,
			Message: fmt.Sprintf("no private PostgreSQL runs in %s", e.short(e.Data)),
			Hint:    "start it: af-auth dev --data " + e.short(e.Data)}
	}
	return found, err
}

func (e *Env) loadWith(overrides map[string]string) (*config.Config, error) {
	c, err := config.Load(config.Options{Environ: e.Environ, Dir: e.Dir, File: e.ConfigFile, Overrides: overrides})
	if err != nil {
		return nil, err
	}
	for _, w := range c.Warnings() {
		e.complain("warning: "+w, "")
	}
	return c, nil
}

// running finds the private server of this tree, if it runs.
func (e *Env) running() (map[string]string, error) {
	data := e.dataDir()
	if data == "" {
		return nil, nil
	}
	address, err := pgserver.Lookup(data)
	if errors.Is(err, pgserver.ErrNotRunning) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	overrides := map[string]string{
		"DATABASE_URL": address.URL(databaseName), "DIRECT_URL": "", "AF_AUTH_OWNER_URL": "",
	}
	raw, err := os.ReadFile(devStateFile(data)) // #nosec G304 -- the tree's own file
	if errors.Is(err, fs.ErrNotExist) {
		return overrides, nil
	}
	if err != nil {
		return nil, err
	}
	var state devState
	if err := json.Unmarshal(raw, &state); err != nil {
		return nil, fmt.Errorf("reading %s: %w", devStateFile(data), err)
	}
	overrides["AF_AUTH_URL"] = state.AuthURL
	overrides["GITHUB_URL"] = state.GitHubURL
	overrides["GITHUB_CLIENT_ID"] = state.ClientID
	overrides["GITHUB_CLIENT_SECRET"] = state.ClientSecret
	return overrides, nil
}

// dataDir is --data, or the nearest .af-auth here or above; empty if none.
func (e *Env) dataDir() string {
	if e.Data != "" {
		return e.Data
	}
	for dir := e.Dir; ; dir = filepath.Dir(dir) {
		candidate := filepath.Join(dir, dataFolder)
		if info, err := os.Stat(candidate); err == nil && info.IsDir() {
			return candidate
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// logger writes to stderr: stdout is for what the command says.
func (e *Env) logger(c *config.Config) *slog.Logger {
	return telemetry.NewLogger(e.Stderr, c.LogFormat, c.LogLevel)
}

// quiet is a logger for commands that people run by hand: they want to hear of
// trouble only.
func (e *Env) quiet() *slog.Logger { return telemetry.NewLogger(e.Stderr, "text", slog.LevelWarn) }

func dialer(c *config.Config, url pgurl.URL, application string, logger *slog.Logger) postgres.Dialer {
	return postgres.Dialer{
		URL: url, Timeout: c.ConnectTimeout,
		Retry:  postgres.Retry{Max: c.MaxRetries, Base: c.RetryDelay},
		Logger: logger, Application: application,
	}
}

func first(urls ...pgurl.URL) pgurl.URL {
	for _, u := range urls {
		if !u.IsZero() {
			return u
		}
	}
	return pgurl.URL{}
}

// open opens the pool of one command.
func (e *Env) open(ctx context.Context, c *config.Config) (*postgres.DB, error) {
	if err := c.Need("DATABASE_URL"); err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Options{
		Dialer:  dialer(c, c.DatabaseURL, "af-auth command", e.quiet()),
		PoolMin: 0, PoolMax: 2, Wait: poolWait(c),
	})
}

// people opens what the commands about people need. The caller closes.
func (e *Env) people(ctx context.Context) (*access.People, *postgres.DB, error) {
	c, err := e.load()
	if err != nil {
		return nil, nil, err
	}
	db, err := e.open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	var client *github.Client
	if c.GitHubClientID != "" && c.GitHubClientSecret.IsSet() {
		if client, err = githubClient(c, e.Version); err != nil {
			db.Close()
			return nil, nil, err
		}
	}
	return access.New(db, client, limits(c)), db, nil
}

func githubClient(c *config.Config, version string) (*github.Client, error) {
	return github.New(github.Options{
		BaseURL: c.GitHubURL, ClientID: c.GitHubClientID, ClientSecret: c.GitHubClientSecret.Reveal(),
		UserAgent: "af-auth/" + version,
	})
}

func limits(c *config.Config) afauth.SessionLimits {
	return afauth.SessionLimits{Idle: c.SessionIdle, Max: c.SessionMax}
}
