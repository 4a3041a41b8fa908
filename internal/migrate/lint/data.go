package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// findDataLoss finds tables and columns that were there before the file and are
// gone, and columns whose type holds less.
func findDataLoss(s *step) []found {
	var out []found
	for id, r := range sorted(s.before.relations) {
		if _, old := s.old(id); !old || !r.table() {
			continue
		}
		if _, there := s.after.relations[id]; !there {
			out = append(out, found{rule: DropTable, what: "drops the table " + r.Path + ": its rows are lost",
				tables: []uint32{id}, values: []string{"table", r.Path}})
			continue
		}
		for _, c := range s.before.columnsOf(id) {
			if _, there := s.after.columns[columnID{id, c.Number}]; !there && !c.Inherited && s.oldColumn(c) {
				out = append(out, found{rule: DropColumn, what: "drops the column " + r.Path + "." + c.Name + ": its values are lost",
					tables: []uint32{id}, values: []string{"table", r.Path, "column", c.Name}})
			}
		}
	}
	for _, id := range s.narrowed {
		was, is, table := s.before.columns[id], s.after.columns[id], s.path(id.of)
		out = append(out, found{rule: NarrowType, tables: []uint32{id.of},
			what:   fmt.Sprintf("%s.%s becomes %s, which does not hold every %s", table, was.Name, is.Type, was.Type),
			values: []string{"table", table, "column", is.Name, "new", is.Type}})
	}
	return out
}

// columnsOf returns the columns of a relation, in order.
func (s *snapshot) columnsOf(id uint32) []column {
	var out []column
	for key, c := range s.columns {
		if key.of == id {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b column) int { return a.Number - b.Number })
	return out
}

// oldColumn reports whether a column was there before the file.
func (s *step) oldColumn(c column) bool {
	_, ok := s.base.columns[columnID{c.Of, c.Number}]
	return ok
}

// findTruncate finds tables that are emptied. On the shadow TRUNCATE looks like
// any rewriting, so the word decides.
func findTruncate(s *step) []found {
	if !s.first("truncate") {
		return nil
	}
	var out []found
	for _, id := range s.rewritten() {
		out = append(out, found{rule: Truncate, what: "empties " + s.path(id), tables: []uint32{id}, values: []string{"table", s.path(id)}})
	}
	return out
}

// readNarrowed notes the columns, old ones of old tables, whose type became one
// that does not hold every value of the old one.
func (s *step) readNarrowed(ctx context.Context, conn *pgx.Conn) error {
	for id := range sorted(s.before.relations) {
		if _, old := s.old(id); !old {
			continue
		}
		for _, was := range s.before.columnsOf(id) {
			key := columnID{id, was.Number}
			is, there := s.after.columns[key]
			if !there || was.Type == is.Type || was.Inherited || !s.oldColumn(was) {
				continue
			}
			whole := was.TypeID == is.TypeID // else its length changed, or its name
			if !whole {
				var err error
				if whole, err = castsFreely(ctx, conn, was.TypeID, is.TypeID); err != nil {
					return err
				}
				whole = whole || s.sameValues(was.TypeID, is.TypeID)
			}
			if (catalog.Retyping{From: was.Type, To: is.Type, Free: whole}).Keeping() != catalog.Keeps {
				s.narrowed = append(s.narrowed, key)
			}
		}
	}
	return nil
}

// castsFreely reports whether PostgreSQL casts a type, or the elements of an
// array, to another one without being asked, which it does where every value
// fits ("CREATE CAST": implicit).
func castsFreely(ctx context.Context, conn *pgx.Conn, from, to uint32) (bool, error) {
	const element = `(SELECT CASE WHEN typcategory = 'A' THEN typelem ELSE oid END FROM pg_catalog.pg_type WHERE oid = `
	var free bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_cast WHERE castcontext = 'i'
    AND castsource = `+element+`$1) AND casttarget = `+element+`$2))`, pgx.QueryExecModeExec, from, to).Scan(&free)
	if err != nil {
		return false, fmt.Errorf("compare two types: %w", err)
	}
	return free, nil
}

// sameValues reports whether two types are enums, and the second has every value
// of the first.
func (s *step) sameValues(from, to uint32) bool {
	was, is := s.before.values(from), s.before.values(to)
	return len(was) > 0 && !slices.ContainsFunc(was, func(v string) bool { return !slices.Contains(is, v) })
}

// values returns the values of an enum; none of any other type.
func (s *snapshot) values(of uint32) []string {
	var out []string
	for _, t := range s.things {
		if t.Class == "value" && t.Parent == typeKey(of) {
			out = append(out, strings.TrimSuffix(t.Name, " of "+s.things[t.Parent].Name))
		}
	}
	return out
}
