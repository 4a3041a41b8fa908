package githubsim

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// machineCall is a request at a server's door, its body read whole.
type machineCall struct {
	r    *http.Request
	body []byte
	now  time.Time
	base string // this GitHub's own address
}

// answer is made whole before a byte is sent, so that a fault can spoil it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func jsonAnswer(status int, body any) answer {
	a := answer{status: status, header: http.Header{}}
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	// Bodies are maps, slices and strings made here: they cannot fail to marshal.
	a.body, _ = json.Marshal(body)
	return a
}

// problem is the REST API's form of an error.
func problem(status int, message string) answer {
	return jsonAnswer(status, map[string]any{
		"message":           message,
		"documentation_url": "https://docs.github.com/rest",
		"status":            strconv.Itoa(status),
	})
}

// machine makes a server's door: it counts the call, lets faults have their
// way, and holds s.mu while h works.
func (s *Sim) machine(route string, h func(*machineCall) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "the body cannot be read or is larger than 1 MiB", http.StatusRequestEntityTooLarge)
			return
		}
		s.mu.Lock()
		s.calls[route]++
		f := s.nextFault(r.URL.Path, route)
		c := &machineCall{r: r, body: body, now: s.o.Now().Add(f.Offset), base: s.baseURL(r)}
		a, instead := s.before(f, c)
		if !instead {
			a = s.guard(c, h)
		}
		s.mu.Unlock()
		a.header.Set("Date", c.now.UTC().Format(http.TimeFormat))
		s.o.Logger.Debug("call", "method", r.Method, "route", route, "status", a.status, "fault", f.Kind)
		a.deliver(w, r, f)
	}
}

// guard refuses what GitHub refuses before it looks at the address.
func (s *Sim) guard(c *machineCall, h func(*machineCall) answer) answer {
	if c.r.Header.Get("User-Agent") == "" {
		return problem(http.StatusForbidden, "Request forbidden by administrative rules. A User-Agent header is required.")
	}
	if v := c.r.Header.Get("X-GitHub-Api-Version"); v != "" {
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return problem(http.StatusBadRequest, "The API version is not a date.")
		}
	}
	return h(c)
}

// deliver sends the answer, late, cut short or not at all where f says so.
func (a answer) deliver(w http.ResponseWriter, r *http.Request, f Fault) {
	body := a.body
	switch f.Kind {
	case Latency:
		t := time.NewTimer(f.Latency)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	case Closed:
		panic(http.ErrAbortHandler) // net/http's own way to drop a connection
	case Truncated:
		body = body[:len(body)/2]
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that left has no use for an error
	if f.Kind == Truncated {
		if flush, ok := w.(http.Flusher); ok {
			flush.Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

// address is the peer's, without the port.
func (c *machineCall) address() string {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		return c.r.RemoteAddr
	}
	return host
}

// bearer is the token in the Authorization header, which may call itself
// "Bearer" or "token".
func (c *machineCall) bearer() string {
	kind, value, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "bearer") || strings.EqualFold(kind, "token") {
		return value
	}
	return ""
}
