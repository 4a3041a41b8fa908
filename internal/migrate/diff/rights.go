package diff

import (
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// rights returns the GRANTs and REVOKEs that lead from the rights of one object
// to those of another.
func (g generator) rights(want, have catalog.Object) []Step {
	var on string
	column := ""
	switch want.Kind {
	case catalog.Schema:
		on = "SCHEMA " + quote(g.schema)
	case catalog.Column:
		on, column = "TABLE "+want.Of, " ("+want.Name+")"
	case catalog.Table, catalog.ForeignTable, catalog.View, catalog.Materialized:
		on = "TABLE " + want.Name
	case catalog.Aggregate:
		on = "FUNCTION " + want.Name
	case catalog.Domain:
		on = "TYPE " + want.Name
	default:
		on = word(want.Kind) + " " + want.Name
	}
	return grantSteps(want.Grants, have.Grants, " ON "+on, column, "")
}

// grantSteps writes one statement for each role and kind of right. before comes
// first in each, as ALTER DEFAULT PRIVILEGES does.
func grantSteps(want, have []catalog.Grant, on, column, before string) []Step {
	var out []Step
	for _, group := range grouped(missing(have, want)) {
		out = append(out, Step{SQL: before + "REVOKE " + privileges(group, column) + on + " FROM " + grantee(group[0])})
	}
	for _, group := range grouped(missing(want, have)) {
		sql := before + "GRANT " + privileges(group, column) + on + " TO " + grantee(group[0])
		if group[0].Option {
			sql += " WITH GRANT OPTION"
		}
		out = append(out, Step{SQL: sql})
	}
	return out
}

// missing returns the rights of a that b lacks.
func missing(a, b []catalog.Grant) []catalog.Grant {
	return slices.DeleteFunc(slices.Clone(a), func(g catalog.Grant) bool { return slices.Contains(b, g) })
}

// grouped puts rights of one role, with or without its option, together.
func grouped(list []catalog.Grant) [][]catalog.Grant {
	var out [][]catalog.Grant
	for _, g := range list {
		i := slices.IndexFunc(out, func(o []catalog.Grant) bool { return o[0].Role == g.Role && o[0].Option == g.Option })
		if i < 0 {
			out = append(out, []catalog.Grant{g})
			continue
		}
		out[i] = append(out[i], g)
	}
	return out
}

func privileges(list []catalog.Grant, column string) string {
	out := make([]string, len(list))
	for i, g := range list {
		out[i] = g.Privilege + column
	}
	return strings.Join(out, ", ")
}

// grantee names a role. Whoever runs the plan owns what it makes.
func grantee(g catalog.Grant) string {
	if g.Role == "OWNER" {
		return "CURRENT_USER"
	}
	return g.Role
}

// changeDefaultRights changes default privileges. Its objects are named
// "TABLES OF role".
func (g generator) changeDefaultRights(want, have catalog.Object) staged {
	kind, role, _ := strings.Cut(want.Name, " OF ")
	steps := grantSteps(want.Grants, have.Grants, " ON "+kind, "", "ALTER DEFAULT PRIVILEGES FOR ROLE "+role+" IN SCHEMA "+quote(g.schema)+" ")
	return staged{action{ways: [][]Step{steps}}, stageDetails}
}

// strip leaves out what belongs to an installation and not to the product: the
// rights of named roles, and those on the schema itself.
func strip(c catalog.Catalog, roles bool) catalog.Catalog {
	if roles {
		return c
	}
	out := catalog.Catalog{Schema: c.Schema}
	for _, o := range c.Objects {
		if o.Kind == catalog.DefaultRights {
			continue
		}
		if o.Kind == catalog.Schema {
			o.Grants = nil
		}
		o.Grants = slices.DeleteFunc(slices.Clone(o.Grants), func(g catalog.Grant) bool { return g.Role != "PUBLIC" && g.Role != "OWNER" })
		out.Objects = append(out.Objects, o)
	}
	return out
}

// countable leaves out of two catalogues what does not count between them,
// where one is a database: see strip, and what the host of that database may
// have added to it.
func countable(want, have catalog.Catalog, wantLive, haveLive, roles bool) (catalog.Catalog, catalog.Catalog) {
	if !wantLive && !haveLive {
		return want, have
	}
	hosted := func(live bool, c, other catalog.Catalog) catalog.Catalog {
		if live {
			c.Objects = slices.DeleteFunc(slices.Clone(c.Objects), func(o catalog.Object) bool {
				_, both := other.Find(o.Kind, o.Of, o.Name)
				return !both && (o.Kind == catalog.Extension || o.Kind == catalog.EventTrigger)
			})
		}
		return c
	}
	w, h := strip(want, roles), strip(have, roles)
	return hosted(wantLive, w, h), hosted(haveLive, h, w)
}
