package cli

import (
	"context"
	"net/url"

	"github.com/af-auth/af-auth/internal/config"
)

type serveCmd struct{}

// Help is shown by --help.
func (serveCmd) Help() string {
	return `Needs DATABASE_URL, AF_AUTH_URL, GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET;
"af-auth config" lists every setting. It never changes the schema: run
"af-auth db migrate deploy" first. Until then /ready says what is missing.`
}

// Run serves until it is told to stop.
func (serveCmd) Run(ctx context.Context, e *Env) error {
	c, err := e.loadWith(nil)
	if err != nil {
		return err
	}
	if err := c.Need("DATABASE_URL", "AF_AUTH_URL", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"); err != nil {
		return err
	}
	logger := e.logger(c)
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
	logger.Info("serving", "url", c.Origin, "listen", public.Addr().String(), "release", e.Version,
		"hosts", len(c.Hosts), "github", host(c))
	return s.run(ctx, public)
}

func host(c *config.Config) string {
	u, err := url.Parse(c.GitHubURL)
	if err != nil {
		return ""
	}
	return u.Host
}
