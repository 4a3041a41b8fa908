package rehearse

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
)

// value is an SQL expression over n, the number of a row from 1. An empty one is
// none at all.
type value struct {
	of func(n string) string
	// distinct is for how many n the values differ; 0: for all.
	distinct int64
}

// constant is the same for every row.
func constant(expr string) value { return value{func(string) string { return expr }, 1} }

// form makes a value from a pattern with %s for n.
func form(pattern string, distinct int64) value {
	return value{func(n string) string { return strings.ReplaceAll(pattern, "%s", n) }, distinct}
}

// pgType is a type of the server.
type pgType struct {
	oid            uint32
	name           string // as SQL has it, without a length
	bare           string // typname
	builtIn        bool
	kind, category string // typtype, typcategory
	element, base  uint32
	typmod         int32 // of a domain
	subtype        uint32
	rangeOf        string // of a multirange: its range
	labels         int64  // of an enum
	said           string // the CHECKs of a domain
}

type typeMap map[uint32]pgType

func readTypes(ctx context.Context, conn *pgx.Conn) (typeMap, error) {
	rows, err := conn.Query(ctx, `SELECT t.oid, format_type(t.oid, NULL), t.typname::text, t.typnamespace = 'pg_catalog'::regnamespace, t.typtype::text, t.typcategory::text,
    CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END, t.typbasetype, t.typtypmod, coalesce(r.rngsubtype, 0), coalesce(format_type(m.rngtypid, NULL), ''),
    (SELECT count(*) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
    coalesce((SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid), '')
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid LEFT JOIN pg_catalog.pg_range m ON m.rngmultitypid = t.oid`)
	if err != nil {
		return nil, fmt.Errorf("read the types: %w", err)
	}
	all := typeMap{}
	var t pgType
	_, err = pgx.ForEachRow(rows, []any{&t.oid, &t.name, &t.bare, &t.builtIn, &t.kind, &t.category, &t.element, &t.base, &t.typmod,
		&t.subtype, &t.rangeOf, &t.labels, &t.said}, func() error {
		all[t.oid] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the types: %w", err)
	}
	return all, nil
}

// usual returns the usual value of a type. salt keeps columns from all holding
// the same; word is what texts begin with, width how long they are, 0 for no
// matter. A type that nobody here knows has none.
func (m typeMap) usual(oid uint32, typmod int32, salt, word string, width int) value {
	t := m[oid]
	switch {
	case t.kind == "d":
		return m.usual(t.base, t.typmod, salt, word, width)
	case t.kind == "e" && t.labels > 0:
		return form(fmt.Sprintf("(enum_range(NULL::%s))[1 + ((%%s) - 1) %% %d]", t.name, t.labels), t.labels)
	case t.element != 0:
		e := m.usual(t.element, typmod, salt, word, 0)
		return e.wrap("ARRAY[", "]")
	case t.kind == "m":
		for _, r := range m {
			if r.name == t.rangeOf {
				v := m.usual(r.oid, -1, salt, word, 0)
				return v.wrap(t.name+"(", ")")
			}
		}
	case t.kind == "r":
		return m.span(t, salt, word)
	case t.builtIn:
		if v := builtIn(t.bare, typmod, salt, word, width); v.of != nil {
			return v
		}
	}
	if t.category == "S" { // citext and its like
		return textValue(-1, word, width)
	}
	return value{}
}

func (v value) wrap(before, after string) value {
	if v.of == nil {
		return v
	}
	return value{func(n string) string { return before + v.of(n) + after }, v.distinct}
}

// span is a range from one value to the next, so that no two overlap.
func (m typeMap) span(t pgType, salt, word string) value {
	v := m.usual(t.subtype, -1, salt, word, 0)
	if v.of == nil {
		return v
	}
	if !t.builtIn {
		// Whether the next value is a greater one is not known.
		return v.wrap(t.name+"(", ", NULL)")
	}
	n := "(%s)"
	if v.distinct > 0 {
		n = fmt.Sprintf("((%%s) %% %d)", v.distinct-1)
	}
	return value{func(at string) string {
		at = strings.ReplaceAll(n, "%s", at)
		return t.name + "(" + v.of(at) + ", " + v.of("("+at+" + 1)") + ")"
	}, max(v.distinct-1, 0)}
}

// Each moment is a second after the one before.
const epoch = "2024-01-01 00:00:00"

// builtIn is the usual value of PostgreSQL's own types.
func builtIn(name string, typmod int32, salt, word string, width int) value {
	hash := "md5(" + quoted(salt) + " || (%s))"
	switch name {
	case "text", "varchar", "bpchar", "name":
		limit := int32(-1)
		if name != "text" && typmod >= 4 {
			limit = typmod - 4
		}
		return textValue(limit, word, width)
	case "numeric":
		return numeric(typmod)
	case "bit":
		return form("((%s)::bit("+fmt.Sprint(max(typmod, 1))+"))", power(2, max(typmod, 1)))
	case "bytea":
		if width > 40 {
			return form(fmt.Sprintf("decode(rpad(%s, %d, %s), 'hex')", hash, 2*min(width, 1<<20), hash), 0)
		}
		return form("sha256(convert_to("+quoted(salt)+" || (%s), 'UTF8'))", 0)
	case "uuid":
		return form(hash+"::uuid", 0)
	case "json", "jsonb":
		return form(name+"_build_object('n', (%s), 'md5', "+hash+")", 0)
	case "tsvector":
		return form("to_tsvector('simple', "+hash+")", 0)
	}
	v, known := plain()[name]
	if !known {
		return value{}
	}
	return v
}

// plain are the types whose value needs only n.
func plain() map[string]value {
	const hosts = 16_000_000
	moment := "'" + epoch + "' + (%s) * interval '1 second')"
	return map[string]value{
		"bool": form("((%s) % 2 = 0)", 2), "int2": form("((%s) % 32000)::int2", 32000), "int4": form("((%s) % 2147483647)::int4", math.MaxInt32),
		"int8": form("(%s)::int8", 0), "float4": form("(%s)::float4", 1<<24), "float8": form("(%s)::float8", 0), "money": form("((%s)::int8::money)", 0),
		"oid": form("((%s) % 4000000000)::oid", 4_000_000_000), "varbit": form("((%s)::bit(64)::varbit)", 0), "char": form(`chr((97 + (%s) % 26)::int)::"char"`, 26),
		"timestamptz": form("(timestamptz "+moment, 0), "timestamp": form("(timestamp "+moment, 0), "interval": form("((%s) * interval '1 second')", 0),
		"date": form("(date '2000-01-01' + ((%s) % 1000000)::int)", 1_000_000), "time": form("(time '00:00' + ((%s) % 86400) * interval '1 second')", 86400),
		"timetz": form("(time '00:00' + ((%s) % 86400) * interval '1 second')::timetz", 86400),
		"inet":   form("(inet '10.0.0.0' + (%s) % 16000000)", hosts), "cidr": form("((inet '10.0.0.0' + (%s) % 16000000)::cidr)", hosts),
		"macaddr": form("lpad(to_hex(%s), 12, '0')::macaddr", 0), "macaddr8": form("lpad(to_hex(%s), 16, '0')::macaddr8", 0),
		"tsquery": form("('w' || (%s))::tsquery", 0), "xml": form("('<n>' || (%s) || '</n>')::xml", 0), "pg_lsn": form("('0/0'::pg_lsn + (%s)::numeric)", 0),
		"point": form("point(%s, %s)", 0), "box": form("box(point(%s, %s), point((%s) + 1, (%s) + 1))", 0), "circle": form("circle(point(%s, %s), 1)", 0),
		"lseg": form("lseg(point(%s, %s), point((%s) + 1, %s))", 0), "line": form("line(point(%s, %s), point((%s) + 1, %s))", 0),
		"polygon": form("polygon(box(point(%s, %s), point((%s) + 1, (%s) + 1)))", 0),
		"path":    form("polygon(box(point(%s, %s), point((%s) + 1, (%s) + 1)))::path", 0),
	}
}

// textValue is a word and the number, as wide as wanted; where it may not be long,
// the number alone.
func textValue(limit int32, word string, width int) value {
	if limit >= 0 && int(limit) < len(word)+20 {
		k := max(limit, 1)
		return form(fmt.Sprintf("lpad(((%%s) %% %d)::text, %d, '0')", min(power(10, k), math.MaxInt64), k), power(10, k)%math.MaxInt64)
	}
	if limit >= 0 {
		width = min(width, int(limit))
	}
	text := quoted(word+" ") + " || (%s)"
	if width > len(word)+20 {
		return form(fmt.Sprintf("rpad(%s || ' ', %d, md5((%%s)::text))", text, min(width, 1<<20)), 0)
	}
	return form("("+text+")", 0)
}

func numeric(typmod int32) value {
	if typmod < 4 {
		return form("(%s)::numeric", 0)
	}
	digits := ((typmod - 4) >> 16 & 0xffff) - (typmod-4)&0x7ff // before the point
	if digits < 1 {
		return constant("0")
	}
	return form(fmt.Sprintf("((%%s) %% %d)::numeric", power(10, digits)), power(10, digits)%math.MaxInt64)
}

// power is base to the n, at most the largest number.
func power(base int64, n int32) int64 {
	p := int64(1)
	for range n {
		if p > math.MaxInt64/base {
			return math.MaxInt64
		}
		p *= base
	}
	return p
}

// quoted is a text as SQL has it. standard_conforming_strings is on in a session
// of ours.
func quoted(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "%s", "% s"), "'", "''") + "'"
}
