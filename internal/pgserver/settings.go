package pgserver

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// fixed are the settings that this package answers for.
func fixed(data string, a Address) map[string]string {
	listen := ""
	if a.tcp {
		listen = "127.0.0.1"
	}
	return map[string]string{
		"data_directory":          data,
		"listen_addresses":        listen,
		"port":                    strconv.Itoa(a.port),
		"unix_socket_directories": `"` + strings.ReplaceAll(a.socket, `"`, `""`) + `"`, // a list; quoted, it is one name
		"unix_socket_permissions": "0700",
		"logging_collector":       "off", // stderr is our file
		"log_destination":         "stderr",
	}
}

// checkSettings refuses options that would move what this package answers for.
func checkSettings(o Options) error {
	for name := range fixed("", Address{}) {
		if _, set := o.Settings[name]; set {
			return fmt.Errorf("pgserver: the setting %s cannot be changed", name)
		}
	}
	if o.Port < 0 || o.Port > 65535 {
		return fmt.Errorf("pgserver: %d is no TCP port", o.Port)
	}
	return nil
}

// serverArguments returns the command line of postgres. Settings stand there and
// not in a file, so that the folder holds data alone and a new release of ours
// brings its own.
func serverArguments(data string, a Address, bin Binaries, o Options) []string {
	settings := map[string]string{
		"shared_buffers":  "64MB",
		"max_connections": "100",
		"timezone":        "UTC",
		"log_timezone":    "UTC",
		"log_line_prefix": "%m [%p] %q%u@%d ",
		"cluster_name":    "af-auth",
	}
	// A statement whose client was killed ends within half a second, and its
	// locks with it. Version 14 can do so on Linux only, and refuses elsewhere.
	if runtime.GOOS == "linux" || bin.Major > 14 {
		settings["client_connection_check_interval"] = "500ms"
	}
	if o.Ephemeral {
		maps.Copy(settings, map[string]string{
			"max_connections":  "200",
			"fsync":            "off", // a commit still outlives kill -9, though not a power cut
			"full_page_writes": "off",
			"autovacuum":       "off", // its workers stand in the way of cloning a template
			"jit":              "off",
			"max_wal_size":     "128MB",
			"min_wal_size":     "16MB",
		})
	}
	maps.Copy(settings, o.Settings)
	maps.Copy(settings, fixed(data, a))
	// -D goes first and plain: it is how the process is known in a process list.
	args := []string{"-D", data}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// environment is what PostgreSQL's programs get of ours: the least. Ours may
// hold secrets, and PG* variables that bend the programs.
func environment() []string {
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}
