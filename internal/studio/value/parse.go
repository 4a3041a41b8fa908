package value

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// MaxTyped is how long a typed value may be, in bytes.
const MaxTyped = 1 << 20

// Parse reads what somebody typed for a column and returns the text that
// PostgreSQL reads as that value. The error says in plain words what is wrong
// with it; PostgreSQL has the last word on types that are not known here. An
// empty text is an empty text and never NULL.
func Parse(c *catalog.Column, typed string) (string, error) {
	switch {
	case len(typed) > MaxTyped:
		return "", fmt.Errorf("%s is longer than the %s that studio takes", c.Name, Size(MaxTyped))
	case !utf8.ValidString(typed), strings.ContainsRune(typed, 0):
		return "", fmt.Errorf("%s holds what no text of PostgreSQL can hold", c.Name)
	}
	if c.Type.Kind == catalog.Text {
		return typed, fits(c, typed)
	}
	word := strings.TrimSpace(typed)
	if word == "" && c.Type.Kind != catalog.Other && c.Type.Kind != catalog.Enum && c.Type.Kind != catalog.Array {
		return "", fmt.Errorf("an empty text is no %s; choose NULL if there is to be no value", c.Shown)
	}
	switch c.Type.Kind {
	case catalog.Bool:
		return parseBool(c, word)
	case catalog.Number:
		return word, checkNumber(c, word)
	case catalog.Enum:
		for _, label := range c.Type.Labels {
			if label == typed {
				return typed, nil
			}
		}
		return "", fmt.Errorf("%q is none of %s's values: %s", short80(typed), c.Shown, strings.Join(c.Type.Labels, ", "))
	case catalog.UUID:
		if !uuidForm.MatchString(strings.NewReplacer("-", "", "{", "", "}", "").Replace(word)) {
			return "", fmt.Errorf("%q is no uuid: 32 hex digits, such as 0193a1f2-7c3e-7d40-8a51-2f6b0c9d1e73", short80(word))
		}
		return word, nil
	case catalog.JSON:
		return typed, checkJSON(c, typed)
	case catalog.Bytes:
		return parseBytes(c, word)
	case catalog.Time:
		return typed, checkTime(c, word)
	}
	return typed, checkOther(c, typed)
}

var (
	uuidForm    = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	wholeForm   = regexp.MustCompile(`^[+-]?[0-9]+$`)
	decimalForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$`)
	limitForm   = regexp.MustCompile(`\((\d+)(?:,(-?\d+))?\)$`)
)

// limits are the numbers behind a declared type, as in numeric(10,2).
func limits(c *catalog.Column) (first, second int, ok bool) {
	m := limitForm.FindStringSubmatch(c.Shown)
	if m == nil {
		return 0, 0, false
	}
	first, _ = strconv.Atoi(m[1])
	second, _ = strconv.Atoi(m[2])
	return first, second, true
}

func fits(c *catalog.Column, typed string) error {
	if c.Type.Name == "name" && len(typed) > maxName {
		return fmt.Errorf("%s holds %d bytes, and these are %d", c.Name, maxName, len(typed))
	}
	if n, _, ok := limits(c); ok && utf8.RuneCountInString(strings.TrimRight(typed, " ")) > n {
		return fmt.Errorf("%s holds %d characters, and these are %d", c.Name, n, utf8.RuneCountInString(typed))
	}
	return nil
}

func parseBool(c *catalog.Column, word string) (string, error) {
	switch strings.ToLower(word) {
	case "t", "true", "yes", "on", "1":
		return "t", nil
	case "f", "false", "no", "off", "0":
		return "f", nil
	}
	return "", fmt.Errorf("%q is neither true nor false, which is all that %s can be", short80(word), c.Name)
}

func checkNumber(c *catalog.Column, word string) error {
	bits := map[string]int{"int2": 16, "int4": 32, "int8": 64}[c.Type.Name]
	switch {
	case bits > 0:
		if !wholeForm.MatchString(word) {
			return fmt.Errorf("%q is no whole number, and %s is %s", short80(word), c.Name, c.Shown)
		}
		if _, err := strconv.ParseInt(word, 10, bits); err != nil {
			limit := uint64(1) << (bits - 1)
			return fmt.Errorf("%s does not fit into %s, which goes from -%d to %d", short80(word), c.Shown, limit, limit-1)
		}
	case c.Type.Name == "numeric" && decimalForm.MatchString(word):
		// PostgreSQL would round without a word.
		_, digits, _ := strings.Cut(word, ".")
		if _, scale, ok := limits(c); ok && scale >= 0 && len(strings.TrimRight(digits, "0")) > scale {
			return fmt.Errorf("%s keeps %d digits behind the point, and %s has %d", c.Name, scale, short80(word), len(digits))
		}
	case c.Type.Name == "float4":
		return checkFloat(c, word, 32)
	case c.Type.Name == "float8":
		return checkFloat(c, word, 64)
	}
	return nil
}

func checkJSON(c *catalog.Column, typed string) error {
	if json.Valid([]byte(typed)) {
		return nil
	}
	var into any
	err := json.Unmarshal([]byte(typed), &into)
	if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // json returns it bare
		return fmt.Errorf("%s is no JSON: it breaks off at character %d", c.Name, syntax.Offset)
	}
	return fmt.Errorf("%s is no JSON", c.Name)
}

func parseBytes(c *catalog.Column, word string) (string, error) {
	digits, ok := strings.CutPrefix(word, `\x`)
	if !ok {
		return "", fmt.Errorf(`%s holds bytes: write them in hex, such as \x1f8b`, c.Name)
	}
	if _, err := hex.DecodeString(digits); err != nil {
		return "", fmt.Errorf(`%s holds bytes: behind \x stand pairs of hex digits`, c.Name)
	}
	return word, nil
}

func short80(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// Editable says why nobody can type a value for the column, "" where they can.
func Editable(c *catalog.Column) string {
	switch {
	case c.Masked:
		return "masked: it can be cleared, never read or typed"
	case c.Generated != "":
		return "generated: PostgreSQL computes it from other columns"
	case c.Identity == "a":
		return "identity: PostgreSQL counts it up itself"
	case !c.Readable:
		return "this role may not read it"
	}
	return ""
}

// Typed is a value as it stands in a form to be edited: what Parse reads.
func Typed(c *catalog.Column, text string) string {
	if c.Type.Kind == catalog.Bool {
		return map[bool]string{true: "true", false: "false"}[strings.HasPrefix(text, "t")]
	}
	return text
}
