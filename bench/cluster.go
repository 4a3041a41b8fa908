package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/af-auth/af-auth/internal/pgserver"
)

// cluster is a private PostgreSQL in a folder of its own.
type cluster struct {
	folder string
	server *pgserver.Server
}

// start starts the server.
func (c *cluster) start(ctx context.Context) (err error) {
	if c.folder, err = os.MkdirTemp("", "af-auth-bench-"); err != nil {
		return err
	}
	// The server's own account has to pass here.
	if err = os.Chmod(c.folder, 0o711); err == nil { // #nosec G302 -- holds one folder that pgserver closes
		c.server, err = pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(c.folder, "data")})
	}
	if err != nil {
		c.shut()
	}
	return err
}

// shut stops the server, if there is one, and takes its folder away.
func (c *cluster) shut() {
	if c.server != nil {
		stopping, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = c.server.Stop(stopping)
	}
	if c.folder != "" {
		_ = os.RemoveAll(c.folder)
	}
	c.server, c.folder = nil, ""
}
