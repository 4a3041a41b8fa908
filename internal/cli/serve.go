package cli

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/migrate"
)

type serveCmd struct {
	Upstream string `help:"The application on af-auth's own host, for which af-auth is the proxy itself, as AF_AUTH_UPSTREAM." placeholder:"URL"`
	Migrate  bool   `help:"Apply pending migrations first, without a question."`
	NoBackup bool   `help:"With --migrate, in production: go on without a verified backup, against advice."`
}

// Help is shown by --help.
func (serveCmd) Help() string {
	return `Needs DATABASE_URL, AF_AUTH_URL, GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET;
"af-auth config" lists every setting. Without --migrate it never changes the
schema: run "af-auth db migrate deploy" first. Until then /ready says what is
missing.`
}

// Run serves until it is told to stop.
func (cmd serveCmd) Run(ctx context.Context, e *Env) error {
	var given overrides
	if cmd.Upstream != "" {
		given.values = map[string]string{"AF_AUTH_UPSTREAM": cmd.Upstream}
		given.sources = map[string]string{"AF_AUTH_UPSTREAM": "--upstream"}
	}
	c, err := e.settings(given)
	if err != nil {
		return err
	}
	e.warn(c)
	if err := c.Need(c.Needs("DATABASE_URL", "AF_AUTH_URL", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET")...); err != nil {
		return err
	}
	logger := e.logger(c)
	if cmd.Migrate {
		if err := cmd.migrate(ctx, e, c, logger); err != nil {
			return err
		}
	}
	s, err := newService(ctx, e, c, false, logger)
	if err != nil && ctx.Err() != nil {
		logger.Info("stopped while connecting to the database")
		return nil
	}
	if err != nil {
		return err
	}
	s.linger = farewell
	public, err := listen("AF_AUTH_LISTEN", c.Listen)
	if err != nil {
		s.db.Close()
		return err
	}
	s.ready.checks(ctx) // logs what is amiss
	if c.Upstream != "" {
		logger.Info("passing on to the application", "upstream", c.Upstream)
	}
	logger.Info("serving", "url", c.Origin, "listen", public.Addr().String(), "release", e.Version,
		"hosts", len(c.Hosts), "github", host(c))
	return s.run(ctx, public)
}

// migrate applies what is pending. Of many servers that start at once, one does
// it, and the others wait for it.
func (cmd serveCmd) migrate(ctx context.Context, e *Env, c *config.Config, logger *slog.Logger) error {
	p, err := e.projectWith(c, projectFlags{}, false)
	if err != nil {
		return err
	}
	return p.withConn(ctx, func(conn *pgx.Conn) error {
		plan, err := p.plan(ctx, conn)
		if err == nil && len(plan.Steps) > 0 {
			err = p.wantsBackup(ctx, conn, plan.State.Namespace, cmd.NoBackup)
		}
		if err != nil {
			return err
		}
		o := p.options()
		o.Progress = func(v migrate.Event) {
			logger.Info("migration", "step", v.Kind, "file", v.File.UpName(), "number", v.Number, "of", v.Total, "took", v.Took)
		}
		result, err := migrate.Deploy(ctx, conn, p.files, o)
		if err == nil {
			logger.Info("schema", "applied", len(result.Applied), "version", result.SchemaVersion)
		}
		return err
	})
}

func host(c *config.Config) string {
	u, err := url.Parse(c.GitHubURL)
	if err != nil {
		return ""
	}
	return u.Host
}
