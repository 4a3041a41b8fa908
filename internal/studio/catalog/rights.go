package catalog

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/database"
)

// Rights is what whoever has logged in could do beyond reading unmasked rows. It
// is about the session's user and every role that it can become: a statement may
// hold SET ROLE, RESET ROLE or set_config('role', …), so that a role which was
// put on for it protects nothing.
type Rights struct {
	// Session is the user that has logged in.
	Session string
	// Superuser says that it may do everything; the rest says no more then.
	Superuser bool
	// Powers are the roles, itself included, that it can become and that may do
	// more than rights on tables say, with what each may: "ada is a superuser".
	Powers []string
	// Unseen are roles that it can become and whose rights it has not got before.
	Unseen []string
	// Reads are masked columns that it may read, Changes those that it may
	// write or put triggers on.
	Reads, Changes []string
	// Owns are tables with masked columns that it owns.
	Owns []string
	// Definers are functions that run with the rights of somebody else, written
	// as REVOKE wants them; Public those of them that everybody may run.
	Definers, Public []string
	// Creates are places where it may make new objects.
	Creates []string
}

// The roles that PostgreSQL makes itself and that reach beyond tables: all rows,
// files, programs, what others are doing, other people's sessions.
const rolesSQL = `SELECT r.rolname, r.rolname = session_user, pg_has_role(session_user, r.oid, 'USAGE'),
	r.rolsuper, r.rolreplication, r.rolcreaterole,
	r.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files',
		'pg_execute_server_program', 'pg_signal_backend', 'pg_read_all_stats', 'pg_monitor', 'pg_create_subscription')
FROM pg_roles r WHERE pg_has_role(session_user, r.oid, 'MEMBER') ORDER BY 2 DESC, 1`

const definersSQL = `SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
	has_function_privilege(session_user, p.oid, 'EXECUTE') AND NOT pg_has_role(session_user, p.proowner, 'USAGE'),
	has_function_privilege('public', p.oid, 'EXECUTE')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
ORDER BY 1`

const createsSQL = `SELECT 'schema ' || quote_ident(nspname) FROM pg_namespace
WHERE nspname !~ '^pg_(toast_)?temp' AND has_schema_privilege(session_user, oid, 'CREATE')
UNION ALL
SELECT 'database ' || quote_ident(current_database()) WHERE has_database_privilege(session_user, current_database(), 'CREATE') ORDER BY 1`

const columnRightsSQL = `SELECT has_column_privilege(session_user, a.attrelid, a.attnum, 'SELECT'),
	has_column_privilege(session_user, a.attrelid, a.attnum, 'INSERT, UPDATE') OR has_table_privilege(session_user, a.attrelid, 'TRIGGER'),
	pg_has_role(session_user, c.relowner, 'MEMBER')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum = $2::pg_catalog.int2`

// Rights asks what the user of this connection may do. The transaction must not
// have put on another role.
func (d *Database) Rights(ctx context.Context, tx *database.Tx) (*Rights, error) {
	r := &Rights{}
	found, err := tx.Query(ctx, rolesSQL)
	if err != nil {
		return nil, fmt.Errorf("ask for roles: %w", err)
	}
	for _, row := range found {
		r.role(row)
	}
	if found, err = tx.Query(ctx, definersSQL); err != nil {
		return nil, fmt.Errorf("ask for functions: %w", err)
	}
	for _, row := range found {
		f := record(row)
		if f.bool(1) {
			r.Definers = append(r.Definers, f.text(0))
		}
		if f.bool(2) {
			r.Public = append(r.Public, f.text(0))
		}
	}
	if found, err = tx.Query(ctx, createsSQL); err != nil {
		return nil, fmt.Errorf("ask where objects may be made: %w", err)
	}
	for _, row := range found {
		r.Creates = append(r.Creates, record(row).text(0))
	}
	for _, t := range d.Tables {
		if err := r.table(ctx, tx, t); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Rights) role(row record) {
	name := row.text(0)
	if row.bool(1) {
		r.Session, r.Superuser = name, row.bool(3)
	}
	var may []string
	for i, what := range []string{"is a superuser", "may replicate", "may make roles"} {
		if row.bool(3 + i) {
			may = append(may, what)
		}
	}
	if row.bool(6) {
		may = append(may, "reaches beyond the tables")
	}
	switch {
	case len(may) > 0:
		r.Powers = append(r.Powers, name+" "+strings.Join(may, ", "))
	case !row.bool(2):
		r.Unseen = append(r.Unseen, name)
	}
}

func (r *Rights) table(ctx context.Context, tx *database.Tx, t *Table) error {
	owned := false
	for _, c := range t.Columns {
		if !c.Masked {
			continue
		}
		oid, num := strconv.FormatUint(uint64(t.OID), 10), strconv.Itoa(c.Num)
		found, err := tx.Query(ctx, columnRightsSQL, &oid, &num)
		if err != nil {
			return fmt.Errorf("ask for rights on %s: %w", t.Label(), err)
		}
		if len(found) == 0 {
			continue // dropped meanwhile: whoever reads it is told
		}
		row, name := record(found[0]), t.Label()+"."+c.Name
		if row.bool(0) {
			r.Reads = append(r.Reads, name)
		}
		if row.bool(1) {
			r.Changes = append(r.Changes, name)
		}
		owned = owned || row.bool(2)
	}
	if owned {
		r.Owns = append(r.Owns, t.Label())
	}
	return nil
}
