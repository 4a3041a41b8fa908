package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// parseEnvFile reads the form that .env and --config FILE share. Faults name
// the line and never show any of it but the variable's name.
//
//	# a comment
//	NAME=value            # a comment after white space
//	export NAME=value     the prefix means nothing
//	NAME='as it stands'   no escapes
//	NAME="with \" \\ \n \r \t \$ escapes"
//
// There is no interpolation: a $ is a $. A value ends with its line. A name
// that stands twice is a fault, because dotenv readers differ on which one
// counts.
func parseEnvFile(label string, data []byte) (layer, Faults) {
	found, first := layer{}, map[string]int{}
	var faults Faults
	text := strings.TrimPrefix(string(data), "\ufeff")
	number := 0
	for line := range strings.Lines(text) {
		number++
		where := fmt.Sprintf("%s:%d", label, number)
		name, text, problem := parseLine(strings.TrimSpace(line))
		switch {
		case problem != "":
			faults = append(faults, Fault{Source: where, Problem: problem,
				Hint: `write NAME=value, NAME='value' or NAME="value", and comments after #`})
		case name == "":
		case first[name] != 0:
			faults = append(faults, Fault{Name: shortName(name), Source: where,
				Problem: fmt.Sprintf("is set twice, first on line %d", first[name]), Hint: "keep one of them"})
		default:
			first[name] = number
			found[name] = value{text: text, source: label, where: where}
		}
	}
	return found, faults
}

// parseLine returns a name and its value, nothing for an empty line, or what
// is wrong with the line.
func parseLine(line string) (name, text, problem string) {
	if line == "" || line[0] == '#' {
		return "", "", ""
	}
	if !utf8.ValidString(line) || strings.ContainsFunc(strings.ReplaceAll(line, "\t", " "), isControl) {
		return "", "", "holds a control character or invalid UTF-8"
	}
	if after, ok := strings.CutPrefix(line, "export"); ok && strings.TrimLeft(after, " \t") != after {
		line = strings.TrimLeft(after, " \t")
	}
	name, rest, ok := strings.Cut(line, "=")
	name, rest = strings.TrimRight(name, " \t"), strings.TrimLeft(rest, " \t")
	if !ok || !isName(name) {
		return "", "", "is not NAME=VALUE"
	}
	switch {
	case strings.HasPrefix(rest, "'"):
		text, rest, ok = strings.Cut(rest[1:], "'")
	case strings.HasPrefix(rest, `"`):
		text, rest, ok = unquote(rest[1:])
	default:
		return name, cutComment(rest), ""
	}
	if !ok {
		return "", "", "has a quote that is not closed, or an unknown escape"
	}
	if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != '#' {
		return "", "", "goes on after the closing quote"
	}
	return name, text, ""
}

// unquote reads up to the closing double quote and returns what follows it.
func unquote(s string) (text, rest string, ok bool) {
	escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '$': '$'}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) || escapes[s[i]] == 0 {
				return "", "", false
			}
			b.WriteByte(escapes[s[i]])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// cutComment ends an unquoted value at a # that follows white space.
func cutComment(s string) string {
	for i := range len(s) {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			s = s[:i]
			break
		}
	}
	return strings.TrimRight(s, " \t")
}

func isName(s string) bool {
	for i, r := range s {
		isLetter := r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_'
		if !isLetter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
