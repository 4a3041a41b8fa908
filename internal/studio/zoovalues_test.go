package studio_test

import (
	"slices"
	"strconv"
	"strings"
)

// pick is the row of a table that is changed, where it is not the first: others
// point at that, or it shows in another table that is changed at the same time.
var pick = map[string]int{"order_items": 10, "tree": 45, "events": 2, "events_2025": 4, "hashed": 60}

// refuses are tables whose rows cannot be changed, with the words for it.
var refuses = map[string]string{
	"frozen":        "A trigger of the database refused it (SQLSTATE P0001).",
	"ruled":         "a rule of the table stands in the way",
	"no_partitions": "it fits no partition",
}

// fixed are keys that other rows point at.
var fixed = []string{"egg.id", "hen.id", "hashed_0.id", "hashed_1.id"}

// values are what a column becomes, where not any value of its type is good.
var values = map[string]string{
	"user_types.feeling": `very "happy", really`, "user_types.feelings": `{sad,NULL,"",naïve}`, "user_types.e": "8", "user_types.es": "{2,NULL}", "user_types.money": "4001.50",
	"user_types.duo": `(5,"x, ""y""")`, "user_types.duos": `{"(1,a)",NULL}`, "user_types.deep": `("(1,b)","{""(2,c)""}",sad)`, "user_types.s": "[1,2.5)", "user_types.ms": "{[1,2),[3,4)}",
	"user_types.h": `"a"=>"b", "c"=>NULL`, "user_types.evenlist": "[0:1]={4,NULL}",
	"mods.c": "abcd", "mods.one": "ä", "mods.vc": "näher", "mods.num": "1.5", "mods.neg": "12300", "mods.tiny": "0.00456", "mods.ts": "2030-01-01 00:00:01", "mods.tz": "2030-01-01 00:00:01.123+02",
	"mods.tm": "01:02:03.04", "mods.iv": "1 day 00:00:01.5", "mods.ym": "1 year 1 mon", "mods.b": "0101", "mods.vb": "101", "mods.nums": "{1.5,-0.1}",
	"long_values.b": `\x00ff`, "long_values.d": `{"a": 1}`, "order_items.region": "us", "order_items.no": "59", "tree.up": "2", "egg.hen": "2", "hen.egg": "2",
	"events.day": "2025-05-05", "events.kind": "b", "event_notes.day": "2025-10-14", "event_notes.kind": "a", "event_notes.event": "50",
	"bookings.during": `["2032-01-01 00:00:00","2032-01-02 00:00:00")`, "cats.id": "5001",
}

// inserts are what a new row gets in place of these.
var inserts = map[string]string{
	"user_types.feeling": "", "events_2025.day": "2025-03-03", "events_2025.kind": "a", "events_2025 a.day": "2025-03-04", "events_2025 a.kind": "a", "events_2025_rest.day": "2025-03-05", "events_2025_rest.kind": "z",
	"events_2026.day": "2026-03-03", "bookings.during": `["2033-01-01 00:00:00","2033-01-02 00:00:00")`, "cats.id": "5002", "egg.id": "4002", "hen.id": "4002",
	"events.day": "2026-04-04", "order_items.region": "us", "order_items.no": "57",
}

// fresh is another valid value for a column; ok is false where it stays.
func fresh(r relation, i, salt int) (value string, ok bool) {
	name := r.name + "." + r.columns[i]
	if slices.Contains(fixed, name) || strings.HasPrefix(r.name, "events_") && slices.Contains(r.key, r.columns[i]) {
		return freshOf(r.raw[i], salt+10), false
	}
	if value, ok := values[name]; ok {
		return value, true
	}
	return freshOf(r.raw[i], salt), true
}

func freshOf(raw string, salt int) string {
	switch raw {
	case "int2", "int4", "int8", "numeric":
		return strconv.Itoa(4000 + salt)
	case "text", "varchar", "citext":
		return "it's \"new\" <b>\n" + strconv.Itoa(salt)
	case "date":
		return "2031-01-0" + strconv.Itoa(salt%10)
	case "timestamptz":
		return "2031-01-01 00:00:00.00000" + strconv.Itoa(salt) + "+00"
	}
	panic("no value for type " + raw)
}
