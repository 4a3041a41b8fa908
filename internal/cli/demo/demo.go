// Package demo is the small application that `af-auth dev` shows behind the
// gate. It has two parts, and they are kept apart because they teach two
// different things:
//
//   - The proxy (proxy.go, verify.go, clean.go, path.go) does what nginx does
//     with auth_request: it asks af-auth about every request, and lets the
//     request pass with five identity headers, or sends the browser to sign in.
//   - The application (app.go) reads those headers. It holds no sign-in code.
//
// Between the two stands a real httputil.ReverseProxy that speaks HTTP/1.1 over
// in-memory connections (pipe.go). The application has no port of its own: an
// application that trusts headers must not be reachable around its gate, and
// here it cannot be.
//
//	browser ── :8081 ── proxy ── in memory ── application
//	                      │
//	                      └── GET /auth/verify, /.af-auth/… ── af-auth :8080
//
// The package never decides who may come in: af-auth does. When af-auth cannot
// be asked, or answers with something that is not its contract, nobody passes.
// It keeps nothing between requests, and imports the standard library only.
package demo

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Options says where af-auth is. Only AuthURL is required.
type Options struct {
	// AuthURL is af-auth's own origin, for example http://127.0.0.1:8080. It
	// has a scheme and a host, and nothing else.
	AuthURL *url.URL
	// Logger takes what went wrong between proxy, application and af-auth. It
	// is never given a cookie or a query. Nil: nothing is logged.
	Logger *slog.Logger
	// Transport carries requests to af-auth. Nil: a plain transport that
	// ignores HTTP_PROXY, because the answer decides who comes in.
	Transport http.RoundTripper
	// Program is how af-auth is called in a shell here; empty: "af-auth".
	Program string
}

// Site is the demo as a browser meets it: the proxy, and the application
// behind it.
type Site struct {
	proxy *proxy
	pipe  *pipe
}

// New starts the application on its in-memory listener and returns the site in
// front of it. It fails when AuthURL is not an http or https origin.
func New(o Options) (*Site, error) {
	if err := checkOrigin(o.AuthURL); err != nil {
		return nil, err
	}
	return newSite(o, newApplication(o.AuthURL, o.Program)), nil
}

// Application is the application alone, for who brings a gate of their own.
// It must not be reachable around it.
func Application(o Options) (http.Handler, error) {
	if err := checkOrigin(o.AuthURL); err != nil {
		return nil, err
	}
	return newApplication(o.AuthURL, o.Program), nil
}

// newSite puts any application behind the proxy.
func newSite(o Options, application http.Handler) *Site {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = plainTransport()
	}
	p := newPipe(application, o.Logger)
	return &Site{
		pipe: p,
		proxy: &proxy{
			authURL: o.AuthURL,
			auth:    o.Transport,
			app:     p.transport,
			log:     o.Logger,
		},
	}
}

// ServeHTTP answers one request of a browser. Requests may run in parallel.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.proxy.ServeHTTP(w, r) }

// Close ends the application and its connections. Requests after it are
// answered 502. A program that runs the site until its own end need not call
// it.
func (s *Site) Close() error { return s.pipe.close() }

func checkOrigin(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("demo: no address of af-auth; set Options.AuthURL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "",
		u.User != nil, u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return fmt.Errorf("demo: %q is not an origin; write it like http://127.0.0.1:8080", u.Redacted())
	}
	return nil
}

func plainTransport() http.RoundTripper {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: time.Second}).DialContext,
		DisableCompression:     true, // bytes pass as they are
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    2 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
