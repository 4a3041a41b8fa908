package e2e

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// readYAML reads the plain part of YAML that our examples are written in: maps
// and lists by indent, [a, b], texts with and without quotes, and comments that
// have a line of their own. What target has no field for is an error.
func readYAML(t *testing.T, text string, target any) {
	t.Helper()
	var lines []yamlLine
	for line := range strings.Lines(text) {
		words := strings.TrimSpace(line)
		if words == "" || strings.HasPrefix(words, "#") {
			continue
		}
		lines = append(lines, yamlLine{len(line) - len(strings.TrimLeft(line, " ")), words})
	}
	value, rest := yamlBlock(lines)
	if len(rest) > 0 {
		t.Fatalf("the line %q stands nowhere", rest[0].words)
	}
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(target); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
}

type yamlLine struct {
	indent int
	words  string
}

// yamlBlock reads the lines that have the first one's indent or a deeper one.
func yamlBlock(lines []yamlLine) (value any, rest []yamlLine) {
	if len(lines) == 0 {
		return "", nil
	}
	indent := lines[0].indent
	var list []any
	fields := map[string]any{}
	for len(lines) > 0 && lines[0].indent == indent {
		line := lines[0]
		if item, ok := strings.CutPrefix(line.words, "- "); ok {
			lines[0] = yamlLine{indent + 2, item}
			value, lines = yamlBlock(lines)
			list = append(list, value)
			continue
		}
		key, text, _ := strings.Cut(line.words, ":")
		lines = lines[1:]
		if text = strings.TrimSpace(text); text != "" {
			fields[key] = yamlScalar(text)
		} else if len(lines) > 0 && lines[0].indent > indent {
			fields[key], lines = yamlBlock(lines)
		}
	}
	if list != nil {
		return list, lines
	}
	return fields, lines
}

func yamlScalar(text string) any {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		var list []any
		for item := range strings.SplitSeq(strings.TrimSuffix(inner, "]"), ",") {
			list = append(list, strings.TrimSpace(item))
		}
		return list
	}
	if len(text) > 1 && (text[0] == '\'' || text[0] == '"') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1]
	}
	return text
}
