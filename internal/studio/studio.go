// Package studio is the database browser that `af-auth db studio` opens on
// port 5555. It works with any PostgreSQL database, from 14 on.
//
// It knows nothing of af-auth: which columns are masked, which role reads and
// who is told of a change are handed in. What the database holds is read by
// package catalog, rows by package rows, and both only through package
// database, whose transactions cannot do more than they were opened for. Pages
// are drawn by package page.
//
// Nobody gets a page without the key in the link that the terminal shows: see
// guard. No GET changes anything in the database.
package studio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/draft"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/telemetry"
)

// Options is what New needs.
type Options struct {
	URL pgurl.URL
	// Production marks the bar red.
	Production bool
	// ReadOnly refuses every change.
	ReadOnly bool
	// Masks name the columns whose values are never shown.
	Masks []catalog.Mask
	// ReadRole is the role that reading is done under; empty: the URL's own.
	ReadRole string
	// SQLURL is the database as the SQL box logs in; zero: as URL says. SQLWrites
	// allows it to write, where the page's switch is on.
	SQLURL    pgurl.URL
	SQLWrites bool
	// PageTime bounds each statement behind a page; 0: 5 s.
	PageTime time.Duration
	// Begin is called at the beginning of each transaction that writes, such as to
	// say who does it; nil: nothing has to be said.
	Begin func(ctx context.Context, tx pgx.Tx) error
	// Audit records a change in the transaction that makes it; nil: nobody is told.
	Audit func(ctx context.Context, tx pgx.Tx, c Change) error
	// BasePath is where a proxy has put studio: "" or "/like/this".
	BasePath string
	// Hosts are further names, "db.example.com" or with a port, that browsers may
	// call studio by.
	Hosts []string
	// ProxySecret, if set, must come with every request in ProxyHeader.
	ProxySecret string
	// Listen is the address to listen on as it was given, for messages; empty: as
	// the listener says it.
	Listen string
	// TLS says that the listener speaks TLS.
	TLS    bool
	Logger *slog.Logger
}

// Change is one change of one row, or an import, as the audit function hears of it. Values of
// masked columns are left out.
type Change struct {
	Schema, Table string
	// Kind is "insert", "update" or "delete"; "import", for many rows at once; or
	// "sql", of a statement that was typed: then Statement is its text and no row
	// is named.
	Kind string
	// File is what was imported, Rows how many rows went in.
	File string
	Rows int64
	// Key are the values that name the row; Before and After its columns that
	// changed, as PostgreSQL writes them. A nil is NULL.
	Key           []string
	Before, After map[string]*string
	Statement     string
	// Cleared are masked columns that were set to NULL.
	Cleared []string
}

// Server answers HTTP. It is safe for concurrent use.
type Server struct {
	Options
	base  address.Base
	db    *database.DB
	pages *page.Renderer
	mux   *http.ServeMux
	door  *door
	cache cache
	// sqlBox is nil behind PgBouncer.
	sqlBox    *database.Box
	toConfirm confirmations
	port      string
	local     map[string]bool // hosts that browsers may call us by
	cross     *http.CrossOriginProtection
	draft     *draft.Store
	// places are those of exports and imports: see bulk.
	places  chan struct{}
	uploads uploads
	// receiving are the places of files that are on their way.
	receiving chan struct{}
}

const (
	// pageTime bounds each statement behind a page.
	pageTime = 5 * time.Second
	// lockTime bounds how long a page waits for somebody who alters a table.
	lockTime = 2 * time.Second
	// maxBody leaves room for one value of value.MaxTyped, each byte of it as %XX.
	maxBody = 4 << 20
)

// New makes a server for a listener on this address.
func New(ctx context.Context, at net.Addr, o Options) (*Server, error) {
	o.BasePath = strings.TrimSuffix(o.BasePath, "/")
	if o.BasePath != "" && !plainPath(o.BasePath) {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("%q is no base path", o.BasePath),
			Hint: "write it like /studio: letters, digits, - and _ between slashes"}
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return nil, fmt.Errorf("read the listener's address: %w", err)
	}
	if err := admissible(host, o); err != nil {
		return nil, err
	}
	pages, err := page.New()
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, database.Options{URL: o.URL, ReadRole: o.ReadRole, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	if o.PageTime == 0 {
		o.PageTime = pageTime
	}
	if o.SQLURL.IsZero() {
		o.SQLURL = o.URL
	}
	var box *database.Box
	if !o.SQLURL.PgBouncer {
		if box, err = database.OpenBox(database.Options{URL: o.SQLURL}); err != nil {
			db.Close()
			return nil, err
		}
	}
	s := &Server{Options: o, sqlBox: box, base: address.Base(o.BasePath), db: db, pages: pages, mux: http.NewServeMux(), draft: draft.NewStore(),
		door: newDoor(port, o.BasePath, o.TLS || o.ProxySecret != ""), port: port, cross: http.NewCrossOriginProtection()}
	s.local = hosts(host, port, o.Hosts)
	s.places, s.receiving = make(chan struct{}, bulkAtOnce), make(chan struct{}, maxUploads)
	for _, rt := range s.routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		s.mux.Handle(method+" "+o.BasePath+path, s.serve(rt))
	}
	return s, nil
}

func plainPath(p string) bool {
	return strings.HasPrefix(p, "/") && !strings.Contains(p, "//") &&
		strings.Trim(p, "/-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// Close ends the server's connections to the database and forgets files that
// were sent.
func (s *Server) Close() {
	s.uploads.clear()
	s.db.Close()
}

// route is one line of the table of routes.
type route struct {
	pattern string // "GET /path"
	// open routes need no session.
	open    bool
	handler func(http.ResponseWriter, *http.Request) error
}

func (s *Server) routes() []route {
	return []route{
		{"GET /open", true, s.open},
		{"GET /assets/{name}", true, s.asset},
		{"GET /{$}", false, s.home},
		{"GET /diagram", false, s.diagram},
		{"GET /t/{schema}/{table}", false, s.grid},
		{"GET /t/{schema}/{table}/row/{key}", false, s.grid},
		{"POST /t/{schema}/{table}/row/{key}", false, s.keepRow},
		{"POST /t/{schema}/{table}/new", false, s.keepNew},
		{"POST /t/{schema}/{table}/discard", false, s.discard},
		{"GET /t/{schema}/{table}/review", false, s.review},
		{"POST /t/{schema}/{table}/save", false, s.save},
		{"GET /t/{schema}/{table}/conflict", false, s.conflict},
		{"POST /t/{schema}/{table}/conflict", false, s.settle},
		{"GET /t/{schema}/{table}/export/{format}", false, s.export},
		{"GET " + importRoute, false, s.importStart},
		{"POST " + importRoute, false, s.importSend},
		{"GET " + importRoute + "/{id}", false, s.importLook},
		{"POST " + importRoute + "/{id}", false, s.importDo},
		{"GET /sql", false, s.sql},
		{"POST /sql", false, s.runSQL},
		{"POST /sql/cancel", false, s.cancelSQL},
		{"POST /theme", false, s.theme},
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reference := telemetry.NewRequestID()
	r = r.WithContext(telemetry.WithRequestID(r.Context(), reference))
	secure(w.Header())
	out := &recorder{ResponseWriter: w}
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(fault)
		}
		s.Logger.ErrorContext(r.Context(), "a handler panicked", "fault", fault, "stack", string(debug.Stack()))
		if !out.begun {
			s.fail(out, r, &afauth.Error{Code: afauth.CodeInternal, Message: "a fault of ours"})
		}
	}()
	if err := s.admit(r); err != nil {
		s.fail(out, r, err)
		return
	}
	_, pattern := s.mux.Handler(r)
	if pattern == "" {
		s.noRoute(out, r)
		return
	}
	limit := int64(maxBody)
	if pattern == "POST "+s.BasePath+importRoute {
		limit += maxUpload
	}
	r.Body = http.MaxBytesReader(out, r.Body, limit)
	s.mux.ServeHTTP(out, r)
}

// noRoute answers an address that there is not. Strangers do not learn which
// there are.
func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	if !s.door.known(r) {
		s.fail(w, r, errDoor)
		return
	}
	s.fail(w, r, &afauth.Error{Code: afauth.CodeNotFound, Message: "there is no such page", Hint: "the list of tables leads everywhere"})
}

// serve wraps a handler: session first, errors in one place.
func (s *Server) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !rt.open && !s.door.known(r) {
			s.fail(w, r, errDoor)
			return
		}
		if err := rt.handler(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// secure sets what every answer carries.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", page.CSP)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// With no-referrer browsers would send "Origin: null" with our own forms.
	h.Set("Referrer-Policy", "same-origin")
}

// recorder knows whether an answer has begun.
type recorder struct {
	http.ResponseWriter
	begun bool
}

func (r *recorder) WriteHeader(status int) {
	r.begun = true
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.begun = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	if !page.Asset(w, r, r.PathValue("name")) {
		return &afauth.Error{Code: afauth.CodeNotFound, Message: "there is no such file"}
	}
	return nil
}
