package catalog_test

import (
	"testing"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

func TestRetyping(t *testing.T) {
	t.Parallel()
	const keeps, refuses, alters = catalog.Keeps, catalog.Refuses, catalog.Alters
	for _, test := range []struct {
		from, to string
		want     catalog.Keeping
	}{
		{"numeric(10,4)", "numeric(10,2)", alters}, {"numeric(10,2)", "numeric(12,2)", keeps}, {"numeric(10,2)", "numeric(8,2)", refuses},
		{"numeric", "numeric(10,2)", alters}, {"numeric(10,2)", "numeric", keeps}, {"numeric(4,0)", "smallint", keeps}, {"numeric(5,0)", "smallint", refuses},
		{"numeric(10,2)", "integer", alters}, {"integer", "numeric(10,0)", keeps}, {"integer", "numeric(10,2)", refuses}, {"integer", "numeric(9,-1)", alters},
		{"bigint", "integer", refuses}, {"integer", "bigint", keeps}, {"double precision", "integer", alters}, {"bigint", "double precision", alters},
		{"integer", "double precision", keeps}, {"double precision", "real", alters}, {"double precision", "numeric", alters}, {"real", "double precision", keeps},
		{"timestamp with time zone", "date", alters}, {"timestamp(6) without time zone", "timestamp(3) without time zone", alters},
		{"timestamp(3) without time zone", "timestamp without time zone", keeps}, {"date", "timestamp without time zone", keeps},
		{"date", "timestamp with time zone", keeps}, {"timestamp without time zone", "timestamp with time zone", keeps},
		{"timestamp with time zone", "timestamp without time zone", alters}, {"time with time zone", "time without time zone", alters},
		{"interval", "interval day", alters}, {"interval hour to second(3)", "interval", keeps}, {"interval", "interval(0)", alters},
		{"json", "jsonb", alters}, {"jsonb", "json", keeps}, {"text", "jsonb", alters}, {"json", "text", keeps},
		{"text", "character varying(5)", refuses}, {"character varying(5)", "character varying(9)", keeps}, {"character varying(9)[]", "character varying(5)[]", refuses},
		{"text", "character(5)", alters}, {"character(3)", "character(5)", keeps}, {"character(5)", "text", keeps}, {"text", "name", alters},
		{"bit(3)", "bit varying(3)", keeps}, {"bit(3)", "bit(4)", refuses}, {"bit varying", "bit varying(4)", refuses},
		{"text", "text[]", alters}, {"text[]", "text", alters}, {"inet", "cidr", alters}, {"cidr", "inet", keeps}, {"vector(3)", "vector(2)", alters},
		{"text", "integer", alters}, {"mood", "text", keeps}, {"point", "box", alters},
	} {
		if got := (catalog.Retyping{From: test.from, To: test.to}).Keeping(); got != test.want {
			t.Errorf("%s to %s: %d, want %d", test.from, test.to, got, test.want)
		}
	}
	for _, test := range []struct {
		r    catalog.Retyping
		want catalog.Keeping
	}{
		{catalog.Retyping{From: "text", To: "character varying(5)", Explicit: true}, alters},
		{catalog.Retyping{From: "bit(3)", To: "bit(2)", Explicit: true}, alters},
		{catalog.Retyping{From: "bigint", To: "double precision", Free: true}, alters}, // PostgreSQL does not ask
		{catalog.Retyping{From: "mood", To: "temper", Free: true}, keeps},
		{catalog.Retyping{From: "text", To: "name", Free: true}, alters},
	} {
		if got := test.r.Keeping(); got != test.want {
			t.Errorf("%+v: %d, want %d", test.r, got, test.want)
		}
	}
}

func FuzzRetyping(f *testing.F) {
	f.Add("numeric(10,2)", "numeric(9,2)", true)
	f.Add("timestamp(3) with time zone", "timestamp with time zone", true)
	f.Add("character varying(40)[]", "text", false)
	f.Add("interval(1,2)", "bit(9)", false)
	f.Fuzz(func(t *testing.T, from, to string, free bool) {
		if (catalog.Retyping{From: from, To: from, Free: free}).Keeping() != catalog.Keeps {
			t.Errorf("%q does not hold itself", from)
		}
		r := catalog.Retyping{From: from, To: to, Free: free}
		if r.Keeping() == catalog.Alters && r.Words() == "" {
			t.Errorf("%+v alters without words", r)
		}
	})
}
