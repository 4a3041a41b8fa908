package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Retyping is a change of a column's type, both as format_type writes them. A
// domain stands here as what it is made of.
type Retyping struct {
	From, To string
	// Free says that a conversion without being asked is there, or that the second
	// type has every value of the first: it decides about types that are not
	// PostgreSQL's own. About those the table here does, because PostgreSQL converts
	// bigint to double precision without being asked as well.
	Free bool
	// Explicit says that the values are cast (USING), which cuts texts and bits
	// that an assignment refuses.
	Explicit bool
}

// Keeping says what becomes of the values.
type Keeping int

// What becomes of the values.
const (
	Keeps   Keeping = iota
	Refuses         // one that does not fit makes the change fail
	Alters          // they may be cut, rounded or read in another way, and nothing says so
)

// Keeping decides. What is not known to keep every value alters them.
func (r Retyping) Keeping() Keeping {
	was, before := splitType(r.From)
	is, after := splitType(r.To)
	if was == is && slices.Equal(before, after) {
		return Keeps
	}
	was, wasArray := strings.CutSuffix(was, "[]")
	is, isArray := strings.CutSuffix(is, "[]")
	if wasArray != isArray {
		return Alters
	}
	from, to := typed{was, before}, typed{is, after}
	switch {
	case to.is("text", "citext", "character varying", "character", "bpchar"):
		return r.texts(from, to)
	case to.is("bit", "bit varying") && from.is("bit", "bit varying"):
		return r.bits(from, to)
	case to.number() && from.number():
		return numbers(from, to)
	case to.moment() && from.moment():
		return moments(from, to)
	case was == is:
		return keepsIf(after == nil)
	case slices.Contains([]string{"jsonb>json", "cidr>inet", "macaddr>macaddr8", "boolean>integer"}, was+">"+is):
		return Keeps
	case is == "name": // 63 bytes; PostgreSQL cuts without being asked
		return Alters
	}
	return keepsIf(r.Free && after == nil)
}

// Words says what becomes of values that are altered: "are …".
func (r Retyping) Words() string {
	was, _ := splitType(r.From)
	is, _ := splitType(r.To)
	switch from, to := (typed{name: was}), (typed{name: is}); {
	case was == "json" && is == "jsonb":
		return "written anew as jsonb: spaces, the order of keys and keys that are there twice are lost"
	case r.GainsZone():
		return "taken to be times in UTC"
	case from.zoned() && to.name == "date":
		return "cut to their day in UTC"
	case from.zoned() && to.moment() && !to.zoned():
		return "left without a time zone; those with one become times in UTC"
	case from.number() && to.number(), from.moment() && to.moment():
		return "rounded or cut to " + r.To
	case is == "character":
		return "cut or filled up to " + r.To + ", and lose blanks at their end"
	case to.is("text", "character varying", "bit", "bit varying"):
		return "cut to " + r.To
	}
	return "converted to " + r.To + ", which does not hold every " + r.From
}

// GainsZone says that a time gets a time zone, which is UTC in every migration: no
// value is lost, but one that was meant for another zone is another moment now.
func (r Retyping) GainsZone() bool {
	was, _ := splitType(r.From)
	is, _ := splitType(r.To)
	from, to := typed{name: was}, typed{name: is}
	return from.moment() && !from.zoned() && to.zoned()
}

// typed is a type's name and what stands in its parentheses.
type typed struct {
	name string
	mods []int
}

func (t typed) is(names ...string) bool { return slices.Contains(names, t.name) }

// digits of a whole number: 0 of what is none.
func (t typed) digits() int {
	return map[string]int{"smallint": 5, "integer": 10, "bigint": 19}[t.name]
}

func (t typed) number() bool {
	return t.digits() > 0 || t.is("numeric", "real", "double precision")
}

func (t typed) moment() bool {
	return t.name == "date" || strings.HasPrefix(t.name, "time ") || strings.HasPrefix(t.name, "timestamp ") ||
		t.name == "interval" || strings.HasPrefix(t.name, "interval ")
}

func (t typed) zoned() bool { return t.moment() && strings.HasSuffix(t.name, "with time zone") }

func keepsIf(ok bool) Keeping {
	if ok {
		return Keeps
	}
	return Alters
}

// tooLong is what becomes of something too long.
func (r Retyping) tooLong() Keeping {
	if r.Explicit {
		return Alters
	}
	return Refuses
}

// texts: every value can be written. What is padded in character(n) says
// nothing, but blanks of other texts do.
func (r Retyping) texts(from, to typed) Keeping {
	padded := to.is("character", "bpchar")
	switch {
	case padded && !from.is("character", "bpchar"):
		return Alters
	case to.mods == nil:
		return Keeps
	case from.is("character", "character varying") && from.mods != nil && from.mods[0] <= to.mods[0]:
		return Keeps
	}
	return r.tooLong()
}

// bits: bit(n) has exactly n of them.
func (r Retyping) bits(from, to typed) Keeping {
	if to.name == "bit varying" && (to.mods == nil || from.mods != nil && from.mods[0] <= to.mods[0]) {
		return Keeps
	}
	return r.tooLong()
}

// numbers: those with a point are rounded, whole ones must fit.
func numbers(from, to typed) Keeping {
	switch {
	case to.name == "numeric":
		return toNumeric(from, to)
	case to.name == "double precision":
		return keepsIf(from.is("smallint", "integer", "real"))
	case to.name == "real":
		return keepsIf(from.name == "smallint")
	case from.name == "numeric" && len(from.mods) == 2 && from.mods[1] <= 0:
		if from.mods[0]-from.mods[1] < to.digits() {
			return Keeps
		}
		return Refuses
	case from.digits() == 0:
		return Alters
	case from.digits() > to.digits():
		return Refuses
	}
	return Keeps
}

func toNumeric(from, to typed) Keeping {
	whole, behind := from.digits(), 0
	if from.name == "numeric" && len(from.mods) == 2 {
		whole, behind = from.mods[0]-from.mods[1], from.mods[1]
	}
	switch {
	case from.is("real", "double precision"): // 6 and 15 digits of them are taken
		return Alters
	case len(to.mods) != 2:
		return Keeps
	case from.name == "numeric" && len(from.mods) != 2, to.mods[1] < behind:
		return Alters
	case to.mods[0]-to.mods[1] < whole:
		return Refuses
	}
	return Keeps
}

// moments: fractions of a second are rounded, and what has no place in the new
// type is cut. Migrations run in UTC, which has every time of a day once.
func moments(from, to typed) Keeping {
	const finest = 6 // digits of a second, where nothing is said
	stamp := strings.HasPrefix(from.name, "timestamp ")
	switch {
	case from.name == "date":
		return keepsIf(strings.HasPrefix(to.name, "timestamp "))
	case from.name == to.name,
		stamp && to.name == "timestamp with time zone",
		from.name == "time without time zone" && to.is("time with time zone", "interval"),
		strings.HasPrefix(from.name, "interval ") && to.name == "interval":
		return keepsIf(append(to.mods, finest)[0] >= append(from.mods, finest)[0])
	}
	return Alters
}

var typeMods = regexp.MustCompile(`\((\d+)(?:,(-?\d+))?\)`)

// splitType takes a type of format_type apart: numeric(10,2) is numeric with 10
// and 2.
func splitType(t string) (name string, mods []int) {
	m := typeMods.FindStringSubmatch(t)
	if m == nil {
		return t, nil
	}
	for _, digits := range m[1:] {
		n, err := strconv.Atoi(digits)
		if err == nil {
			mods = append(mods, n)
		}
	}
	return strings.Replace(t, m[0], "", 1), mods
}
