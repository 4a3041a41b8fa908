package githubsim

import (
	"net/http"
	"strconv"
	"time"
)

// The limits of the REST API, in calls an hour.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
const (
	limitToken    = 5000 // a token, or the app with its own credentials
	limitStranger = 60   // an address without credentials
	limitRevoke   = 60   // an address, at /credentials/revoke
)

// window counts the calls of one hour.
type window struct {
	start time.Time
	used  int
}

// spend takes one call from the window; ok is false where none was left.
func (w *window) spend(limit int, now time.Time) (remaining int, reset time.Time, ok bool) {
	if now.Sub(w.start) >= time.Hour || now.Before(w.start) {
		w.start, w.used = now, 0
	}
	ok = w.used < limit
	if ok {
		w.used++
	}
	return limit - w.used, w.start.Add(time.Hour), ok
}

// limited answers with h's answer and the limit's headers, or refuses. A used
// up limit is 403 with no calls remaining, as at GitHub.
func limited(w *window, limit int, now time.Time, h func() answer) answer {
	remaining, reset, ok := w.spend(limit, now)
	a := problem(http.StatusForbidden, "API rate limit exceeded.")
	if ok {
		a = h()
	}
	a.header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	a.header.Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	a.header.Set("X-RateLimit-Used", strconv.Itoa(limit-remaining))
	a.header.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	a.header.Set("X-RateLimit-Resource", "core")
	return a
}

// counter is the window of an app or of an address. s.mu is held.
func (s *Sim) counter(key string) *window {
	w := s.windows[key]
	if w == nil {
		w = &window{}
		s.windows[key] = w
	}
	return w
}
