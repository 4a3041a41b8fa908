// Package github is GitHub's API as Go calls and typed errors.
//
// It owns the addresses, the headers, the deadlines and the shapes of the
// answers that af-auth needs: the web flow (authorize, exchange, refresh), who
// a token belongs to, which account has a login, and the check and end of a
// token. It never stores, never logs and never retries; those are the caller's.
//
// Data enters as codes, tokens and logins, and leaves as values that have been
// checked (a [User] always has an id, a [Token] always has a token) or as an
// [*Error] that errors.Is can sort. GitHub, and whatever stands between us and
// it, is not trusted: answers are bounded to 1 MiB, redirects are not followed,
// a 401 or 404 counts only in GitHub's own JSON form, and text that comes from
// outside is freed of secrets and control characters before it enters an error.
//
// Secrets travel in request bodies and in the Authorization header, never in a
// URL, so that a proxy's access log or a url.Error cannot hold one.
package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	// apiVersion is the REST version whose shapes this package reads.
	// https://docs.github.com/en/rest/about-the-rest-api/api-versions
	apiVersion = "2022-11-28"

	// maxAnswer bounds what is read of one answer. GitHub's largest answer
	// here, 100 e-mail addresses, is under 20 KiB.
	maxAnswer = 1 << 20

	defaultTimeout = 8 * time.Second
)

// Options say which GitHub and which app of it to use.
type Options struct {
	// BaseURL is the web address: "https://github.com", or "https://HOST" of
	// an Enterprise Server. http is accepted for loopback hosts only.
	BaseURL string

	// ClientID and ClientSecret are the credentials of the OAuth App or of
	// the GitHub App.
	ClientID, ClientSecret string

	// HTTP makes the calls; nil means a client of our own. It is copied, and
	// the copy follows no redirects and keeps no cookies.
	HTTP *http.Client

	// UserAgent is sent with each call, as GitHub demands; "" means "af-auth".
	UserAgent string

	// Timeout is the longest that one call may take, from the first dial to
	// the last byte of the answer; 0 means 8 seconds. A nearer deadline of
	// the caller's context wins.
	Timeout time.Duration
}

// Client talks to one GitHub as one app. It is safe for concurrent use.
type Client struct {
	web, api         string // without a trailing slash
	clientID, secret string
	userAgent        string
	timeout          time.Duration
	http             *http.Client
}

// New checks the options and returns a client. It makes no call.
func New(o Options) (*Client, error) {
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("github: client id and client secret are both needed; set GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET")
	}
	if o.Timeout < 0 {
		return nil, errors.New("github: the timeout is negative; give a positive duration such as 8s")
	}
	c := &Client{
		web:       base.String(),
		api:       base.String() + "/api/v3",
		clientID:  o.ClientID,
		secret:    o.ClientSecret,
		userAgent: o.UserAgent,
		timeout:   o.Timeout,
	}
	if base.Host == "github.com" {
		c.api = "https://api.github.com"
	}
	if c.userAgent == "" {
		c.userAgent = "af-auth"
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if o.HTTP != nil {
		copied := *o.HTTP
		c.http = &copied
	} else {
		c.http = &http.Client{Transport: newTransport()}
	}
	// A redirect would carry the Authorization header or the client secret
	// to wherever the answer points.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http.Jar = nil
	return c, nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 4 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    4 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        60 * time.Second,
		ForceAttemptHTTP2:      true,
	}
}

// parseBase accepts an origin and nothing more, so that a path or a user name
// cannot be carried into the addresses that are built from it.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, errors.New("github: the base URL is not an absolute URL; give https://github.com or https://HOST")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("github: the base URL has more than scheme and host; give https://github.com or https://HOST")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("github: the base URL of host %s is not https; only a loopback host may use http", u.Hostname())
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Issuer is what GitHub sends as iss in the callback (RFC 9207), for instance
// https://github.com/login/oauth. Compare it byte for byte.
func (c *Client) Issuer() string { return c.web + "/login/oauth" }

// Format writes the address of this GitHub, whatever the verb: the client
// holds the app's secret, and a stray %+v must not show it.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "github client for "+c.web) }

// call is one request to GitHub and what its refusals mean.
type call struct {
	op     string // what is being done, for the error
	method string
	url    string
	header http.Header
	body   string

	// secrets are the values in this call that no error may repeat.
	secrets []string

	unauthorized error // what a 401 means
	notFound     error // what a 404 means
}

// answer is what came back, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes the call once and reads its answer, under the client's deadline.
// All errors are *Error; an answer with any status is not an error here.
func (c *Client) send(ctx context.Context, k call) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, k.method, k.url, strings.NewReader(k.body))
	if err != nil {
		return answer{}, k.broken(ctx, err)
	}
	for name, values := range k.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, k.broken(ctx, err)
	}
	defer resp.Body.Close() //nolint:errcheck // the answer was read or is given up
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, k.broken(ctx, err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: body}
	if len(body) > maxAnswer {
		return answer{}, k.malformed(a, "the answer is larger than 1 MiB")
	}
	return a, nil
}
