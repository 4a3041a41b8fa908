package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// CompareTexts says how the schema that one [Catalog.Text] describes differs from
// the one of another, for people: a line for each object that only one side has,
// and a few for each attribute that differs.
//
//	table notes: not of the migrations
//	column users.login: is missing
//	column users.name: type is varchar(40), and was text
//
// What is part of an object that only one side has is not listed. Both must have
// been taken with the same parts.
func CompareTexts(want, have string) []string {
	wanted, found := parse(want), parse(have)
	var out []string
	only := func(in, other []block, says string) {
		for _, b := range in {
			if findBlock(other, b.object) == nil && !partOfMissing(b.object, in, other) {
				out = append(out, b.object+": "+says)
			}
		}
	}
	only(wanted, found, "is missing")
	only(found, wanted, "is new")
	for _, w := range wanted {
		if h := findBlock(found, w.object); h != nil {
			out = append(out, w.changes(*h)...)
		}
	}
	return out
}

// block is one object of a text.
type block struct {
	object     string // "column users.login"
	attributes []Attribute
}

// parse reads what Text writes.
func parse(text string) []block {
	var out []block
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
		case strings.HasPrefix(line, "    ") && len(out) > 0 && len(out[len(out)-1].attributes) > 0:
			a := &out[len(out)-1].attributes[len(out[len(out)-1].attributes)-1]
			a.Value += "\n" + line[4:]
		case strings.HasPrefix(line, "  ") && len(out) > 0:
			name, value, _ := strings.Cut(line[2:], ":")
			out[len(out)-1].attributes = append(out[len(out)-1].attributes, Attribute{name, strings.TrimPrefix(value, " ")})
		default:
			out = append(out, block{object: line})
		}
	}
	for _, b := range out {
		for i, a := range b.attributes {
			b.attributes[i].Value = strings.TrimPrefix(a.Value, "\n")
		}
	}
	slices.SortStableFunc(out, func(a, b block) int { return cmp.Compare(a.object, b.object) })
	return out
}

func findBlock(in []block, object string) *block {
	i, ok := slices.BinarySearchFunc(in, object, func(b block, o string) int { return cmp.Compare(b.object, o) })
	if !ok {
		return nil
	}
	return &in[i]
}

// partOfMissing reports whether an object is part of a relation that, too, only
// the same side has.
func partOfMissing(object string, in, other []block) bool {
	_, path, _ := strings.Cut(object, " ")
	for _, kind := range []Kind{Table, View, Materialized, ForeignTable} {
		for _, b := range in {
			name, ok := strings.CutPrefix(b.object, string(kind)+" ")
			if ok && strings.HasPrefix(path, name+".") && findBlock(other, b.object) == nil {
				return true
			}
		}
	}
	return false
}

// changes says how the attributes of one object differ.
func (b block) changes(have block) []string {
	var out []string
	value := func(list []Attribute, name string) string {
		for _, a := range list {
			if a.Name == name {
				return a.Value
			}
		}
		return ""
	}
	seen := map[string]bool{}
	for _, a := range slices.Concat(b.attributes, have.attributes) {
		was, is := value(b.attributes, a.Name), value(have.attributes, a.Name)
		if was == is || seen[a.Name] {
			continue
		}
		seen[a.Name] = true
		switch {
		case strings.Contains(was+is, "\n"):
			out = append(out, b.object+": "+a.Name+" was changed:\n"+lineDifference(is, was))
		case was == "":
			out = append(out, b.object+": "+a.Name+" is "+is+", and was not set")
		case is == "":
			out = append(out, b.object+": "+a.Name+" is not set, and was "+was)
		default:
			out = append(out, b.object+": "+a.Name+" is "+is+", and was "+was)
		}
	}
	return out
}
