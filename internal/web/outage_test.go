package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/telemetry"
)

// TestOutageWithoutHint: where nobody knows what to do, the log does not say so
// with an empty word.
func TestOutageWithoutHint(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &Server{Options: Options{Logger: telemetry.NewLogger(&log, "text", slog.LevelDebug)}, outage: &outage{now: time.Now}}
	s.unavailable(t.Context(), afauth.ErrUnavailable)
	s.unavailable(t.Context(), &afauth.Error{Code: afauth.CodeUnavailable, Hint: "look"})
	if got := log.String(); strings.Contains(got, `hint=""`) || strings.Count(got, "hint=") != 1 || strings.Count(got, "level=ERROR") != 2 {
		t.Errorf("the log: %s", got)
	}
}

// TestOutage: what the log hears of requests that fail and requests that do not.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, story, want string }{
		// f and g fail for two reasons, s is served, each second one letter.
		{"nothing", "ssss", ""},
		{"one line for many", "ffff", "begun"},
		{"another reason", "ffgfgg", "begun begun"},
		{"over after a calm", "fff.....s", "begun over: 3 in 2s"},
		{"every other request", "fsfsfsfs", "begun"},
		{"over once", "f.....ssss", "begun over: 1 in 0s"},
		{"twice", "f.....sff.....s", "begun over: 1 in 0s begun over: 2 in 1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := time.Unix(0, 0)
			o := &outage{now: func() time.Time { return at }}
			var heard []string
			for _, what := range tt.story {
				switch what {
				case 'f', 'g':
					if o.failed(string(what)) {
						heard = append(heard, "begun")
					}
				case 's':
					if n, lasted, over := o.served(); over {
						heard = append(heard, fmt.Sprintf("over: %d in %s", n, lasted))
					}
				}
				at = at.Add(time.Second)
			}
			if got := strings.Join(heard, " "); got != tt.want {
				t.Errorf("heard %q, want %q", got, tt.want)
			}
		})
	}
}
