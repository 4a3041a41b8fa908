package change

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

const (
	// countLimit is as far as rows are counted, countTime how long that may take
	// for one relation, effectsTime for all.
	countLimit  = 1000
	countTime   = time.Second
	effectsTime = 3 * time.Second
	// depth is how many steps a deletion is followed, width how many relations.
	depth, width = 16, 60
	// unseen is the Rule of an Effect that says where following ended.
	unseen = "unseen"
)

// Effect is what deleting a row does to the rows of another table.
type Effect struct {
	// Rule is pg_constraint.confdeltype of the last relation, or unseen.
	Rule string
	// Rows is how many, countLimit at most; -1: that was not found out in time.
	Rows  int
	Label string
	Via   []string // the tables in between
}

// Forbids reports whether the rows keep the row from being deleted.
func (e Effect) Forbids() bool { return (e.Rule == "a" || e.Rule == "r") && e.Rows != 0 }

// Text says it.
func (e Effect) Text() string {
	if e.Rule == unseen {
		return "Not looked at: what else hangs on " + e.Label + ". PostgreSQL may still refuse."
	}
	what := "Rows of " + e.Label + " (not counted in time)"
	if e.Rows >= 0 {
		what = Count(e.Rows, e.Label)
	}
	if len(e.Via) > 0 {
		what += ", by way of " + strings.Join(e.Via, " and ") + ","
	}
	many := e.Rows != 1
	word := func(one, more string) string {
		if many {
			return more
		}
		return one
	}
	switch e.Rule {
	case "c":
		return what + word(" is", " are") + " deleted with it."
	case "n":
		return what + word(" stays, and its", " stay, and their") + " link becomes NULL."
	case "d":
		return what + word(" stays, and its", " stay, and their") + " link gets its default."
	}
	return what + word(" points", " point") + " here and " + word("forbids", "forbid") + " it."
}

// Count is "3 sessions", "1 row of people", "1000+ events".
func Count(n int, label string) string {
	switch {
	case n >= countLimit:
		return strconv.Itoa(countLimit) + "+ " + label
	case n == 1:
		return "1 row of " + label
	}
	return strconv.Itoa(n) + " " + label
}

// Effects follows what deleting a row would do to others, counted as far as
// there is time. The last one says where following ended too soon.
func Effects(ctx context.Context, db *database.DB, t *catalog.Table, key []string) []Effect {
	ctx, cancel := context.WithTimeout(ctx, effectsTime)
	defer cancel()
	type stop struct {
		table *catalog.Table
		path  []*catalog.Relation
	}
	var all []Effect
	var ends []string // tables that were reached, and what points at them was not
	end := func(t *catalog.Table) {
		if !slices.Contains(ends, t.Label()) {
			ends = append(ends, t.Label())
		}
	}
	queue := []stop{{table: t}}
	for asked := 0; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, rel := range pointingAt(at.table) {
			if asked++; asked > width || len(at.path) == depth || ctx.Err() != nil && len(at.path) > 0 {
				end(at.table)
				break
			}
			path := append(append([]*catalog.Relation{}, at.path...), rel)
			n, err := pointing(ctx, db, database.Limits{Statement: countTime, Lock: countTime}, path, t, key)
			if err != nil {
				n = -1
			}
			if n == 0 {
				continue
			}
			e := Effect{Rule: rel.OnDelete, Rows: n, Label: rel.From.Label()}
			for _, r := range at.path {
				e.Via = append(e.Via, r.From.Label())
			}
			all = append(all, e)
			if rel.OnDelete == "c" {
				queue = append(queue, stop{rel.From, path})
			}
		}
	}
	if len(ends) > 0 {
		all = append(all, Effect{Rule: unseen, Label: strings.Join(ends, " and ")})
	}
	return all
}

// pointingAt are the relations that rows of a table are pointed at by: its own,
// those of the tables that it is a partition of, and those of its partitions. For
// all of them the row is in the table that they point at, or may be.
func pointingAt(t *catalog.Table) []*catalog.Relation {
	all := slices.Clone(t.In)
	for child := t; child.Parent != nil && child.Parent.Kind == catalog.Partitioned; child = child.Parent {
		all = append(all, child.Parent.In...)
	}
	if t.Kind != catalog.Partitioned {
		return all
	}
	below := slices.Clone(t.Below)
	for ; len(below) > 0; below = below[1:] {
		all = append(all, below[0].In...)
		below = append(below, below[0].Below...)
	}
	return all
}

// inside reports whether a table is another one, or stands below it.
func inside(t, other *catalog.Table) bool {
	for ; t != nil; t = t.Parent {
		if t == other {
			return true
		}
	}
	return false
}

// pointing counts the rows at the end of a path of relations that begins at a
// row. Values of columns between are compared in the database and never leave it.
func pointing(ctx context.Context, db *database.DB, l database.Limits, path []*catalog.Relation, t *catalog.Table, key []string) (int, error) {
	b := &statement{}
	b.key(t, key)
	condition := b.run.String()
	at := t
	for _, rel := range path {
		source := rel.To
		if inside(at, rel.To) {
			source = at // the rows of this partition alone; columns have the same names in all
		}
		at = rel.From
		from, to := make([]string, len(rel.FromColumns)), make([]string, len(rel.ToColumns))
		for i, c := range rel.FromColumns {
			from[i], to[i] = c.Identifier(), rel.ToColumns[i].Identifier()
		}
		condition = fmt.Sprintf("(%s) IN (SELECT %s FROM %s WHERE %s)", strings.Join(from, ", "), strings.Join(to, ", "), source.Identifier(), condition)
	}
	last := path[len(path)-1].From
	var found [][]*string
	err := db.Read(ctx, l, func(tx *database.Tx) (err error) {
		found, err = tx.Query(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s LIMIT %d) AS found", last.Identifier(), condition, countLimit), b.args...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(*found[0][0])
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
