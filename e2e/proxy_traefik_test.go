package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTraefik holds deploy/traefik to what Traefik's documentation says of each
// word in it. Debian has no Traefik: a server here does what is said there.
//
// https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/forwardauth/
// https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/headers/
// https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/ (forwardedHeaders)
func TestTraefik(t *testing.T) {
	t.Parallel()
	traefikFront(t).cases(t)
}

func traefikFront(t *testing.T) *front {
	t.Helper()
	f, behind := newFront(t)
	f.keepsCookies = true
	text := shipped(t, "traefik/dynamic.yaml", behind,
		"auth.example.com", hostOf(ownOrigin), "grafana.example.com", hostOf(appOrigin), "wiki.example.com", hostOf(elseApp))
	server := httptest.NewServer(newTraefik(t, text))
	t.Cleanup(server.Close)
	f.address = server.Listener.Addr().String()
	return f
}

// traefikFile is as much of a dynamic configuration as the server here knows. A
// word that it does not know fails the test, so the file holds no others.
type traefikFile struct {
	HTTP struct {
		Routers map[string]struct {
			Rule, Service, TLS       string
			EntryPoints, Middlewares []string
		}
		Middlewares map[string]struct {
			ForwardAuth *forwardAuth
			Headers     *struct{ CustomRequestHeaders map[string]string }
		}
		Services map[string]struct {
			LoadBalancer struct{ Servers []struct{ URL string } }
		}
	}
}

type forwardAuth struct {
	Address, TrustForwardHeader, AuthResponseHeadersRegex string

	pattern *regexp.Regexp
	client  *http.Client
}

// traefikRouter is one router with all that hangs on it.
type traefikRouter struct {
	rule, host string
	upgrade    *regexp.Regexp // nil: any
	handler    http.Handler
}

type traefik []traefikRouter

func newTraefik(t *testing.T, text string) (routers traefik) {
	t.Helper()
	var file traefikFile
	readYAML(t, text, &file)
	rule := regexp.MustCompile("^Host\\(`([^`]+)`\\)(?: && HeaderRegexp\\(`Upgrade`, `([^`]+)`\\))?$")
	for name, r := range file.HTTP.Routers {
		m := rule.FindStringSubmatch(r.Rule)
		service, ok := file.HTTP.Services[r.Service]
		if m == nil || !ok || len(service.LoadBalancer.Servers) != 1 {
			t.Fatalf("router %s: the rule %s, or its service, is not known here", name, r.Rule)
		}
		to, err := url.Parse(service.LoadBalancer.Servers[0].URL)
		if err != nil {
			t.Fatal(err)
		}
		handler := traefikService(to)
		// The first of the list is the first to see a request.
		for _, name := range slices.Backward(r.Middlewares) {
			switch m := file.HTTP.Middlewares[name]; {
			case m.ForwardAuth != nil:
				handler = m.ForwardAuth.before(t, handler)
			case m.Headers != nil:
				handler = customHeaders(m.Headers.CustomRequestHeaders, handler)
			default:
				t.Fatalf("there is no middleware %s", name)
			}
		}
		route := traefikRouter{rule: r.Rule, host: m[1], handler: handler}
		if m[2] != "" {
			route.upgrade = regexp.MustCompile(m[2])
		}
		routers = append(routers, route)
	}
	// By default the longer rule has the higher priority.
	slices.SortFunc(routers, func(a, b traefikRouter) int { return len(b.rule) - len(a.rule) })
	return routers
}

// ServeHTTP is the entry point: what clients that are not trusted say about where
// they come from is taken away, and said anew.
func (all traefik) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"For", "Host", "Method", "Port", "Prefix", "Proto", "Server", "Uri", "Tls-Client-Cert", "Tls-Client-Cert-Info"} {
		r.Header.Del("X-Forwarded-" + name)
	}
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	r.Header.Set("X-Real-Ip", peer)
	r.Header.Set("X-Forwarded-Host", r.Host)
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Port", "443")
	host := strings.ToLower(r.Host)
	for _, route := range all {
		if host == route.host && (route.upgrade == nil || slices.ContainsFunc(r.Header.Values("Upgrade"), route.upgrade.MatchString)) {
			route.handler.ServeHTTP(w, r)
			return
		}
	}
	http.NotFound(w, r)
}

// traefikService passes the Host on, and streams.
func traefikService(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.Scheme, pr.Out.URL.Host = to.Scheme, to.Host
			pr.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// customHeaders sets headers, and takes those away that are empty.
func customHeaders(headers map[string]string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			r.Header.Set(name, value)
			if value == "" {
				r.Header.Del(name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (fa *forwardAuth) before(t *testing.T, next http.Handler) http.Handler {
	t.Helper()
	if fa.TrustForwardHeader != "false" {
		t.Fatal("forwardAuth believes what browsers say is asked for")
	}
	fa.pattern = regexp.MustCompile(fa.AuthResponseHeadersRegex)
	fa.client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := fa.ask(r)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		if answer.StatusCode < 200 || answer.StatusCode >= 300 {
			fa.handOn(w, answer)
			return
		}
		for name := range r.Header {
			if fa.pattern.MatchString(name) {
				r.Header.Del(name)
			}
		}
		for name, values := range answer.Header {
			if fa.pattern.MatchString(name) {
				r.Header[name] = slices.Clone(values)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ask sends a GET without a body, with the browser's headers but those of the
// connection, and says what was asked for.
func (fa *forwardAuth) ask(r *http.Request) (*http.Response, error) {
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, fa.Address, nil)
	if err != nil {
		return nil, err
	}
	ask.Header = r.Header.Clone()
	withoutHops(ask.Header)
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	for name, value := range map[string]string{
		"For": peer, "Method": r.Method, "Proto": "https", "Host": r.Host, "Uri": r.URL.RequestURI(),
	} {
		ask.Header.Set("X-Forwarded-"+name, value)
	}
	return fa.client.Do(ask)
}

// handOn gives the browser an answer that is not 2xx: status, headers, body.
func (fa *forwardAuth) handOn(w http.ResponseWriter, answer *http.Response) {
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	withoutHops(w.Header())
	// Relative to the address that was asked.
	if to, err := answer.Location(); err == nil {
		w.Header().Set("Location", to.String())
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}

func withoutHops(h http.Header) {
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailers", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
}
