package studio

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/value"
	"github.com/af-auth/af-auth/internal/telemetry"
)

// explain says in words what went wrong. PostgreSQL's own message is never
// shown: it quotes values, and does not know which of them are masked.
func explain(err error) *afauth.Error {
	var known *afauth.Error
	if errors.As(err, &known) {
		return known
	}
	say := func(code afauth.Code, message, hint string) *afauth.Error {
		return &afauth.Error{Code: code, Message: message, Hint: hint, Err: err}
	}
	var stopped *database.Stopped
	if errors.As(err, &stopped) {
		return say(afauth.CodeUnavailable, "stopped after "+value.Span(stopped.After)+": it would have read too many rows", "sort by an indexed column, or filter first")
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if errors.Is(err, context.Canceled) {
			return say(afauth.CodeUnavailable, "the request was given up", "")
		}
		return say(afauth.CodeUnavailable, "the database cannot be reached", "see that PostgreSQL runs, then load the page again")
	}
	switch pg.Code {
	case "57014":
		return say(afauth.CodeUnavailable, "somebody has cancelled this query in PostgreSQL", "load the page again")
	case "55P03":
		return say(afauth.CodeUnavailable, "somebody is altering this table, and holds it for themselves", "load the page again when that is done")
	case "42501":
		return say(afauth.CodeInvalid, "this role may not read it", "ask whoever grants rights in this database")
	case "42P01", "42703", "3F000":
		return say(afauth.CodeNotFound, "the table or one of its columns has gone meanwhile", "load the page again")
	case "25006":
		return say(afauth.CodeInvalid, "reading it would change something, and studio reads in READ ONLY transactions", "a view or a rule behind it writes; use psql if that is wanted")
	case "22021", "22P05":
		return say(afauth.CodeInvalid, "a value of the address is no text that PostgreSQL can hold", "take the filter away")
	case "55000":
		return say(afauth.CodeInvalid, "it cannot be read as it is: it may be a materialized view that was never filled, or a foreign table whose server is not set up (SQLSTATE 55000)", "REFRESH MATERIALIZED VIEW fills one")
	case "22012":
		return say(afauth.CodeInvalid, "what it computes has no result: it divides by zero (SQLSTATE 22012)", "a view or a generated filter behind it divides; leave that row or column out")
	case "54011":
		return say(afauth.CodeInvalid, "these are more columns than PostgreSQL selects at a time", "choose fewer columns")
	case "28P01", "28000", "3D000":
		return say(afauth.CodeUnavailable, "PostgreSQL refuses the connection", "see the URL that studio was started with")
	case "53300", "57P01", "57P02", "57P03":
		return say(afauth.CodeUnavailable, "PostgreSQL is starting, stopping, or takes no more connections", "load the page again")
	}
	if pg.Code[:2] == "22" {
		return say(afauth.CodeInvalid, "a value cannot be read as its column's type (SQLSTATE "+pg.Code+")", "change the filter, or open the first page")
	}
	switch pg.Code[:2] {
	case "P0", "38", "39":
		return say(afauth.CodeInvalid, "a function behind it raises an error (SQLSTATE "+pg.Code+")", "the server's log says which; a view or a policy may call it")
	case "HV", "08":
		return say(afauth.CodeInvalid, "the server that this foreign table is read from does not answer as it should (SQLSTATE "+pg.Code+")", "the log of this server says more")
	case "0A":
		return say(afauth.CodeInvalid, "PostgreSQL cannot do that with it (SQLSTATE "+pg.Code+")", "take the sort or the filter away")
	}
	return say(afauth.CodeInternal, "PostgreSQL refused to read it (SQLSTATE "+pg.Code+")", "the server's log says more")
}

// statusOf is the status of a fault.
func statusOf(code afauth.Code) int {
	switch code {
	case afauth.CodeNotSignedIn:
		return http.StatusUnauthorized
	case afauth.CodeWrongHost:
		return http.StatusMisdirectedRequest
	case afauth.CodeCrossOrigin:
		return http.StatusForbidden
	case afauth.CodeNotFound:
		return http.StatusNotFound
	case afauth.CodeInvalid:
		return http.StatusUnprocessableEntity
	case afauth.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail is the one place where errors become pages.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := explain(err)
	status := statusOf(e.Code)
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		s.Logger.WarnContext(r.Context(), "a page failed", "code", e.Code, "sqlstate", sqlState(err))
	}
	stranger := !s.door.known(r) || status == http.StatusMisdirectedRequest || e.Code == afauth.CodeCrossOrigin
	v := page.Failure{Status: status, Fault: fault(e), Reference: telemetry.RequestID(r.Context())}
	if stranger {
		v.Chrome = page.Chrome{Base: s.base, Title: v.Fault.Title, Door: true, Again: e == errDoor && arrived(r)}
		if e.Code == afauth.CodeNotSignedIn {
			v.Fault.Hint = "Start it anew with af-auth db studio, and open the link that it prints. A link works once, in one browser."
			v.Reference = ""
		}
	} else {
		v.Chrome = s.chrome(r, nil, "", v.Fault.Title)
		v.Fault.Actions = append(v.Fault.Actions, page.Link{Text: "All tables", Href: s.base.Path("/")})
	}
	s.send(w, r, status, v)
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// fault puts an error into the words of a page.
func fault(e *afauth.Error) page.Fault {
	var named catalog.Named
	_ = errors.As(e.Err, &named) // else "", which is no name
	f := page.Fault{Text: sentence(e.Message, string(named)), Hint: sentence(e.Hint)}
	switch e.Code {
	case afauth.CodeNotSignedIn:
		f.Title = "Not open to this browser"
	case afauth.CodeWrongHost:
		f.Title = "Not at this name"
	case afauth.CodeCrossOrigin:
		f.Title = "Refused"
	case afauth.CodeNotFound:
		f.Title = "Not here"
	case afauth.CodeInvalid:
		f.Title = "That cannot be asked"
	case afauth.CodeUnavailable:
		f.Title = "No answer"
	default:
		f.Title = "A fault of ours"
	}
	return f
}

// sentence writes a message as one. Where it begins with a name of the database
// that is given, such as a column's, the name keeps its letters.
func sentence(s string, names ...string) string {
	if s == "" {
		return ""
	}
	for _, name := range names {
		if name != "" && strings.HasPrefix(s, name+" ") {
			return s + "."
		}
	}
	first := s[:1]
	if first >= "a" && first <= "z" {
		first = string(first[0] - 'a' + 'A')
	}
	return first + s[1:] + "."
}

// send renders a page.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, v page.View) {
	var b bytes.Buffer
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := s.pages.Render(&b, v); err != nil {
		s.Logger.ErrorContext(r.Context(), "a page was not drawn", "error", err)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString("A fault of ours: this page could not be drawn.\n")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // of HEAD the server sends none of it
}
