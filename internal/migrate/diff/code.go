package diff

import (
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Views, triggers, rules, policies; and what is alike for all kinds.

// createView writes a view; or is "" or "OR REPLACE ".
func createView(o catalog.Object, or string) string {
	kind := "VIEW "
	if o.Kind == catalog.Materialized {
		kind = "MATERIALIZED VIEW "
	}
	s := "CREATE " + or + kind + o.Name
	if options := o.Value(catalog.Options); options != "" {
		s += " WITH (" + optionList(options) + ")"
	}
	return s + " AS\n" + trimmed(o.Value(catalog.Definition))
}

func alterView(c change) []staged {
	if !c.has(catalog.Definition, catalog.Options) {
		return none()
	}
	again := []string{dropStatement(c.have), createView(c.want, "")}
	if c.want.Kind == catalog.Materialized {
		return []staged{either(stageViews, relation(c.want.Name), again)}
	}
	return []staged{either(stageViews, relation(c.want.Name), []string{createView(c.want, "OR REPLACE ")}, again)}
}

// alterHook changes a trigger, a rule or an event trigger.
func alterHook(c change) []staged {
	o := c.want
	if o.Kind == catalog.EventTrigger && c.has(catalog.On, catalog.Tags, catalog.Calls) {
		return []staged{either(stageHooks, subject{}, []string{dropStatement(c.have), createEventTrigger(o)})}
	}
	if c.has(catalog.Definition) {
		if o.Value(catalog.Inherited) != "" {
			return none()
		}
		return []staged{either(stageHooks, subject{}, []string{dropStatement(c.have), trimmed(o.Value(catalog.Definition))})}
	}
	if !c.has(catalog.Enabled) {
		return none()
	}
	state := map[string]string{"": "ENABLE", "no": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}[o.Value(catalog.Enabled)]
	if o.Kind == catalog.EventTrigger {
		return []staged{at(stageDetails, "ALTER EVENT TRIGGER "+o.Name+" "+state)}
	}
	return []staged{at(stageDetails, "ALTER TABLE "+o.Of+" "+state+" "+word(o.Kind)+" "+o.Name)}
}

func createPolicy(o catalog.Object) string {
	s := "CREATE POLICY " + o.Name + " ON " + o.Of + " AS " + o.Value(catalog.Mode) + " FOR " + o.Value(catalog.For) + " TO " + o.Value(catalog.To)
	if v := o.Value(catalog.Using); v != "" {
		s += " USING (" + v + ")"
	}
	if v := o.Value(catalog.WithCheck); v != "" {
		s += " WITH CHECK (" + v + ")"
	}
	return s
}

func createEventTrigger(o catalog.Object) string {
	s := "CREATE EVENT TRIGGER " + o.Name + " ON " + o.Value(catalog.On)
	if tags := o.Value(catalog.Tags); tags != "" {
		s += " WHEN TAG IN (" + tags + ")"
	}
	return s + " EXECUTE FUNCTION " + o.Value(catalog.Calls) + "()"
}

// word is what CREATE and DROP call a kind.
func word(k catalog.Kind) string {
	switch k {
	case catalog.Enum, catalog.Composite, catalog.Range, catalog.BaseType:
		return "TYPE"
	}
	return strings.ToUpper(string(k))
}

// place names an object as DROP and COMMENT ON want it.
func place(o catalog.Object) string {
	switch o.Kind {
	case catalog.Trigger, catalog.Rule, catalog.Policy:
		return o.Name + " ON " + o.Of
	case catalog.Column:
		return o.Path()
	}
	return o.Name
}

func dropStatement(o catalog.Object) string { return "DROP " + word(o.Kind) + " " + place(o) }

// dropAgain takes away something that is in the way, and will be made again.
func dropAgain(o catalog.Object) action {
	sql := dropStatement(o)
	switch o.Kind {
	case catalog.Column:
		sql = "ALTER TABLE " + o.Of + " ALTER COLUMN " + o.Name + " DROP DEFAULT"
	case catalog.Constraint:
		sql = "ALTER TABLE " + o.Of + " DROP CONSTRAINT " + o.Name
	}
	return at(stageDrop, sql).action
}

// comment writes COMMENT ON for a wanted object.
func (g generator) comment(o catalog.Object) string {
	on := word(o.Kind) + " " + place(o)
	switch o.Kind {
	case catalog.Schema:
		on = "SCHEMA " + quote(g.schema)
	case catalog.Constraint:
		on = "CONSTRAINT " + o.Name + " ON " + strings.TrimPrefix(strings.TrimPrefix(g.alterOf(o), "ALTER TABLE "), "ALTER ")
	}
	text, ok := o.Get(catalog.Comment)
	if !ok && o.Kind == catalog.Schema && g.schema == "public" {
		text, ok = "standard public schema", true // what initdb says counts as nothing
	}
	if !ok {
		return "COMMENT ON " + on + " IS NULL"
	}
	return "COMMENT ON " + on + " IS " + literal(text)
}
