package archtest

import (
	"fmt"
	"slices"
)

// forbidden says why a package may not import another, "" where it may.
func forbidden(from, to string) string {
	if !ours(to) {
		if from == module && !standard(to) {
			return "the root package holds the nouns and imports the standard library only"
		}
		return ""
	}
	f, ok := roomOf(from)
	if !ok {
		return noPlace(from)
	}
	t, ok := roomOf(to)
	if !ok {
		return noPlace(to)
	}
	switch {
	case f.path == t.path, slices.Contains(f.also, t.path):
		return ""
	case t.path == "internal/config" && f.path != "internal/cli":
		return "only internal/cli reads the configuration; others receive the settings they need"
	case t.kind == outside && f.kind != outside:
		return "what is outside never becomes part of the program"
	case f.kind == outside:
		return ""
	}
	return byFloor(f, t)
}

// byFloor is the rule for two different rooms inside the house: imports go down
// only, and some floors reach less far than that.
func byFloor(f, t room) string {
	ground := t.kind == floor0
	allowed, why := false, ""
	switch f.kind {
	case floor4:
		allowed, why = f.path == "internal/cli" && t.kind != floor4 || ground,
			"cmd/af-auth starts internal/cli, and nothing imports the command line"
	case floor3:
		allowed, why = ground || t.kind == floor2 && f.path != "internal/studio",
			"floor 3 decides nothing: web and api import floors 2 and 0, studio floor 0"
	case floor2:
		allowed, why = ground || t.kind == floor1,
			"use cases import floors 1 and 0, and never each other: what they share is a pure function in the root package"
	case floor1:
		allowed, why = ground, "floor 1 imports floor 0 only"
	case floor0:
		allowed, why = t.path == "" && f.path != "", "floor 0 imports nothing of the module but the root package"
	case tool:
		allowed, why = ground || t.kind == tool,
			"tools import floor 0 and each other: they know no rule of af-auth"
	}
	if allowed {
		return ""
	}
	return why
}

func noPlace(pkg string) string {
	return fmt.Sprintf("%s has no place in the house: add it to the table in docs/architecture.md, \"Rooms and floors\", and to rooms() in internal/archtest/rooms_test.go", pkg)
}
