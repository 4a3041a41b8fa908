package value

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// PostgreSQL takes more than a type keeps, and rounds or leaves out the rest
// without a word. Here a value is refused that would not be kept as it is typed.

// maxName is how long a value of type name is, in bytes.
const maxName = 63

var (
	floatForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$`)
	// secondForm are the digits behind a second's point, as in 12:00:01.25 or 1.5 s.
	secondForm = regexp.MustCompile(`(?:[0-9]:[0-9]{1,2}|[0-9 ])\.([0-9]+)(?:\s*s(?:ec|ecs|econd|econds)?\b|[^0-9.]|$)`)
	// offsetForm is what stands behind a time with a zone.
	offsetForm = regexp.MustCompile(`:[0-9]{2}(\.[0-9]*)?\s*([+-][0-9]|[Zz]\b)`)
)

// checkFloat refuses digits that the nearest float does not have.
func checkFloat(c *catalog.Column, word string, bits int) error {
	if !floatForm.MatchString(word) || len(word) > 400 {
		return nil // NaN, infinity, or what PostgreSQL refuses
	}
	f, err := strconv.ParseFloat(word, bits)
	if err != nil {
		return nil //nolint:nilerr // out of range, as PostgreSQL will say
	}
	kept := strconv.FormatFloat(f, 'g', -1, bits)
	typed, ok := new(big.Rat).SetString(word)
	nearest, ok2 := new(big.Rat).SetString(kept)
	if ok && ok2 && typed.Cmp(nearest) != 0 {
		return fmt.Errorf("%s is %s and does not keep all these digits: the nearest value is %s", c.Name, c.Shown, kept)
	}
	return nil
}

// SameDigits reports whether two texts of an amount of money have the same
// digits, whatever marks and zeros stand between, before and behind them.
func SameDigits(typed, kept string) bool {
	digits := func(s string) string {
		return strings.Trim(strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s), "0")
	}
	return digits(typed) == digits(kept)
}

// checkTime refuses parts of a moment that the column would not keep.
func checkTime(c *catalog.Column, word string) error {
	switch c.Type.Name {
	case "date":
		if strings.Contains(word, ":") {
			return fmt.Errorf("%s keeps a day and no time of it", c.Name)
		}
	case "timestamp", "time":
		if offsetForm.MatchString(word) {
			return fmt.Errorf("%s is %s and keeps no offset: type the time as it is to stand there", c.Name, c.Shown)
		}
	}
	return checkSecond(c, word)
}

// checkSecond refuses more than microseconds. What a declared precision leaves
// out is found by asking PostgreSQL.
func checkSecond(c *catalog.Column, word string) error {
	m := secondForm.FindStringSubmatch(word)
	if m != nil && len(strings.TrimRight(m[1], "0")) > 6 {
		return fmt.Errorf("%s keeps microseconds, 6 digits behind a second's point, and these are %d", c.Name, len(m[1]))
	}
	return nil
}

// checkOther refuses what types of their own would leave out.
func checkOther(c *catalog.Column, typed string) error {
	if c.Type.Schema != "pg_catalog" {
		return nil
	}
	switch c.Type.Name {
	case "interval":
		return checkSecond(c, typed)
	case "char":
		if len(typed) > 1 {
			return fmt.Errorf("%s is \"char\" and keeps one byte, and these are %d", c.Name, len(typed))
		}
	}
	return nil
}
