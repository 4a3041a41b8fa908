package lint

import (
	"context"
	"slices"
	"strings"
)

// A look at the whole database takes a thousand times as long as an INSERT of a
// row, and a file may have many of those. So statements that only write rows, to
// which no rule has anything to say, share one look, behind the last of them.
// There is one, because a trigger or a default may do anything: what it finds
// stands at the first.

// wait runs a statement that needs no look of its own, and reports whether it is
// one.
func (r *replay) wait(ctx context.Context, s *step) (bool, error) {
	if !s.plainInsert() && !s.writesNewOnly() {
		return false, nil
	}
	if r.waiting == nil {
		if err := r.listen(ctx); err != nil {
			return true, err
		}
		s.changes = nil
		r.waiting = s
	}
	return true, r.send(ctx, s.st)
}

// settle looks at the statements that wait.
func (r *replay) settle(ctx context.Context, look *inspection) error {
	s := r.waiting
	if s == nil {
		return nil
	}
	r.waiting = nil
	return r.observe(ctx, s, look)
}

// plainInsert reports whether a statement writes rows that stand in the file.
func (s *step) plainInsert() bool {
	return s.first("insert") && slices.Contains(s.words, "values") && !strings.Contains(strings.ToLower(s.st.SQL), "select")
}

// writesNewOnly reports whether a statement changes rows of tables that the file
// has made, and no others, as far as its plan says.
func (s *step) writesNewOnly() bool {
	return len(s.changes) > 0 && !slices.ContainsFunc(s.changes, func(c change) bool {
		_, old := s.old(c.table)
		return old || c.table == 0
	})
}
