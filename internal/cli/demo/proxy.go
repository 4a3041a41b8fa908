package demo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// authPrefix is the one folder of this host that belongs to af-auth.
const authPrefix = "/.af-auth/"

// authTimeout is how long af-auth may take for a request of its own folder.
const authTimeout = 10 * time.Second

// proxy does what this nginx configuration does:
//
//	location /         { auth_request /verify;
//	                     auth_request_set $user $upstream_http_x_auth_request_user; …
//	                     error_page 401 403 = /.af-auth/start;
//	                     proxy_set_header X-Auth-Request-User $user; …
//	                     proxy_pass http://application; }
//	location /.af-auth/ { proxy_set_header Host $http_host;
//	                     proxy_set_header X-Original-URI $request_uri;
//	                     proxy_pass http://af-auth; }
//	location = /verify { internal;
//	                     proxy_pass http://af-auth/auth/verify;
//	                     proxy_set_header Host $http_host; … }
type proxy struct {
	authURL *url.URL
	auth    http.RoundTripper // to af-auth
	app     http.RoundTripper // to the application
	log     *slog.Logger
}

// ServeHTTP asks first and forwards afterwards. There is no list of paths that
// go unasked: what is not af-auth's, or a file of this proxy's own pages, is
// asked about.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !canonicalTarget(r):
		p.answer(w, r, badTarget())
		return
	case ownFile(r.URL.Path) != "":
		serveFile(w, r, ownFile(r.URL.Path))
		return
	case strings.HasPrefix(r.URL.Path, authPrefix):
		p.toAuth(w, r, authTimeout, func(*http.Request) {})
		return
	}
	v, err := p.verify(r)
	switch {
	case r.Context().Err() != nil:
		// The browser left; there is nobody to answer.
	case err != nil:
		p.log.Error("af-auth could not be asked, so nobody is let in", "path", r.URL.Path, "error", err)
		p.answer(w, r, unavailable())
	case v.status == http.StatusOK:
		p.toApp(w, r, v.identity)
	case navigation(r):
		p.signIn(w, r)
	default:
		p.refuse(w, v)
	}
}

// navigation reports whether the answer will be shown to a person as a page.
// Sec-Fetch-Mode says so where the browser sends it, and scripts cannot set it;
// older browsers are known by what they accept.
func navigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return acceptsHTML(r)
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Accept"), ",")), "text/html")
}

// refuse hands af-auth's own problem to a script, status and body.
func (p *proxy) refuse(w http.ResponseWriter, v verdict) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(v.status)
	_, _ = w.Write(v.problem) // the status is out; a lost body cannot be told
}

// signIn answers a navigation with what af-auth gives for /.af-auth/start: a
// cookie that ties the browser to this sign-in, and the way to af-auth's own
// host. The URL in the browser's bar is unchanged until it follows.
func (p *proxy) signIn(w http.ResponseWriter, r *http.Request) {
	p.toAuth(w, r, verifyTimeout, func(out *http.Request) {
		out.URL.Path, out.URL.RawPath, out.URL.RawQuery = authPrefix+"start", "", ""
		out.Header.Set("X-Original-URI", r.RequestURI)
		out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	})
}

// toAuth passes the request to af-auth with its Host and cookies, and the
// answer back with its Set-Cookie.
func (p *proxy) toAuth(w http.ResponseWriter, r *http.Request, timeout time.Duration, change func(*http.Request)) {
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	rp := p.reverse(p.auth, unavailable)
	rp.Rewrite = func(pr *httputil.ProxyRequest) {
		p.prepare(pr, p.authURL.Scheme, p.authURL.Host)
		change(pr.Out)
	}
	rp.ModifyResponse = func(answer *http.Response) error {
		if answer.StatusCode >= http.StatusInternalServerError {
			return errAuthFailed(answer.StatusCode)
		}
		return nil
	}
	rp.ServeHTTP(w, r.WithContext(ctx))
}

// toApp passes the request to the application, with the identity and without
// af-auth's cookies.
func (p *proxy) toApp(w http.ResponseWriter, r *http.Request, identity http.Header) {
	rp := p.reverse(p.app, badGateway)
	rp.Rewrite = func(pr *httputil.ProxyRequest) {
		p.prepare(pr, "http", "application")
		dropAuthCookies(pr.Out.Header)
		for name, values := range identity {
			pr.Out.Header[name] = values
		}
	}
	rp.ServeHTTP(w, r)
}

// prepare makes the outgoing request trustworthy. It runs after ReverseProxy has
// taken out what Connection names, so a header set from here on cannot be
// removed by "Connection: X-Auth-Request-User".
func (p *proxy) prepare(pr *httputil.ProxyRequest, scheme, host string) {
	pr.Out.URL.Scheme, pr.Out.URL.Host = scheme, host
	dropUntrusted(pr.Out.Header)
	// A connection is asked about once. WebSocket stays one conversation; "h2c"
	// would let further requests through unasked.
	if !strings.EqualFold(pr.Out.Header.Get("Upgrade"), "websocket") {
		pr.Out.Header.Del("Upgrade")
		pr.Out.Header.Del("Connection")
	}
	// Some servers fold trailers into headers after the gate has looked.
	pr.Out.Trailer = nil
	pr.SetXForwarded()
}

func (p *proxy) reverse(to http.RoundTripper, failed func() notice) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: to,
		ErrorLog:  slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return // the browser left; there is nobody to answer
			}
			p.log.Error("a request could not be passed on", "path", r.URL.Path, "error", err)
			p.answer(w, r, failed())
		},
	}
}
