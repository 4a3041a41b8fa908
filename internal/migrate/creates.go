package migrate

import "strings"

// Creates returns the names of the tables, views and sequences that a file's up
// part makes, as SQL has them and in order. A schema before a name is left out,
// and so is what is temporary.
func Creates(f File) []string {
	var names []string
	for _, s := range scan(f.Up) {
		if name := createdRelation(f.Up[s.start:s.end]); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// createdRelation reads the name in CREATE TABLE and its like, or returns "".
func createdRelation(sql string) string {
	c := newCursor(sql)
	if !c.accept("create") {
		return ""
	}
	c.accept("or", "replace")
	for _, word := range []string{"unlogged", "foreign", "materialized", "recursive"} {
		c.accept(word)
	}
	if !c.accept("table") && !c.accept("view") && !c.accept("sequence") {
		return ""
	}
	c.accept("if", "not", "exists")
	return unqualified(c.name())
}

// unqualified takes the schema off a name.
func unqualified(name string) string {
	if strings.HasSuffix(name, `"`) {
		last := strings.ReplaceAll(name[:len(name)-1], `""`, "  ") // a doubled quote ends nothing
		return name[strings.LastIndexByte(last, '"'):]
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}
