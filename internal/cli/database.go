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
	"slices"

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
	AuthURL string `json:"auth_url"`
	AppURL  string `json:"app_url"`
	// Hosts is what AF_AUTH_HOSTS is there.
	Hosts        string `json:"hosts"`
	GitHubURL    string `json:"github_url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

func devStateFile(data string) string { return filepath.Join(data, "dev.json") }

// load reads the settings, for every command but dev and serve. They are read,
// and warned about, once.
func (e *Env) load() (*config.Config, error) {
	if e.loaded != nil {
		return e.loaded, nil
	}
	found, err := e.overrides()
	if err != nil {
		return nil, err
	}
	c, err := e.settings(found)
	if err != nil {
		return nil, err
	}
	e.warn(c)
	e.mention(c, found)
	e.loaded = c
	return c, nil
}

// overrides are settings that win over others, and where they come from.
type overrides struct {
	values, sources map[string]string
	// unasked says that nobody chose them with --data.
	unasked bool
}

// overrides finds the settings that win over all others. With --data, and inside
// the tree of a running `af-auth dev` unless the settings name another database
// or are for production, the private server and its GitHub are meant.
func (e *Env) overrides() (overrides, error) {
	elsewhere := e.ConfigFile != "" || e.namesDatabase() || e.getenv("AF_AUTH_ENV") == "production"
	if e.Data == "" && elsewhere {
		return overrides{}, nil
	}
	found, err := e.running()
	if err == nil && found.values == nil && e.Data != "" {
		// Going on with another database would be the worst answer to a typing
		// mistake in --data.
		return overrides{}, e.asleep(e.Data, " --data "+e.short(e.Data))
	}
	found.unasked = e.Data == ""
	return found, err
}

// namesDatabase reports whether the environment names a database, by any of the
// settings that do: whoever names the owner's for a migration means that one.
func (e *Env) namesDatabase() bool {
	return slices.ContainsFunc([]string{"DATABASE_URL", "DIRECT_URL", "AF_AUTH_OWNER_URL"}, func(name string) bool {
		return e.getenv(name) != "" || e.getenv(name+"_FILE") != ""
	})
}

// asleep says that a folder's private server does not run.
func (e *Env) asleep(data, flag string) error {
	return &afauth.Error{Code: afauth.CodeUnavailable,
		Message: fmt.Sprintf("no private PostgreSQL runs in %s", e.short(data)),
		Hint:    "start it: af-auth dev" + flag}
}

// needDatabase returns an error where no database is named. In the folder of a
// private server that one was meant.
func (e *Env) needDatabase(c *config.Config) error {
	err := c.Need("DATABASE_URL")
	if data := e.dataDir(); err != nil && data != "" && e.ConfigFile == "" && !e.namesDatabase() && c.DatabaseURL.IsZero() && !c.Production {
		return e.asleep(data, "; or set DATABASE_URL to use another database")
	}
	return err
}

// settings reads the settings for showing them: unlike load it hands them back
// beside their faults.
func (e *Env) settings(o overrides) (*config.Config, error) {
	return config.Load(config.Options{Environ: e.Environ, Dir: e.Dir, File: e.ConfigFile, Overrides: o.values, Sources: o.sources})
}

// loadWith reads the settings of dev and serve. What dev sets itself is named so
// in faults.
func (e *Env) loadWith(values map[string]string) (*config.Config, error) {
	sources := map[string]string{}
	for name := range values {
		sources[name] = "af-auth dev"
	}
	c, err := e.settings(overrides{values: values, sources: sources})
	if err != nil {
		return nil, err
	}
	e.warn(c)
	return c, nil
}

func (e *Env) warn(c *config.Config) {
	for _, w := range c.Warnings() {
		e.complain("warning: "+w, "")
	}
}

// mention says that the private server has the place of another database that
// somebody wrote down: they may well mean that one.
func (e *Env) mention(c *config.Config, o overrides) {
	if where := c.Hidden("DATABASE_URL"); where != "" && o.unasked {
		e.complain(fmt.Sprintf("using the %s, not the DATABASE_URL of %s; to use that one: --config .env, or set DATABASE_URL in the environment",
			o.sources["DATABASE_URL"], where), "")
	}
}

// running finds the private server of this tree, if it runs.
func (e *Env) running() (overrides, error) {
	data := e.dataDir()
	if data == "" {
		return overrides{}, nil
	}
	address, err := pgserver.Lookup(data)
	if errors.Is(err, pgserver.ErrNotRunning) || errors.Is(err, fs.ErrPermission) {
		return overrides{}, nil
	}
	if err != nil {
		return overrides{}, err
	}
	found := overrides{values: map[string]string{}, sources: map[string]string{}}
	set := func(source string, values map[string]string) {
		for name, value := range values {
			found.values[name], found.sources[name] = value, source
		}
	}
	set("private PostgreSQL of "+e.short(data), map[string]string{
		"DATABASE_URL": address.URL(databaseName), "DIRECT_URL": "", "AF_AUTH_OWNER_URL": "",
	})
	raw, err := os.ReadFile(devStateFile(data)) // #nosec G304 -- the tree's own file
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return overrides{}, err
	}
	var state devState
	if err := json.Unmarshal(raw, &state); err != nil {
		return overrides{}, fmt.Errorf("reading %s: %w", devStateFile(data), err)
	}
	set("af-auth dev of "+e.short(data), map[string]string{
		"AF_AUTH_URL": state.AuthURL, "AF_AUTH_HOSTS": state.Hosts, "GITHUB_URL": state.GitHubURL,
		"GITHUB_CLIENT_ID": state.ClientID, "GITHUB_CLIENT_SECRET": state.ClientSecret,
	})
	return found, nil
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
	if err := e.needDatabase(c); err != nil {
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
