package web

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

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
