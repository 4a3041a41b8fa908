package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
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
	// queueLimit leaves time to act.
	queueLimit = 0.5
)

// readiness answers whether this server is of use, and logs when that changes.
type readiness struct {
	db       *postgres.DB
	logger   *slog.Logger
	now      func() time.Time
	draining atomic.Bool
	// queueLimit is how full the queue of notifications may be before it is told.
	queueLimit float64

	mu   sync.Mutex
	at   time.Time
	list []web.Check          // of the last look
	told map[string]web.Check // what the log knows
}

// finding is a check, and for the log only, what lies behind it.
type finding struct {
	web.Check
	cause error
	// unknown: another check says why this one could not be made.
	unknown bool
}

func (r *readiness) checks(ctx context.Context) []web.Check {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.list == nil || r.now().Sub(r.at) > checkMemory {
		looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkFor)
		defer cancel()
		findings := r.look(looking)
		r.list, r.at = nil, r.now()
		for _, f := range findings {
			r.list = append(r.list, f.Check)
			r.tell(ctx, f)
		}
	}
	if r.draining.Load() {
		return append([]web.Check{{Name: "serving", Detail: "shutting down"}}, r.list...)
	}
	return r.list
}

// tell logs a check that stands otherwise than the log says. However often
// somebody asks, an outage is two lines.
func (r *readiness) tell(ctx context.Context, f finding) {
	was, known := r.told[f.Name]
	well := f.OK && !f.Warning
	if f.unknown || known && was.OK == f.OK && was.Warning == f.Warning && (well || was.Detail == f.Detail) {
		return
	}
	if r.told == nil {
		r.told = map[string]web.Check{}
	}
	r.told[f.Name] = f.Check
	switch {
	case !well:
		word := "not ready"
		if f.OK {
			word = "ready, but not for long"
		}
		said := []any{"check", f.Name, "detail", f.Detail}
		if f.Hint != "" {
			said = append(said, "hint", f.Hint)
		}
		if f.cause != nil {
			said = append(said, "error", f.cause)
		}
		r.logger.WarnContext(ctx, word, said...)
	case known:
		r.logger.InfoContext(ctx, "ready again", "check", f.Name, "detail", f.Detail)
	}
}

func (r *readiness) look(ctx context.Context) []finding {
	database, schema := finding{}, finding{unknown: true}
	database.Name, schema.Name = "database", "schema"
	switch c := r.db.Condition(ctx); {
	case c.Err != nil:
		database.Detail, database.Hint, database.cause = "does not answer", "see the log of this server", c.Err
		schema.Detail = "not known while the database does not answer"
		return []finding{database, schema}
	case c.Busy > 0:
		database.Detail = fmt.Sprintf("answers, but all %d connections of this server are in use", c.Busy)
		database.Hint = "find the slow query, or raise DB_POOL_MAX"
		schema.Detail = "not known while no connection is free"
		return []finding{database, schema}
	}
	database.OK, database.Detail = true, "answers"
	return []finding{database, r.schema(ctx), r.notifications(ctx)}
}

// notifications warns of a queue that fills. It is no reason to send requests
// elsewhere: the queue is the same for all servers.
func (r *readiness) notifications(ctx context.Context) finding {
	f := finding{Check: web.Check{Name: "notifications", OK: true, Detail: "the queue is read"}}
	switch queue, err := r.db.NotificationQueue(ctx); {
	case err != nil:
		f.Detail, f.unknown, f.cause = "the queue cannot be looked at", true, err
	case queue > r.queueLimit:
		f.Warning, f.Detail = true, "PostgreSQL's queue of notifications is filling; once it is full, no access can be changed"
		f.Hint = "end the session that keeps it: the oldest transaction in pg_stat_activity that listens; docs/database.md has the query"
	}
	return f
}

// schema says whether this release can serve the database's schema, and whether
// all of it is there: the list of migrations says what was made, and not what
// somebody took away since.
func (r *readiness) schema(ctx context.Context) finding {
	f := finding{Check: web.Check{Name: "schema"}}
	// Before anything is read: a role without its rights would meet a plain no.
	grants, err := r.db.MissingGrants(ctx)
	switch {
	case err != nil:
		f.Detail, f.Hint, f.cause = "the rights of the database role cannot be looked at", "see the log of this server", err
		return f
	case len(grants) > 0:
		f.Detail, f.Hint = "the role of DATABASE_URL lacks rights on the tables", "as their owner: "+strings.Join(grants, "; ")
		return f
	}
	own, found, err := r.versions(ctx)
	if err != nil {
		f.Detail, f.Hint, f.cause = "the list of migrations cannot be read", "af-auth db migrate status", err
		return f
	}
	switch migrate.FitOf(own, found) {
	case migrate.Served:
	case migrate.NoneYet:
		f.Detail, f.Hint = "the database has no schema yet", "af-auth db migrate deploy"
		return f
	case migrate.TooOld:
		f.Detail, f.Hint = fmt.Sprintf("the database is at %s; this release serves %s", found, migrate.ServedRange(own)), "af-auth db migrate deploy"
		return f
	default:
		f.Detail, f.Hint = fmt.Sprintf("the database is at %s; this release serves %s", found, migrate.ServedRange(own)), "run a newer release of af-auth"
		return f
	}
	missing, err := r.db.Missing(ctx)
	switch {
	case err != nil:
		f.Detail, f.Hint, f.cause = "the tables cannot be looked for", "see the log of this server", err
	case len(missing) == 1:
		f.Detail, f.Hint = missing[0]+" is missing", "af-auth db migrate status"
	case len(missing) > 1:
		f.Detail, f.Hint = fmt.Sprintf("%s and %d more are missing", missing[0], len(missing)-1), "af-auth db migrate status"
	default:
		f.OK, f.Detail = true, found
	}
	return f
}

// versions returns the version that this release's newest migration leads to,
// and the one that the database is at.
func (r *readiness) versions(ctx context.Context) (own, found string, err error) {
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return "", "", err
	}
	err = r.db.WithConn(ctx, func(conn *pgx.Conn) error {
		state, err := migrate.Read(ctx, conn, files)
		found = state.SchemaVersion
		return err
	})
	return files[len(files)-1].Schema, found, err
}
