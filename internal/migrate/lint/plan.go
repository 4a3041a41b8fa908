package lint

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// change is what a statement does to the rows of one table.
type change struct {
	verb  string // "UPDATE", "DELETE", "INSERT" or "MERGE"; "" where only the lock is known
	table uint32 // its OID
	whole bool   // nothing says which rows
	reads bool   // rows come from a table, of an INSERT
}

// planNode is a part of the answer of EXPLAIN (FORMAT JSON).
type planNode struct {
	Type         string     `json:"Node Type"`
	Operation    string     `json:"Operation"`
	Relation     string     `json:"Relation Name"`
	Schema       string     `json:"Schema"`
	Relationship string     `json:"Parent Relationship"`
	Filter       string     `json:"Filter"`
	OneTime      string     `json:"One-Time Filter"`
	Plans        []planNode `json:"Plans"`
}

// changes asks the planner which tables a statement writes to. A statement that
// cannot be explained, because it is wrong or no query, changes nothing: if it
// is wrong, running it says so.
func (r *replay) changes(ctx context.Context, s *step) []change {
	if len(s.words) == 0 || !slices.Contains([]string{"insert", "update", "delete", "merge", "with"}, s.words[0]) || r.file.Batch.Table != "" {
		return nil
	}
	// A failure within the savepoint leaves the file's transaction as it was.
	if r.exec(ctx, "SAVEPOINT af_auth_lint") != nil {
		return nil
	}
	var text string
	err := r.conn.QueryRow(ctx, "EXPLAIN (FORMAT JSON, VERBOSE, COSTS OFF) "+s.st.SQL, pgx.QueryExecModeExec).Scan(&text)
	_ = r.exec(ctx, "ROLLBACK TO SAVEPOINT af_auth_lint; RELEASE SAVEPOINT af_auth_lint")
	var plans []struct{ Plan planNode }
	if err != nil || json.Unmarshal([]byte(text), &plans) != nil {
		return nil
	}
	var out []change
	for _, p := range plans {
		p.Plan.collect(s.before, &out)
	}
	return out
}

// collect gathers the changes of rows in a plan.
func (n planNode) collect(now *snapshot, out *[]change) {
	if n.Type == "ModifyTable" {
		c := change{verb: strings.ToUpper(n.Operation), whole: true}
		for _, below := range n.Plans {
			c.whole = c.whole && below.everything()
			c.reads = c.reads || below.reads()
		}
		// The plan has bare names; the lock of the statement is not there yet.
		c.table = now.find(n.Schema, n.Relation)
		*out = append(*out, c)
	}
	for _, below := range n.Plans {
		below.collect(now, out)
	}
}

// everything reports whether the rows of a node are all the rows of a table. An
// UPDATE's expressions may have plans of their own, which say nothing about it.
func (n planNode) everything() bool {
	switch {
	case n.Relationship == "InitPlan" || n.Relationship == "SubPlan":
		return true
	case n.Filter != "" || n.OneTime != "":
		return false
	case n.Type != "Seq Scan" && n.Type != "Append" && n.Type != "Result":
		return false // a join, or a look into an index
	}
	return !slices.ContainsFunc(n.Plans, func(p planNode) bool { return !p.everything() })
}

// reads reports whether a node reads a table.
func (n planNode) reads() bool {
	return n.Relation != "" && n.Type != "ModifyTable" || slices.ContainsFunc(n.Plans, planNode.reads)
}
