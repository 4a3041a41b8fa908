package postgres

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// ImportRow is one person of a list to be allowed.
type ImportRow struct {
	GitHubID int64 // each once in a list
	Login    string
	Until    *time.Time
	Apps     []string
	Reason   string // why this one; "": the reason of the import says it
}

// ImportList is who is to be allowed.
type ImportList struct {
	// SetUntil and SetApps say that the rows decide about the end and the
	// applications. What they do not decide about stays as it is for whoever is
	// allowed, and is no end, and all applications, for everybody else.
	SetUntil, SetApps bool
	// Rows end at the first error, and nothing is written then.
	Rows iter.Seq2[ImportRow, error]
}

// ImportPlan is what an import does.
type ImportPlan struct {
	New     int // have no row yet
	Waiting int // wait
	Again   int // were refused, or allowed until a moment that has passed
	Changed int // are allowed, and with another end or other applications
	Lowered int // of those: lose time or an application
	Same    int // are allowed just so
	All     int // get all applications, and do not have them today
	// Losers are those who lose something, 100 at most.
	Losers []ImportLoser
}

// Writes is the number of people whom an import changes.
func (p ImportPlan) Writes() int { return p.New + p.Waiting + p.Again + p.Changed }

// ImportLoser is somebody who would lose time or applications.
type ImportLoser struct {
	Person
	Until *time.Time
	Apps  []string
}

const mostLosers = 100

// Import allows all people of a list in one transaction: what a plan says is
// decided upon, and an error of decide undoes everything. It runs on one
// snapshot: where somebody is changed at the same moment, it fails instead of
// doing what nobody has seen.
//
// Rows travel by COPY into a temporary table, and one statement merges them, so
// that servers are told once. People who are allowed just so are not written.
func (db *DB) Import(ctx context.Context, actor Actor, list ImportList, decide func(ImportPlan) error) (ImportPlan, error) {
	var plan ImportPlan
	conn, err := patient{pool: db.pool, wait: db.wait}.acquire(ctx)
	if err != nil {
		return plan, err
	}
	defer giveBack(conn)
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, importTable); err != nil {
			return noTemporary(err)
		}
		if err := copyIn(ctx, tx, list.Rows); err != nil {
			return err
		}
		if plan, err = planImport(ctx, tx, list); err != nil {
			return err
		}
		if err := decide(plan); err != nil || plan.Writes() == 0 {
			return err
		}
		claim := query.ClaimParams{Actor: clean(actor.Name, 200), Address: clean(actor.Address, 100), Reason: clean(actor.Reason, 4000)}
		if err := query.New(tx).Claim(ctx, claim); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, importMerge, list.SetUntil, list.SetApps, claim.Actor, claim.Address)
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == stateSerialization {
		return plan, &afauth.Error{Code: afauth.CodeUnavailable, Message: "somebody of the list was changed at the same moment, and nothing was imported",
			Hint: "run it again", Err: err}
	}
	return plan, fault(err, "importing people")
}

// stateSerialization: another transaction has changed what this one saw.
const stateSerialization = "40001"

// noTemporary says which right is missing; PostgreSQL gives it to everybody,
// unless somebody took it away.
func noTemporary(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == stateNoPrivilege {
		return &afauth.Error{Code: afauth.CodeUnavailable, Message: "the database role may not make temporary tables, and an import needs one",
			Hint: "as the database's owner: GRANT TEMPORARY ON DATABASE to the role of DATABASE_URL", Err: err}
	}
	return err
}

func copyIn(ctx context.Context, tx pgx.Tx, rows iter.Seq2[ImportRow, error]) error {
	next, stop := iter.Pull2(rows)
	defer stop()
	var torn error // what ended the list: PostgreSQL would say it in its own words
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", "af_auth_import"}, []string{"github_user_id", "login", "until", "apps", "reason"},
		pgx.CopyFromFunc(func() ([]any, error) {
			row, err, ok := next()
			if !ok || err != nil {
				torn = err
				return nil, err
			}
			return []any{row.GitHubID, orNull(row.Login, 100), row.Until, hosts(row.Apps), orNull(row.Reason, 4000)}, nil
		}))
	if torn != nil {
		return torn
	}
	return err
}

func planImport(ctx context.Context, tx pgx.Tx, list ImportList) (ImportPlan, error) {
	var p ImportPlan
	err := tx.QueryRow(ctx, importPlan, list.SetUntil, list.SetApps).Scan(&p.New, &p.Waiting, &p.Again, &p.Changed, &p.Lowered, &p.Same, &p.All)
	if err != nil || p.Lowered == 0 {
		return p, err
	}
	rows, err := tx.Query(ctx, importLosers, list.SetUntil, list.SetApps, mostLosers)
	if err != nil {
		return p, err
	}
	var r query.GetUserRow
	var until *time.Time
	var apps []string
	_, err = pgx.ForEachRow(rows, []any{
		&r.ID, &r.GithubUserID, &r.Login, &r.Name, &r.Email, &r.AvatarUrl,
		&r.IsWhitelisted, &r.WhitelistUntil, &r.WhitelistDecidedAt, &r.Apps, &r.LastSignInAt,
		&r.CreatedAt, &r.UpdatedAt, &r.Now, &until, &apps,
	}, func() error {
		p.Losers = append(p.Losers, ImportLoser{person(r), until, apps})
		return nil
	})
	return p, err
}
