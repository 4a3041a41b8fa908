package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web/page"
)

// problem is the JSON form of a fault (RFC 9457). Its type is about:blank: Code
// says which fault it is, as it does in logs and metrics, so Title is HTTP's own
// phrase for the status (section 4.2.1).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what happened, and what did not; Hint what to do next.
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
	Code   string `json:"code"`
	Access string `json:"access,omitempty"`
	// RequestID finds the log line. X-Request-Id says the same.
	RequestID string `json:"request_id"`

	unplain bool // as page.Incident has it
}

// problemFor puts a fault into words. They come from the code, like those of
// the pages, and never from what caused it.
func (s *Server) problemFor(in page.Incident) problem {
	p := problem{Status: status(in.Code), Code: string(in.Code), RequestID: in.Reference}
	switch in.Code {
	case codeMethod:
		p.Detail, p.Hint = "This address exists, but not for this method. Nothing was changed.", "The header Allow names the methods that it takes."
	case codeTooLarge:
		p.Detail, p.Hint = "The form is larger than any of ours, so it was not read. Nothing was changed.", "Send less than 64 KiB."
	case codeUntrusted:
		p.Detail = "Only a reverse proxy that af-auth knows may ask this, and the request came from elsewhere. Nobody was let in."
		p.Hint = "For the administrator: AF_AUTH_TRUSTED_PROXIES names the proxies, by the addresses that they call from. The log says which one this was."
	default:
		p.Detail, p.Hint = page.Words(s.Origin.Host, in)
	}
	return p
}

// incident is a fault as pages and problems tell it.
func incident(err error, reference string) page.Incident {
	in := page.Incident{Code: afauth.CodeOf(err), Reference: reference, When: time.Now(), RetryAfter: retryAfter(err)}
	var known *afauth.Error
	in.Unplain = errors.As(err, &known) && known == errUnplain
	var lost stray
	if errors.As(err, &lost) {
		in.Callback = lost.callback
	}
	return in
}

func writeProblem(w http.ResponseWriter, p problem) {
	p.Type = "about:blank"
	p.Title = http.StatusText(p.Status)
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}
