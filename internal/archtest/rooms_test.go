// Package archtest keeps the plan of the house true. It reads the imports and
// the sources of the module and fails where they leave the plan: an import that
// goes up, a package without a place, a file or function that has grown too
// long, a habit that was dropped.
//
// It holds tests only; nothing imports it. The plan itself is the table in
// docs/architecture.md, "Rooms and floors", and rooms here says the same to the
// machine: change both together.
package archtest

import "strings"

// module is the path of the module and of its root package.
const module = "github.com/af-auth/af-auth"

// kind says what stands behind a package: a floor of the house, the tools
// beside it, or what is outside and never part of the program.
type kind int

const (
	floor0 kind = iota
	floor1
	floor2
	floor3
	floor4
	tool
	outside
)

// room is one row of the table: a package and everything below it.
type room struct {
	path string // relative to the module, "" for the root package
	kind kind
	// also are the rooms that it may import beyond the rule of its kind.
	also []string
	// planned marks a room that the table promises and nobody has built yet.
	planned bool
}

// rooms is the table. Packages come into being when they are needed: whoever
// builds a planned room takes the mark away.
func rooms() []room {
	return []room{
		// The guard of the private PostgreSQL is this program started again: it
		// must take over before anything else runs.
		{path: "cmd/af-auth", kind: floor4, also: []string{"internal/cli", "internal/pgserver"}},
		{path: "internal/cli", kind: floor4, also: []string{"internal/githubsim"}},

		{path: "internal/web", kind: floor3},
		{path: "internal/api", kind: floor3, planned: true},
		{path: "internal/studio", kind: floor3},

		{path: "internal/signin", kind: floor2},
		{path: "internal/gate", kind: floor2},
		{path: "internal/access", kind: floor2},
		{path: "internal/webhook", kind: floor2},
		{path: "internal/tokens", kind: floor2, planned: true},
		{path: "internal/services", kind: floor2, planned: true},

		{path: "internal/postgres", kind: floor1},
		{path: "internal/github", kind: floor1},
		{path: "internal/vault", kind: floor1, planned: true},

		{path: "", kind: floor0},
		// A database URL is checked where it is read.
		{path: "internal/config", kind: floor0, also: []string{"internal/pgurl"}},
		{path: "internal/telemetry", kind: floor0},
		{path: "internal/pgurl", kind: floor0},

		{path: "internal/migrate", kind: tool},
		{path: "internal/pgserver", kind: tool},
		{path: "internal/roles", kind: tool, planned: true},
		{path: "internal/backup", kind: tool, planned: true},
		{path: "internal/doctor", kind: tool, planned: true},

		{path: "internal/githubsim", kind: outside},
		{path: "internal/pgtest", kind: outside},
		{path: "internal/archtest", kind: outside},
		{path: "bench", kind: outside},
		{path: "e2e", kind: outside},
		{path: "client", kind: outside, planned: true},
	}
}

// roomOf returns the row that holds a package of the module.
func roomOf(pkg string) (room, bool) {
	path := strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/")
	for _, r := range rooms() {
		if path == r.path || r.path != "" && strings.HasPrefix(path, r.path+"/") {
			return r, true
		}
	}
	return room{}, false
}

// ours reports whether a package belongs to the module.
func ours(pkg string) bool { return pkg == module || strings.HasPrefix(pkg, module+"/") }

// standard reports whether a package belongs to the standard library: the first
// element of its path has no dot.
func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".")
}
