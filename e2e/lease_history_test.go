package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// change is what was done to a session's access, from before it was asked for
// until all servers had confirmed it.
type change struct {
	cookie     string
	way        string // in which access ended
	allowed    bool
	start, end time.Time
}

// history is all that was asked and changed.
type history struct {
	readings []reading
	changes  []change
}

// register is the model: whether a session may come in, as one server sees it.
// Two servers hear of a change in their own moments, so that between its commit
// and its confirmation one may know and the other not; each of them changes its
// mind once.
func register() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return false },
		Step: func(allowed, input, output any) (bool, any) {
			if to, write := input.(bool); write {
				return true, to
			}
			return output.(bool) == allowed.(bool), allowed
		},
	}
}

// faults returns what contradicts the promise: an answer from before a change
// to a question from after its confirmation, and a register of a server that no
// order of its operations explains.
func (h history) faults() (found []string) {
	registers := map[string][]porcupine.Operation{}
	name := func(door int, cookie string) string { return fmt.Sprintf("server %d, session %.6s…", door, cookie) }
	ended := map[string]change{}
	since := func(at time.Time) int64 { return int64(at.Sub(h.changes[0].start)) } // by the monotonic clock
	doors := map[int]bool{}
	for _, r := range h.readings {
		doors[r.door] = true
		if r.status == http.StatusOK || r.status == http.StatusUnauthorized || r.status == http.StatusForbidden {
			key := name(r.door, r.cookie)
			registers[key] = append(registers[key], porcupine.Operation{
				ClientId: r.door, Call: since(r.start), Return: since(r.end), Output: r.status == http.StatusOK})
		}
	}
	for _, c := range h.changes {
		if !c.allowed {
			ended[c.cookie] = c
		}
		for door := range doors {
			key := name(door, c.cookie)
			registers[key] = append(registers[key], porcupine.Operation{ClientId: door, Input: c.allowed, Call: since(c.start), Return: since(c.end)})
		}
	}
	for _, r := range h.readings {
		if c, over := ended[r.cookie]; over && r.status == http.StatusOK && r.start.After(c.end) {
			found = append(found, fmt.Sprintf("%s, %s: 200 to a question from %s after the confirmation", name(r.door, r.cookie), c.way, r.start.Sub(c.end)))
		}
	}
	for key, operations := range registers {
		if !porcupine.CheckOperations(register(), operations) {
			found = append(found, key+": no order explains the answers")
		}
	}
	return found
}

// TestHistoryIsJudged: faults that are planted in a history are found, and what
// is allowed is none.
func TestHistoryIsJudged(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	at := func(n int) time.Time { return begun.Add(time.Duration(n) * time.Millisecond) }
	read := func(door, start, end, status int) reading {
		return reading{door: door, cookie: "c", start: at(start), end: at(end), status: status}
	}
	// Allowed at 0 to 10, revoked at 100 and confirmed at 120.
	changes := []change{{"c", "", true, at(0), at(10)}, {"c", "revoke", false, at(100), at(120)}}
	for _, tt := range []struct {
		name     string
		readings []reading
		fault    bool
	}{
		{"none", nil, false},
		{"before, and after", []reading{read(0, 20, 21, 200), read(0, 130, 131, 401)}, false},
		{"asked before the confirmation, answered after it", []reading{read(0, 119, 140, 200)}, false},
		{"while it is made, either", []reading{read(0, 101, 102, 200), read(0, 103, 104, 401)}, false},
		{"one server knows before the other", []reading{read(0, 101, 102, 401), read(1, 103, 104, 200)}, false},
		{"while it is allowed, either", []reading{read(0, 1, 2, 401), read(0, 3, 4, 200)}, false},
		{"no answer is none", []reading{read(0, 130, 131, 503), read(0, 130, 131, 0)}, false},
		{"let in after the confirmation", []reading{read(0, 121, 122, 200)}, true},
		{"let in by the other server after the confirmation", []reading{read(0, 121, 122, 401), read(1, 121, 122, 200)}, true},
		{"a change of mind and back", []reading{read(0, 101, 102, 401), read(0, 103, 104, 200)}, true},
		{"refused before the revocation", []reading{read(0, 50, 60, 401)}, true},
		{"let in before being allowed", []reading{read(0, -2, -1, 200)}, true},
	} {
		if got := (history{tt.readings, changes}).faults(); len(got) > 0 != tt.fault {
			t.Errorf("%s: found %q", tt.name, got)
		}
	}
}
