package githubsim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// FaultKind names what goes wrong.
type FaultKind string

// The faults. Those that change the state (Renamed, Reclaimed, Revoked) do so
// just before the call is served, so a test can change the world between two
// steps of a flow.
const (
	// Latency takes effect at once and answers late. A client that gives up
	// does not know that its refresh token is spent.
	Latency FaultKind = "latency"
	// ServerError answers 5xx (Fault.Status, else 502) without any effect.
	ServerError FaultKind = "server-error"
	// RateLimited answers 429 (or Fault.Status, 403 for a secondary limit)
	// with Retry-After, without any effect.
	RateLimited FaultKind = "rate-limited"
	// Truncated takes effect, sends half of the answer and drops the connection.
	Truncated FaultKind = "truncated"
	// Closed takes effect and drops the connection without an answer.
	Closed FaultKind = "closed"
	// Clock serves the call with GitHub's clock moved by Fault.Offset.
	Clock FaultKind = "clock"
	// Renamed gives the account Fault.Login the login Fault.To.
	Renamed FaultKind = "renamed"
	// Reclaimed gives the login Fault.Login to a new account.
	Reclaimed FaultKind = "reclaimed"
	// Revoked ends the grant of Fault.Login.
	Revoked FaultKind = "revoked"
	// Organization refuses with 403: an organisation restricts the app.
	Organization FaultKind = "organization"
)

// FaultKinds are all kinds, in the order of the page.
func FaultKinds() []FaultKind {
	return []FaultKind{Latency, ServerError, RateLimited, Truncated, Closed, Clock, Renamed, Reclaimed, Revoked, Organization}
}

// Fault is one thing that goes wrong.
type Fault struct {
	Kind FaultKind
	// Path limits it to one door of servers, as in Calls, or to one exact
	// path; "" means all of them.
	Path string

	Latency    time.Duration // Latency: how late; 0 means 10 s
	Status     int           // ServerError, RateLimited: the status
	RetryAfter time.Duration // RateLimited: whole seconds; 0 means 60 s
	Offset     time.Duration // Clock: how far ahead, negative behind
	Login, To  string        // Renamed, Reclaimed, Revoked: whom, and the new login
}

type armed struct {
	Fault
	Left int
}

var errFault = errors.New("this fault is not complete")

// check fills in defaults and refuses what makes no sense.
func (f *Fault) check() error {
	switch f.Kind {
	case Latency:
		if f.Latency == 0 {
			f.Latency = 10 * time.Second
		}
		if f.Latency < 0 {
			return fmt.Errorf("%w: the latency is negative", errFault)
		}
	case ServerError:
		if f.Status == 0 {
			f.Status = http.StatusBadGateway
		}
		if f.Status < 500 || f.Status > 599 {
			return fmt.Errorf("%w: the status is 500 to 599", errFault)
		}
	case RateLimited:
		if f.Status == 0 {
			f.Status = http.StatusTooManyRequests
		}
		if f.Status != http.StatusTooManyRequests && f.Status != http.StatusForbidden {
			return fmt.Errorf("%w: the status is 429 or 403", errFault)
		}
		if f.RetryAfter == 0 {
			f.RetryAfter = time.Minute
		}
		if f.RetryAfter < time.Second {
			return fmt.Errorf("%w: retry-after is at least 1s", errFault)
		}
	case Renamed:
		if checkLogin(f.Login) != nil || checkLogin(f.To) != nil {
			return fmt.Errorf("%w: it needs a login and the new login", errFault)
		}
	case Reclaimed, Revoked:
		if checkLogin(f.Login) != nil {
			return fmt.Errorf("%w: it needs a login", errFault)
		}
	case Clock:
		if f.Offset == 0 {
			return fmt.Errorf("%w: it needs an offset such as 1h or -5m", errFault)
		}
	case Truncated, Closed, Organization:
	default:
		return fmt.Errorf("%w: the kind %q is not known; the kinds are %v", errFault, f.Kind, FaultKinds())
	}
	if f.Kind != Clock {
		f.Offset = 0
	}
	return nil
}

// Fault lets the next n calls of servers go wrong in this way. Faults queue
// up: each call takes the first one that fits it, and only that one. It panics
// if f makes no sense, since only a test's author can have written that.
func (s *Sim) Fault(n int, f Fault) {
	if err := s.arm(n, f); err != nil {
		panic("githubsim: " + err.Error())
	}
}

// ClearFaults takes back the faults that have not happened.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Sim) arm(n int, f Fault) error {
	if n < 1 {
		return fmt.Errorf("%w: the number of calls is at least 1", errFault)
	}
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: f, Left: n})
	return nil
}

// nextFault takes the first fault that fits; the zero Fault is none. s.mu is held.
func (s *Sim) nextFault(path, route string) Fault {
	for i, a := range s.faults {
		if a.Path != "" && a.Path != path && a.Path != route {
			continue
		}
		if a.Left--; a.Left == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return a.Fault
	}
	return Fault{}
}

// before is what a fault does ahead of the call; instead is true where its
// answer replaces the call. s.mu is held.
func (s *Sim) before(f Fault, c *machineCall) (a answer, instead bool) {
	var err error
	switch f.Kind {
	case ServerError:
		a = answer{status: f.Status, header: http.Header{}, body: []byte("<html><title>Unicorn</title></html>\n")}
		a.header.Set("Content-Type", "text/html; charset=utf-8")
		return a, true
	case RateLimited:
		a = problem(f.Status, "You have exceeded a secondary rate limit.")
		a.header.Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
		return a, true
	case Organization:
		return problem(http.StatusForbidden, "The organization has enabled OAuth App access restrictions."), true
	case Renamed:
		err = s.rename(f.Login, f.To)
	case Reclaimed:
		_, err = s.reclaim(f.Login)
	case Revoked:
		err = s.revokeGrant(f.Login)
	}
	if err != nil {
		s.o.Logger.Warn("the fault had no effect", "fault", f.Kind, "path", c.r.URL.Path, "error", err)
	}
	return answer{}, false
}
