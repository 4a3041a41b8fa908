package catalog

import (
	"fmt"
	"strings"
)

// Difference is one thing that two catalogues do not share.
type Difference struct {
	Kind   Kind
	Object string // its path: users, users.login, f(integer); "" for the schema
	// Of and Name are the parts of the path, for [Catalog.Find].
	Of, Name string
	// Attribute is what differs; "" where only one side has the object.
	Attribute string
	// Want and Have are the two values; "" where the side has none. Where only
	// one side has the object, they are all its attributes, one a line.
	Want, Have string
	// Missing and Extra say that only the wanted, or only the found schema has
	// the object. What is part of a missing or extra relation is not listed.
	Missing, Extra bool
}

// Compare lists what differs, in the order of [Catalog.Objects]. Parts count
// where they are asked for.
func Compare(want, have Catalog, with ...Part) []Difference {
	c := comparison{want: want.tables(), have: have.tables(), with: with, gone: map[string]bool{}}
	i, j := 0, 0
	for i < len(want.Objects) || j < len(have.Objects) {
		switch {
		case j == len(have.Objects) || i < len(want.Objects) && order(want.Objects[i], have.Objects[j]) < 0:
			c.oneSided(want.Objects[i], true)
			i++
		case i == len(want.Objects) || order(want.Objects[i], have.Objects[j]) > 0:
			c.oneSided(have.Objects[j], false)
			j++
		default:
			c.both(want.Objects[i], have.Objects[j])
			i, j = i+1, j+1
		}
	}
	return c.out
}

type comparison struct {
	want, have map[string]bool // the tables of each
	with       []Part
	out        []Difference
	gone       map[string]bool // relations that one side lacks
}

// oneSided notes an object that only one side has. Relations come before their
// parts in the order of kinds.
func (c *comparison) oneSided(o Object, missing bool) {
	if !o.Kind.counts(c.with) || o.Of != "" && c.gone[o.Of] {
		return
	}
	if o.Kind.Relation() || o.Kind == Domain {
		c.gone[o.Name] = true
	}
	tables := c.have
	if missing {
		tables = c.want
	}
	var lines []string
	for _, a := range o.counting(tables, c.with) {
		lines = append(lines, a.Name+": "+a.Value)
	}
	d := Difference{Kind: o.Kind, Object: o.Path(), Of: o.Of, Name: o.Name, Missing: missing, Extra: !missing}
	if missing {
		d.Want = strings.Join(lines, "\n")
	} else {
		d.Have = strings.Join(lines, "\n")
	}
	c.out = append(c.out, d)
}

// both notes the attributes that differ, in the wanted object's order.
func (c *comparison) both(want, have Object) {
	if !want.Kind.counts(c.with) {
		return
	}
	w, h := want.counting(c.want, c.with), have.counting(c.have, c.with)
	for _, a := range w {
		other, _ := find(h, a.Name)
		if other != a.Value {
			c.note(want, a.Name, a.Value, other)
		}
	}
	for _, a := range h {
		if _, ok := find(w, a.Name); !ok {
			c.note(want, a.Name, "", a.Value)
		}
	}
}

func (c *comparison) note(o Object, attribute, want, have string) {
	c.out = append(c.out, Difference{Kind: o.Kind, Object: o.Path(), Of: o.Of, Name: o.Name, Attribute: attribute, Want: want, Have: have})
}

func find(list []Attribute, name string) (string, bool) {
	return Object{Attributes: list}.Get(name)
}

// String says in one line, or a few for longer values, what differs.
func (d Difference) String() string {
	name := string(d.Kind)
	if d.Object != "" {
		name += " " + oneLine(d.Object)
	}
	switch {
	case d.Missing:
		return name + ": missing"
	case d.Extra:
		return name + ": not wanted"
	}
	name += ": " + d.Attribute
	switch {
	case d.Have == "":
		return fmt.Sprintf("%s: missing: %s", name, d.Want)
	case d.Want == "":
		return fmt.Sprintf("%s: not wanted: %s", name, d.Have)
	case !strings.Contains(d.Want+d.Have, "\n"):
		return fmt.Sprintf("%s: %s, wanted %s", name, d.Have, d.Want)
	}
	return name + " differs:\n" + lineDifference(d.Want, d.Have)
}

// lineDifference shows the lines between the first and the last that differ:
// "-" for what is found, "+" for what is wanted.
func lineDifference(want, have string) string {
	w, h := strings.Split(want, "\n"), strings.Split(have, "\n")
	for len(w) > 0 && len(h) > 0 && w[0] == h[0] {
		w, h = w[1:], h[1:]
	}
	for len(w) > 0 && len(h) > 0 && w[len(w)-1] == h[len(h)-1] {
		w, h = w[:len(w)-1], h[:len(h)-1]
	}
	var lines []string
	for _, line := range h {
		lines = append(lines, "  - "+line)
	}
	for _, line := range w {
		lines = append(lines, "  + "+line)
	}
	return strings.Join(lines, "\n")
}
