package studio_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/studio"
	"github.com/af-auth/af-auth/internal/studio/catalog"
)

const canary = "CANARYsecret"

const masked = `
CREATE TABLE people (id int PRIMARY KEY, name text, token text UNIQUE, hash bytea, upper_token text GENERATED ALWAYS AS (upper(token)) STORED);
INSERT INTO people (id, name, token, hash) SELECT i, 'p' || i, 'CANARYsecret' || i, ('CANARYsecret' || i)::bytea FROM generate_series(1, 60) i;
INSERT INTO people (id, name) VALUES (100, 'nobody');
CREATE VIEW people_view AS SELECT id, lower(token) AS other FROM people;
CREATE VIEW view_of_view AS SELECT other || 'x' AS more FROM people_view;
CREATE MATERIALIZED VIEW kept AS SELECT token AS t FROM people;
CREATE TABLE pointing (id int PRIMARY KEY, token text REFERENCES people (token));
INSERT INTO pointing SELECT i, 'CANARYsecret' || i FROM generate_series(1, 10) i;
CREATE TABLE keyed (token text PRIMARY KEY, n int);
INSERT INTO keyed SELECT 'CANARYsecret' || i, i FROM generate_series(1, 60) i;
CREATE TABLE parted (id int, token text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
INSERT INTO parted VALUES (1, 'CANARYsecret');
CREATE TABLE aa (secret text); CREATE TABLE bb (secret text); CREATE TABLE cc () INHERITS (aa, bb); INSERT INTO cc VALUES ('CANARYsecret');
CREATE VIEW whole AS SELECT id, to_jsonb(p) AS j FROM people p;
CREATE MATERIALIZED VIEW whole_kept AS SELECT p::text AS t FROM people p;
CREATE VIEW failing AS SELECT id, token::int AS number FROM people;
ANALYZE;`

func withMasks(o *studio.Options) {
	o.Masks = []catalog.Mask{{Table: "people", Column: "token"}, {Table: "people", Column: "hash"}, {Schema: "public", Table: "keyed", Column: "token"}, {Table: "parted_1", Column: "token"}, {Table: "bb", Column: "secret"}}
}

// A masked value is in no answer, however it is asked for.
func TestMaskedValuesNeverShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, masked, withMasks).open()
	tables := []string{"people", "people_view", "view_of_view", "kept", "pointing", "keyed", "parted", "parted_1", "failing", "whole", "whole_kept", "aa", "bb", "cc"}
	columns := []string{"id", "name", "token", "hash", "upper_token", "other", "more", "t", "n", "number"}
	asked := []string{"/", "/?q=token", "/diagram"}
	for _, table := range tables {
		base := "/t/public/" + table
		asked = append(asked, base, base+"?count=1", base+"?open=filter", base+"?open=columns", base+"/row/1", base+"/row/"+canary+"1",
			base+"?q="+canary+"1", base+"?q=secret", base+"?open=filter:token", base+"?whole=token", base+"?from=1")
		for _, c := range columns {
			asked = append(asked, base+"?sort="+c, base+"?desc="+c, base+"?cols="+c, base+"/row/1?whole="+c, base+"?f="+c+".null", base+"?f="+c+".notnull")
			for _, op := range []string{"is", "not", "contains", "starts", "lt", "gt", "lte", "gte", "in"} {
				asked = append(asked, base+"?f="+c+"."+op+".A")
			}
		}
	}
	for _, path := range asked {
		status, body := w.get(path)
		body = strings.ReplaceAll(body, strings.ToLower(canary)+"1", "") // what was asked for comes back in the form
		for _, given := range []string{canary + "1", "secret"} {
			if strings.Contains(path, given) {
				body = strings.ReplaceAll(body, given, "")
			}
		}
		if low := strings.ToLower(body); strings.Contains(low, strings.ToLower(canary)) || strings.Contains(low, "43414e415259") {
			t.Errorf("GET %s (%d) shows a masked value", path, status)
		}
		if strings.ContainsAny(path, "?") && strings.Contains(path, "token") && strings.Contains(path, "f=") && status != http.StatusUnprocessableEntity && status != http.StatusNotFound {
			t.Errorf("GET %s: %d, want a refusal", path, status)
		}
	}
	if logged := w.log.String(); strings.Contains(logged, "CANARY") {
		t.Errorf("the log holds a masked value:\n%s", logged)
	}
	body := w.page("/t/public/people?desc=id")
	if !strings.Contains(body, "masked · 14 B") || !strings.Contains(body, ">NULL<") {
		t.Error("the page does not say that values are there, how long they are, and where there are none")
	}
}

// Refusals say why, in words.
func TestMaskedColumnsAreRefusedInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, masked, withMasks).open()
	for path, want := range map[string]string{
		"/t/public/people?f=token.is.x": "token is masked: filtering by it would tell its values.",
		"/t/public/people?sort=token":   "token is masked: sorting by it would tell its values.",
		"/t/public/keyed":               "keyed can be read and not edited: its key, token, is masked.",
		"/t/public/people_view":         "people_view can be read and not edited: a view has no key.",
		"/t/public/people?f=id.is.x":    `&#34;x&#34; is no value of id, which is integer.`,
		"/t/public/people?sort=nope":    "people has no column nope.",
		"/t/public/failing":             "failing",
	} {
		if _, body := w.get(path); !strings.Contains(body, want) {
			t.Errorf("GET %s does not say %q", path, want)
		}
	}
}
