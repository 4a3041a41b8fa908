package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/cli/demo"
	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgserver"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/telemetry"
)

type devCmd struct {
	Port         int  `help:"Port of af-auth; the demo application takes the next one, the simulator the one after. 0: any that are free." default:"8080"`
	DatabasePort int  `help:"Let the private PostgreSQL listen on this port of 127.0.0.1 too; without it, it has a socket only." placeholder:"PORT"`
	JSON         bool `help:"Print one line of JSON when all is ready, for scripts."`
	Verbose      bool `short:"v" help:"Log every request."`
}

// Help is shown by --help.
func (devCmd) Help() string {
	return `Everything runs on loopback, and the data stays in .af-auth (or --data DIR)
between runs. With GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET set, the real
GitHub is asked and there is no simulator. Ctrl-C ends it all.`
}

// devLinks is what a script wants to know.
type devLinks struct {
	AuthURL     string `json:"auth_url"`
	AppURL      string `json:"app_url"`
	GitHubURL   string `json:"github_url"`
	DatabaseURL string `json:"database_url"`
	// StudioURL opens studio once.
	StudioURL string `json:"studio_url"`
}

// Run starts the private server, af-auth, the simulator and the demo
// application, and stops them all when one of them ends or ctx does.
func (d *devCmd) Run(ctx context.Context, e *Env) (err error) {
	own, err := e.loadWith(nil)
	if err != nil {
		return err
	}
	if d.Port < 0 || d.Port > 65533 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("there is no port %d with two behind it", d.Port),
			Hint: "--port is from 0 to 65533; 0 takes free ones"}
	}
	if d.DatabasePort < 0 || d.DatabasePort > 65535 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("there is no port %d", d.DatabasePort),
			Hint: "--database-port is from 1 to 65535; without it there is a socket only"}
	}
	if own.Production {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "dev is for development, and these settings are for production",
			Hint: "run af-auth serve; or unset AF_AUTH_ENV and AF_AUTH_URL"}
	}
	realGitHub, err := wantsGitHub(own)
	if err != nil {
		return err
	}
	logger := telemetry.NewLogger(e.Stderr, own.LogFormat, d.logLevel(own))
	data := e.Data
	if data == "" {
		data = filepath.Join(e.Dir, dataFolder)
	}
	server, err := startPrivate(ctx, pgserver.Options{Dir: data, Port: d.DatabasePort, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop(ctx)) }()
	if err := prepareDatabase(ctx, server); err != nil {
		return err
	}
	doors, err := d.listen(e, realGitHub)
	if err != nil {
		return err
	}
	defer doors.close()
	return d.serve(ctx, e, own, server, doors, data, logger)
}

// logLevel is what was asked for. By itself dev speaks of trouble only.
func (d *devCmd) logLevel(own *config.Config) slog.Level {
	level := slog.LevelWarn
	if own.SetIn("AF_AUTH_LOG_LEVEL") != "" {
		level = own.LogLevel
	}
	if d.Verbose {
		level = min(level, slog.LevelInfo)
	}
	return level
}

// overruled names the settings that somebody made, and that dev has values of
// its own for.
func overruled(own, used *config.Config) []string {
	var names []string
	values := used.Entries()
	for i, e := range own.Entries() {
		if source := own.SetIn(e.Name); source != "" && e.Value != values[i].Value {
			names = append(names, e.Name+" ("+source+")")
		}
	}
	return names
}

// wantsGitHub reports whether the real GitHub is asked: with both credentials.
// With one of them alone somebody means it too, and the simulator in its place
// would be a surprise.
func wantsGitHub(c *config.Config) (bool, error) {
	const id, secret = "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET" // #nosec G101 -- their names
	there, missing := id, secret
	switch hasID, hasSecret := c.GitHubClientID != "", c.GitHubClientSecret.IsSet(); {
	case hasID == hasSecret:
		return hasID, nil
	case hasSecret:
		there, missing = secret, id
	}
	return false, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("%s is set, and %s is not", there, missing),
		Hint: fmt.Sprintf("set %s too, to sign in at the real GitHub; or unset %s, to use the simulator", missing, there)}
}

// serve runs all parts until one ends.
func (d *devCmd) serve(ctx context.Context, e *Env, own *config.Config, server *privateServer, doors *devDoors, data string, logger *slog.Logger) error {
	state := devState{
		AuthURL: "http://" + doors.auth.Addr().String(), AppURL: "http://" + doors.app.Addr().String(),
		Hosts:     doors.app.Addr().String() + "=the demo application",
		GitHubURL: own.GitHubURL, ClientID: own.GitHubClientID, ClientSecret: own.GitHubClientSecret.Reveal(),
	}
	var sim *githubsim.Sim
	if doors.github != nil {
		state.GitHubURL = "http://" + doors.github.Addr().String()
		state.ClientID, state.ClientSecret = "af-auth-dev", afauth.NewToken().Reveal()
		sim = githubsim.New(githubsim.Options{
			ClientID: state.ClientID, ClientSecret: state.ClientSecret,
			RedirectURIs: []string{state.AuthURL + "/auth/github/callback"}, Logger: logger,
			// Whoever tries things out signs in more than ten times an hour.
			NoTokenLimit: true,
		})
		sim.SetURL(state.GitHubURL)
	}
	c, err := d.settings(e, own, server, doors, state)
	if err != nil {
		return err
	}
	service, err := newService(ctx, e, c, sim != nil, logger)
	if err != nil {
		return err
	}
	authURL, err := url.Parse(state.AuthURL)
	if err != nil {
		return err
	}
	application, err := demo.New(demo.Options{AuthURL: authURL, Logger: logger, Program: e.beside()})
	if err != nil {
		return err
	}
	if err := state.write(data); err != nil {
		return err
	}
	defer func() { _ = os.Remove(devStateFile(data)) }()
	browse, err := d.studio(ctx, e, c)
	if err != nil {
		return err
	}
	defer browse.close()
	parts, running := errgroup.WithContext(ctx)
	parts.Go(func() error { return service.run(running, doors.auth) })
	parts.Go(func() error { return serveUntil(running, service, application, doors.app) })
	if sim != nil {
		parts.Go(func() error { return serveUntil(running, service, sim, doors.github) })
	}
	parts.Go(func() error { return serveStudio(running, browse.app, browse.door, nil, logger) })
	parts.Go(func() error { return server.keep(running) })
	if err := d.announce(e, c, state, server, browse.link, sim != nil); err != nil {
		return err
	}
	return parts.Wait()
}

// settings are those that all parts run with: dev's own where it has some.
func (d *devCmd) settings(e *Env, own *config.Config, server *privateServer, doors *devDoors, state devState) (*config.Config, error) {
	c, err := e.loadWith(map[string]string{
		"DATABASE_URL": server.url(databaseName), "DIRECT_URL": "", "AF_AUTH_OWNER_URL": "",
		// Nothing of dev is reachable from another machine.
		"AF_AUTH_METRICS_LISTEN": "",
		"AF_AUTH_ENV":            "development", "AF_AUTH_URL": state.AuthURL, "AF_AUTH_LISTEN": doors.auth.Addr().String(),
		"AF_AUTH_HOSTS": state.Hosts,
		"GITHUB_URL":    state.GitHubURL, "GITHUB_CLIENT_ID": state.ClientID, "GITHUB_CLIENT_SECRET": state.ClientSecret,
	})
	if err != nil {
		return nil, err
	}
	if names := overruled(own, c); len(names) > 0 {
		e.complain("dev has values of its own and does not use yours: "+strings.Join(names, ", "), "")
	}
	return c, nil
}

// serveUntil serves a plain handler until ctx ends.
func serveUntil(ctx context.Context, s *service, h http.Handler, l net.Listener) error {
	server := s.server(h)
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// prepareDatabase makes the database and brings its schema up to date.
func prepareDatabase(ctx context.Context, server *privateServer) error {
	if err := server.current().CreateDatabase(ctx, databaseName); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, server.url(databaseName))
	if err != nil {
		return fmt.Errorf("connecting to the private database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return err
	}
	_, err = migrate.Deploy(ctx, conn, files, migrate.Options{Actor: "dev", Shape: diff.Shape, Stamp: catalog.Stamp})
	return err
}

// devDoors are the listeners of dev. github is nil beside the real GitHub.
type devDoors struct{ auth, app, github net.Listener }

// listen opens the ports, taking free ones where a wanted one is taken. With
// real GitHub credentials af-auth's own port may not move: the callback that is
// registered at GitHub names it.
func (d *devCmd) listen(e *Env, realGitHub bool) (*devDoors, error) {
	doors := &devDoors{}
	open := func(offset int, what string, fixed bool) (net.Listener, error) {
		port := d.Port
		if port != 0 {
			port += offset
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return l, nil
		}
		if fixed {
			return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("port %d is taken, and the callback registered at GitHub names it", port),
				Hint: "end what listens there, or register another callback and give --port", Err: err}
		}
		l, again := net.Listen("tcp", "127.0.0.1:0")
		if again != nil {
			return nil, fmt.Errorf("finding a free port: %w", again)
		}
		_, free, _ := net.SplitHostPort(l.Addr().String())
		_, _ = fmt.Fprintf(e.Stderr, "port %d is taken; %s is on port %s\n", port, what, free)
		return l, nil
	}
	var err error
	if doors.auth, err = open(0, "af-auth", realGitHub); err != nil {
		return nil, err
	}
	if doors.app, err = open(1, "the demo application", false); err != nil {
		doors.close()
		return nil, err
	}
	if realGitHub {
		return doors, nil
	}
	if doors.github, err = open(2, "the GitHub simulator", false); err != nil {
		doors.close()
		return nil, err
	}
	return doors, nil
}

func (d *devDoors) close() {
	for _, l := range []net.Listener{d.auth, d.app, d.github} {
		if l != nil {
			_ = l.Close()
		}
	}
}

func (s devState) write(data string) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(devStateFile(data), raw, 0o600); err != nil {
		return fmt.Errorf("writing the state of dev: %w", err)
	}
	return nil
}
