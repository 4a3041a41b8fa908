package rehearse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/af-auth/af-auth/internal/pgserver"
)

// Server is where a rehearsal takes place.
type Server struct {
	// URL is a superuser's, of a database that nobody else uses.
	URL string
	// Filled: the database holds schema, ledger and rows already. Then nothing is
	// replayed or generated, and its ledger says what is applied.
	Filled bool
	// Close gives everything back.
	Close func(context.Context) error
}

// endPatience bounds what is done after the context is over.
const endPatience = 30 * time.Second

// Private starts a PostgreSQL of its own, in a new folder below the system's for
// temporary files (TMPDIR), with PostgreSQL's own defaults for what makes
// commits durable. Server and folder are gone after Close.
func Private(ctx context.Context) (_ Server, err error) {
	dir, err := os.MkdirTemp("", "af-auth-rehearsal-")
	if err != nil {
		return Server{}, fmt.Errorf("make a folder for the rehearsal: %w", err)
	}
	folders := []string{dir}
	remove := func() error {
		var errs []error
		for _, f := range folders {
			errs = append(errs, os.RemoveAll(f))
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove())
		}
	}()
	// The server's own account must be able to pass through.
	if err := os.Chmod(dir, 0o711); err != nil { // #nosec G302 -- holds one folder that pgserver closes
		return Server{}, err
	}
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(dir, "data")})
	if err != nil {
		return Server{}, fmt.Errorf("start a private PostgreSQL: %w", err)
	}
	// Where that account cannot reach the folder, the data is elsewhere.
	folders = append(folders, server.Dir())
	return Server{
		URL:   server.URL("postgres"),
		Close: func(ctx context.Context) error { return errors.Join(server.Stop(ctx), remove()) },
	}, nil
}
