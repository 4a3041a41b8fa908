package lint

import (
	"fmt"
	"slices"
)

// findConstraints finds constraints that are added to an old table or domain,
// and what that costs.
func findConstraints(s *step) []found {
	var out []found
	for id, c := range sorted(s.after.constraints) {
		_, there := s.before.constraints[id]
		_, oldTable := s.old(c.Of)
		if there || c.Inherited || s.remade(c) || !oldTable && !s.oldDomain(c) {
			continue
		}
		table, definition := s.path(c.Of)+c.Domain, c.Definition
		f := found{tables: []uint32{c.Of}}
		_, hadIndex := s.before.relations[c.Index]
		switch {
		case c.Kind == "f" && c.Valid:
			f.rule, f.what = ForeignKeyScan, fmt.Sprintf("adds the foreign key %s to %s and looks up every row at once", c.Name, table)
			f.tables = append(f.tables, c.References)
		case c.Kind == "c" && c.Valid:
			f.rule, f.what = CheckScan, fmt.Sprintf("adds the check %s to %s and checks every row at once", c.Name, table)
		case (c.Kind == "u" || c.Kind == "p") && !hadIndex:
			f.rule, f.what = UniqueBlocking, fmt.Sprintf("adds %s to %s and builds its index while others wait", c.Name, table)
			definition = concurrently(s.after.relations[c.Index].Definition)
		case c.Kind == "x":
			f.rule, f.what = Exclusion, fmt.Sprintf("adds the exclusion constraint %s to %s and builds its index while others wait", c.Name, table)
		default:
			continue
		}
		if c.Of == 0 {
			f.tables = nil // of a domain: whatever tables have it
		}
		kind := map[string]string{"u": "UNIQUE", "p": "PRIMARY KEY"}[c.Kind]
		f.values = []string{"table", table, "name", c.Name, "definition", definition, "target", targetOf(c), "kind", kind}
		out = append(out, f)
	}
	return out
}

// remade reports whether a constraint was there before, and the server made it
// anew because the type of a column changed.
func (s *step) remade(c constraint) bool {
	for _, was := range s.before.constraints {
		if was.Of != c.Of || was.Name != c.Name || c.Of == 0 {
			continue
		}
		return slices.ContainsFunc(s.before.columnsOf(c.Of), func(a column) bool {
			b, there := s.after.columns[columnID{c.Of, a.Number}]
			return there && a.Type != b.Type
		})
	}
	return false
}

// oldDomain reports whether a constraint is one of a domain that was there
// before the file.
func (s *step) oldDomain(c constraint) bool {
	_, ok := s.base.things[typeKey(c.DomainID)]
	return ok && c.DomainID != 0
}

// targetOf is the word after ALTER.
func targetOf(c constraint) string {
	if c.DomainID != 0 {
		return "DOMAIN"
	}
	return "TABLE"
}

// findValidated finds constraints that are validated under a lock which an
// earlier statement took.
func findValidated(s *step) []found {
	var out []found
	for id, c := range sorted(s.after.constraints) {
		was, there := s.before.constraints[id]
		if _, old := s.old(c.Of); !there || was.Valid || !c.Valid || c.Inherited || !old {
			continue
		}
		if strongest(s.before.locks)[c.Of] > shareUpdateExclusive {
			out = append(out, found{rule: ValidateUnderLock, tables: []uint32{c.Of},
				what:   fmt.Sprintf("validates %s on %s under a lock that an earlier statement took", c.Name, s.path(c.Of)),
				values: []string{"table", s.path(c.Of), "name", c.Name, "target", targetOf(c)}})
		}
	}
	return out
}

// findNotNull finds columns of old tables that become NOT NULL the hard way. The
// server itself says whether it had to read the table.
func findNotNull(s *step) []found {
	var out []found
	for id := range sorted(s.after.relations) {
		if r, old := s.old(id); !old || !r.table() {
			continue
		}
		for _, c := range s.after.columnsOf(id) {
			was, there := s.before.columns[columnID{id, c.Number}]
			f := found{tables: []uint32{id}, values: []string{"table", s.path(id), "column", c.Name, "type", c.Type}}
			switch {
			case !c.NotNull || c.Inherited:
				continue
			case !there && !c.Filled:
				f.rule, f.what = AddNotNull, fmt.Sprintf("adds %s.%s, which is NOT NULL and has no default", s.path(id), c.Name)
			case there && !was.NotNull && s.verified():
				f.rule, f.what = SetNotNull, fmt.Sprintf("makes %s.%s NOT NULL, and reads every row to see whether it is", s.path(id), c.Name)
			default:
				continue
			}
			out = append(out, f)
		}
	}
	return out
}
