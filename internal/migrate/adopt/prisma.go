package adopt

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// PrismaTable is Prisma's own ledger. It is read and never changed, so that
// whoever goes back to Prisma finds it as it was.
const PrismaTable = "_prisma_migrations"

// prismaLock is the advisory lock that Prisma holds while it migrates.
const prismaLock = 72707369

// How one of Prisma's migrations ended.
const (
	Finished   = "finished"
	RolledBack = "rolled back"
	Failed     = "failed" // or it is running
)

// PrismaMigration is a row of Prisma's ledger.
type PrismaMigration struct {
	Name  string
	State string // Finished, RolledBack or Failed
}

// readPrisma reads Prisma's ledger, oldest first; none where there is no such
// table. The columns are looked up by name in each row, because they differ
// between Prisma's releases.
func readPrisma(ctx context.Context, conn *pgx.Conn, namespace string) ([]PrismaMigration, error) {
	table := pgx.Identifier{namespace, PrismaTable}.Sanitize()
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", pgx.QueryExecModeExec, table).Scan(&there); err != nil || !there {
		return nil, err
	}
	rows, err := conn.Query(ctx, `SELECT coalesce(r ->> 'migration_name', '?'),
    CASE WHEN r ->> 'rolled_back_at' IS NOT NULL THEN '`+RolledBack+`' WHEN r ->> 'finished_at' IS NOT NULL THEN '`+Finished+`' ELSE '`+Failed+`' END
FROM (SELECT to_jsonb(m) FROM `+table+` m) x (r) ORDER BY r ->> 'started_at', 1`, pgx.QueryExecModeExec)
	var list []PrismaMigration
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PrismaMigration])
	}
	if err != nil {
		err = fmt.Errorf("read the table %s: %w", PrismaTable, err)
		if code(err) == insufficientPrivilege {
			return nil, &advice{err, "adopt with the role that owns the tables"}
		}
	}
	return list, err
}

// prisma refuses a database in which Prisma has not come to an end.
func (p *Plan) prisma() {
	for _, m := range p.Prisma {
		if m.State == Failed {
			p.refuse("finish it, or undo it and run: npx prisma migrate resolve --rolled-back "+m.Name+"; then adopt",
				"Prisma's migration %s has failed, or is still running", m.Name)
		}
	}
}

// keepPrismaOut takes Prisma's lock until the end of the transaction.
func keepPrismaOut(ctx context.Context, conn *pgx.Conn) error {
	var got bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1::bigint)", pgx.QueryExecModeExec, prismaLock).Scan(&got); err != nil {
		return fmt.Errorf("take Prisma's lock: %w", err)
	}
	if !got {
		return &advice{errors.New("a migration of Prisma is running on this database"), "nothing was changed; adopt again when it is done"}
	}
	return nil
}

// insufficientPrivilege is a code of the appendix "PostgreSQL Error Codes".
const insufficientPrivilege = "42501"

// code returns the server's code of an error, or "".
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
