package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/web"
)

const (
	// checkFor bounds one look, so that a health check is answered while the
	// database hangs.
	checkFor = 2 * time.Second
	// checkMemory keeps a flood of health checks away from the database.
	checkMemory = time.Second
)

// lastChecks remembers one look for a moment.
type lastChecks struct {
	mu   sync.Mutex
	at   time.Time
	list []web.Check
}

func (r *readiness) checks(ctx context.Context) []web.Check {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	if r.memory.list == nil || r.now().Sub(r.memory.at) > checkMemory {
		looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkFor)
		defer cancel()
		r.memory.list, r.memory.at = r.look(looking), r.now()
	}
	if r.draining.Load() {
		return append([]web.Check{{Name: "serving", Detail: "shutting down"}}, r.memory.list...)
	}
	return r.memory.list
}

func (r *readiness) look(ctx context.Context) []web.Check {
	database := web.Check{Name: "database", OK: true, Detail: "answers"}
	schema := web.Check{Name: "schema", Detail: "not known while the database does not answer"}
	if err := r.db.Ping(ctx); err != nil {
		database.OK, database.Detail, database.Hint = false, "does not answer", "see the log of this server"
		return []web.Check{database, schema}
	}
	err := r.db.WithConn(ctx, func(conn *pgx.Conn) (err error) {
		schema, err = schemaCheck(ctx, conn)
		return err
	})
	if err != nil {
		schema.Detail, schema.Hint = "the list of migrations cannot be read", "af-auth db migrate status"
	}
	return []web.Check{database, schema}
}

// schemaCheck compares the database's schema with what this release serves: its
// own version, and newer ones that begin with the same number.
func schemaCheck(ctx context.Context, conn *pgx.Conn) (web.Check, error) {
	c := web.Check{Name: "schema"}
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return c, err
	}
	state, err := migrate.Read(ctx, conn, files)
	if err != nil {
		return c, err
	}
	own := files[len(files)-1].Schema
	major, _, _ := strings.Cut(own, ".")
	found := state.SchemaVersion
	foundMajor, _, _ := strings.Cut(found, ".")
	serves := fmt.Sprintf("this release serves %s and newer %s.x", own, major)
	switch {
	case found == "":
		c.Detail, c.Hint = "the database has no schema yet", "af-auth db migrate deploy"
	case foundMajor == major && migrate.CompareSchema(found, own) >= 0:
		c.OK, c.Detail = true, found
	case migrate.CompareSchema(found, own) < 0:
		c.Detail, c.Hint = fmt.Sprintf("the database is at %s; %s", found, serves), "af-auth db migrate deploy"
	default:
		c.Detail, c.Hint = fmt.Sprintf("the database is at %s; %s", found, serves), "run a newer release of af-auth"
	}
	return c, nil
}
