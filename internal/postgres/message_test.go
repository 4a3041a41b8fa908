package postgres

import (
	"encoding/json"
	"testing"

	"github.com/af-auth/af-auth"
)

// Whatever comes over the channel either names people or one mark, or concerns
// everybody: nothing that may be a change is passed over.
func FuzzReadMessage(f *testing.F) {
	id := afauth.ID{1}.String()
	for _, payload := range []string{
		"", "{", "null", "[]", `"x"`, "{}", `{"all":true}`, `{"users":[]}`, `{"users":["` + id + `"]}`, `{"users":["` + id + `","x"]}`,
		`{"mark":"` + id + `"}`, `{"mark":null}`, `{"mark":"` + id + `","users":["` + id + `"]}`, `{"mark":"` + id + `","all":true}`,
		`{"users":["` + id + `"],"all":true}`, `{"users":["` + id + `"]} {"all":true}`, `{"MARK":"` + id + `"}`, `{"mark":""}`,
	} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		m, known := readMessage(payload)
		if !known {
			return
		}
		if m.All || (m.Mark == nil) == (len(m.Users) == 0) {
			t.Errorf("%q is taken for known: %+v", payload, m)
		}
		// It says no more than was read.
		if !json.Valid([]byte(payload)) {
			t.Errorf("%q is no JSON and is taken for known", payload)
		}
	})
}
