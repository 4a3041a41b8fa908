package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/pgurl"
)

const (
	sourceCommandLine = "command line"
	sourceEnvironment = "environment"
	sourceDotEnv      = ".env"
	sourceDefault     = "default"
	sourceNone        = "not set"

	ownPrefix = "AF_AUTH_"

	maxFile = 1 << 20 // bytes of a settings file or of a secret's file
)

// layer is one source: what it sets, by name.
type layer map[string]value

// value is one setting as it was found.
type value struct {
	text   string
	source string // for listings: ".env"
	where  string // for faults: ".env:3"

	override bool // empty, it hides what weaker sources hold
}

func fromOverrides(settings, sources map[string]string) layer {
	found := layer{}
	for name, text := range settings {
		source := sources[name]
		if source == "" {
			source = sourceCommandLine
		}
		found[name] = value{text: text, source: source, where: source, override: true}
	}
	return found
}

func fromEnviron(environ []string) layer {
	found := layer{}
	for _, item := range environ {
		if name, text, ok := strings.Cut(item, "="); ok {
			found[name] = value{text: text, source: sourceEnvironment, where: sourceEnvironment}
		}
	}
	return found
}

// add takes a source in and refuses names in it that nobody knows: all of them
// where the source is ours alone, otherwise those that bear our prefix. A
// mistyped name would leave a default in force that nobody meant.
func (l *loader) add(from layer, ours bool) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if l.known[name] || (!ours && !strings.HasPrefix(name, ownPrefix)) {
			continue
		}
		hint := "af-auth config lists all names"
		if near := l.nearest(name); near != "" {
			hint = "the nearest known name is " + near
		}
		l.fault(shortName(name), from[name].where, wrong(hint, "is not known"))
	}
	l.layers = append(l.layers, from)
}

// nearest returns the known name that was probably meant, or "". Our prefix
// makes no two names alike.
func (l *loader) nearest(name string) string {
	known := map[string]string{} // by what follows the prefix
	for _, k := range slices.Sorted(maps.Keys(l.known)) {
		known[strings.TrimPrefix(k, ownPrefix)] = k
	}
	return known[pgurl.Nearest(strings.TrimPrefix(name, ownPrefix), slices.Collect(maps.Keys(known)))]
}

func shortName(name string) string {
	if len(name) <= 60 {
		return name
	}
	return strings.ToValidUTF8(name[:60], "") + "…"
}

// peek returns the strongest value of a variable that has no _FILE form.
func (l *loader) peek(name string) value {
	for _, from := range l.layers {
		v, given := from[name]
		if given && v.unsets() {
			return value{source: v.source, override: true}
		}
		if strings.TrimSpace(v.text) != "" {
			v.text = strings.TrimSpace(v.text)
			return v
		}
	}
	return value{}
}

// pick returns the strongest value of a variable. Without a text there is none; a
// source beside that says where a fault is. A secret may
// stand in a file, as Docker and systemd hand them over: NAME_FILE holds its
// path.
func (l *loader) pick(v Var) value {
	if !v.Secret {
		return l.peek(v.Name)
	}
	for _, from := range l.layers {
		direct, given := from[v.Name]
		file := from[v.Name+"_FILE"]
		switch {
		case given && direct.unsets():
			return value{source: direct.source, override: true}
		case strings.TrimSpace(direct.text) != "" && file.text != "":
			l.fault(v.Name, direct.where, wrong("keep one of them", "and %s_FILE are both set", v.Name))
			return value{source: direct.source + ", " + v.Name + " and " + v.Name + "_FILE"}
		case strings.TrimSpace(direct.text) != "":
			direct.text = strings.TrimSpace(direct.text)
			return direct
		case file.text != "":
			return l.secretFile(v.Name, file)
		}
	}
	return value{}
}

// unsets reports that a command said there is no such value: what weaker
// sources hold must not come through. In a file or the environment an empty
// value means nothing.
func (v value) unsets() bool {
	return v.override && strings.TrimSpace(v.text) == ""
}

func (l *loader) secretFile(name string, file value) value {
	where, source := file.where+", "+name+"_FILE", file.source+", "+name+"_FILE"
	data, err := readLimited(file.text)
	text := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		l.fault(name, where, wrong("check the path and who may read it", "cannot be read from its file: %s", cause(err)))
		return value{source: source}
	case text == "":
		l.fault(name, where, wrong("write the value into it", "comes from a file that is empty"))
		return value{source: source}
	}
	return value{text: text, source: source, where: where}
}

// readFile reads settings from a file in the form of .env. label is what the
// file is called in listings.
func (l *loader) readFile(path, label string, required bool) layer {
	data, err := readLimited(path)
	if err != nil {
		hint := "check the path and who may read it"
		if !required {
			hint = "remove it, or let this user read it"
		}
		l.faults = append(l.faults, Fault{Source: label, Problem: "cannot be read: " + cause(err), Hint: hint})
		return layer{}
	}
	found, faults := parseEnvFile(label, data)
	l.faults = append(l.faults, faults...)
	return found
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return data, err
}

// cause leaves the path out: what NAME_FILE was set to may be the secret itself,
// by mistake.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// othersMayRead reports whether group or others have any right to the file.
// Windows keeps such rights elsewhere.
func othersMayRead(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}
