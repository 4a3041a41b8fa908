package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/studio"
	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// studioPort is where studio listens, unless something else does.
const studioPort = 5555

// studioPorts is how many ports are tried.
const studioPorts = 64

type studioCmd struct {
	Port            int      `help:"Port to listen on; the next free one where it is taken. 0: any." default:"5555"`
	ReadOnly        bool     `help:"Refuse every change."`
	URL             *string  `name:"url" help:"The database; without it, DATABASE_URL." placeholder:"URL"`
	SQLURL          *string  `name:"sql-url" help:"The same database, as a user that reads nothing masked: the SQL box logs in with it. Without it, as --url says." placeholder:"URL"`
	SQLWrites       bool     `name:"sql-writes" help:"Let the SQL box write, where its switch is on and each statement was confirmed."`
	NoOpen          bool     `help:"Do not open the browser."`
	Mask            []string `help:"Never show this column's values, beside those that are masked anyway. May be repeated." placeholder:"TABLE.COLUMN" sep:"none"`
	Listen          string   `help:"Address to listen on. Beyond loopback only with TLS, or a proxy's secret." default:"127.0.0.1" placeholder:"ADDRESS"`
	BasePath        string   `help:"Path that a proxy has put studio under, such as /studio." placeholder:"PATH"`
	Host            []string `help:"A name that browsers call studio by, beside localhost. May be repeated." placeholder:"NAME" sep:"none"`
	TLSCert         string   `help:"Certificate to speak TLS with (PEM)." placeholder:"FILE" type:"path" and:"tls"`
	TLSKey          string   `help:"Its key (PEM)." placeholder:"FILE" type:"path" and:"tls"`
	ProxySecretFile string   `help:"File with a secret that the proxy sends along, in X-Studio-Secret." placeholder:"FILE" type:"path"`
}

// Help is shown by --help.
func (studioCmd) Help() string {
	return `Prints a link that opens studio once, in one browser, and opens it. It works
with any PostgreSQL database from 14 on. Hashes and GitHub's tokens are never
shown. Ctrl-C ends it.`
}

// Run serves studio until ctx ends.
func (c *studioCmd) Run(ctx context.Context, e *Env) error {
	settings, err := e.load()
	if err != nil {
		return err
	}
	url, err := given("--url", c.URL)
	if err != nil {
		return err
	}
	if url.IsZero() {
		if err := e.needDatabase(settings); err != nil {
			return err
		}
		url = settings.DatabaseURL
	}
	options, err := c.options(e, settings, url)
	if err != nil {
		return err
	}
	pair, err := c.pair()
	if err != nil {
		return err
	}
	// Studio's pool connects when a page is asked for: a wrong URL is said here.
	if err := try(ctx, settings, url, options.Logger); err != nil {
		return err
	}
	if err := tryBox(ctx, settings, options); err != nil {
		return err
	}
	door, err := listenStudio(e, c.Listen, c.Port)
	if err != nil {
		return err
	}
	defer func() { _ = door.Close() }()
	app, err := studio.New(ctx, door.Addr(), options)
	if err != nil {
		return err
	}
	defer app.Close()
	if err := maskSomething(ctx, app, options.Masks[len(studioMasks()):]); err != nil {
		return err
	}
	// The catalogue is read while the browser starts.
	warming, cold := context.WithCancel(ctx)
	defer cold()
	go app.Warm(warming)
	link := app.Link(c.origin(door))
	e.say("studio: %s", link)
	e.say("  The link works once. Ctrl-C ends studio.")
	if !c.NoOpen {
		defer e.openBrowser(ctx, link)()
	}
	return serveStudio(ctx, app, door, pair, options.Logger)
}

// try connects, and lets go: whether the URL works is said at once.
func try(ctx context.Context, settings *config.Config, url pgurl.URL, logger *slog.Logger) error {
	conn, err := dialer(settings, url, "af-auth studio", logger).Connect(ctx)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// tryBox logs in as the SQL box will, where it has a user of its own: a wrong URL
// is said here too, and by its flag.
func tryBox(ctx context.Context, settings *config.Config, o studio.Options) error {
	if o.SQLURL.IsZero() {
		return nil
	}
	err := try(ctx, settings, o.SQLURL, o.Logger)
	var e *afauth.Error
	if errors.As(err, &e) {
		e.Message = "--sql-url: " + e.Message
	}
	return err
}

// maskSomething refuses masks that name no column: a slip of the pen would leave
// open what somebody believes hidden.
func maskSomething(ctx context.Context, app *studio.Server, masks []catalog.Mask) error {
	if len(masks) == 0 {
		return nil
	}
	m, found, err := app.Unmasked(ctx, masks)
	if err != nil || !found {
		return err
	}
	name := strings.TrimPrefix(m.Schema+"."+m.Table+"."+m.Column, ".")
	return &afauth.Error{Code: afauth.CodeInvalid, Message: "--mask " + name + " names no column of this database", Hint: "letters count as they stand in the database; studio has not started, so that nothing is shown that you mean to hide"}
}

// options are what studio is made with.
func (c *studioCmd) options(e *Env, settings *config.Config, url pgurl.URL) (studio.Options, error) {
	o := studio.Options{URL: url, Production: settings.Production, ReadOnly: c.ReadOnly, BasePath: c.BasePath, Hosts: c.Host,
		Masks: studioMasks(), Listen: c.Listen, TLS: c.TLSCert != "", Logger: e.quiet(), SQLWrites: c.SQLWrites}
	if c.ReadOnly && c.SQLWrites {
		return o, &afauth.Error{Code: afauth.CodeInvalid, Message: "--read-only and --sql-writes contradict each other", Hint: "leave one of them out"}
	}
	for _, name := range c.Host {
		if !isHost(name) {
			return o, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("--host %q is no name that a browser calls by", name),
				Hint: "write a host, or host:port, such as db.example.com"}
		}
	}
	sql, err := given("--sql-url", c.SQLURL)
	if err != nil {
		return o, err
	}
	if !sql.IsZero() && sql.Database() != url.Database() {
		return o, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("--sql-url names the database %s, and studio shows %s", sql.Database(), url.Database()),
			Hint: "the SQL box works with the database that studio shows"}
	}
	o.SQLURL = sql
	actor := postgres.Actor{Name: "studio:" + e.userName()}
	o.Begin = func(ctx context.Context, tx pgx.Tx) error { return postgres.ClaimChange(ctx, tx, actor) }
	o.Audit = func(ctx context.Context, tx pgx.Tx, ch studio.Change) error {
		return postgres.RecordChange(ctx, tx, actor, postgres.RowChange{Table: ch.Schema + "." + ch.Table, What: ch.Kind, Key: ch.Key,
			Before: ch.Before, After: ch.After, Cleared: ch.Cleared, File: ch.File, Rows: ch.Rows, Statement: ch.Statement})
	}
	for _, word := range c.Mask {
		m, ok := catalog.ParseMask(word)
		if !ok {
			return o, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("--mask %s names no column", word), Hint: "write table.column, or schema.table.column"}
		}
		o.Masks = append(o.Masks, m)
	}
	if c.ProxySecretFile != "" {
		raw, err := os.ReadFile(c.ProxySecretFile)
		if err != nil {
			return o, &afauth.Error{Code: afauth.CodeInvalid, Message: "the proxy's secret cannot be read", Hint: "see --proxy-secret-file", Err: err}
		}
		if o.ProxySecret = strings.TrimSpace(string(raw)); len(o.ProxySecret) < 32 {
			return o, &afauth.Error{Code: afauth.CodeInvalid, Message: "the proxy's secret is shorter than 32 characters",
				Hint: "make one: openssl rand -hex 32 > FILE"}
		}
	}
	return o, nil
}

// studioMasks are the columns of af-auth's own schema that nobody should read:
// GitHub's tokens, and the hashes by which tokens of ours are known.
func studioMasks() []catalog.Mask {
	return []catalog.Mask{
		{Table: "users", Column: "github_access_token"},
		{Table: "users", Column: "github_refresh_token"},
		{Table: "sessions", Column: "token_hash"},
		{Table: "tickets", Column: "token_hash"},
		{Table: "tickets", Column: "nonce_hash"},
	}
}

// hostForm is a name, or an IPv4 address, and perhaps a port.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// isHost reports whether a browser's Host header could say this.
func isHost(name string) bool {
	if hostForm.MatchString(name) {
		return true
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.Zone() == ""
	}
	at, err := netip.ParseAddrPort(name) // [::1]:5555
	return err == nil && at.Addr().Zone() == ""
}

// pair reads the certificate and its key; none: studio speaks no TLS.
func (c *studioCmd) pair() ([]tls.Certificate, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	no := func(message, hint string, err error) error {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: message, Hint: hint, Err: err}
	}
	cert, err := os.ReadFile(c.TLSCert)
	if err != nil {
		return nil, no("the certificate "+c.TLSCert+" cannot be read", "see --tls-cert", err)
	}
	key, err := os.ReadFile(c.TLSKey)
	if err != nil {
		return nil, no("the key "+c.TLSKey+" cannot be read", "see --tls-key", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, no("the certificate and the key are no pair in PEM", "see --tls-cert and --tls-key", err)
	}
	return []tls.Certificate{pair}, nil
}

// origin is the address that the link begins with.
func (c *studioCmd) origin(door net.Listener) string {
	scheme := "http://"
	if c.TLSCert != "" {
		scheme = "https://"
	}
	if len(c.Host) > 0 {
		if c.ProxySecretFile != "" {
			return "https://" + c.Host[0]
		}
		if _, _, err := net.SplitHostPort(c.Host[0]); err == nil {
			return scheme + c.Host[0]
		}
	}
	host, port, err := net.SplitHostPort(door.Addr().String())
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	if len(c.Host) > 0 {
		host = c.Host[0]
	}
	return scheme + net.JoinHostPort(host, port)
}

// listenStudio takes the port, or the next one that is free, and says so.
func listenStudio(e *Env, host string, port int) (net.Listener, error) {
	if port < 0 || port > 65535 {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("there is no port %d", port), Hint: "--port is from 0 to 65535; 0 takes a free one"}
	}
	var taken error
	for next := port; next < port+studioPorts && next <= 65535; next++ {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(next)))
		switch {
		case err == nil && next == port:
			return l, nil
		case err == nil:
			_, _ = fmt.Fprintf(e.Stderr, "port %d is taken%s; studio is on port %d\n", port, holderOf(port), next)
			return l, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, &afauth.Error{Code: afauth.CodeUnavailable, Message: "studio cannot listen on " + net.JoinHostPort(host, strconv.Itoa(next)), Hint: "see --listen and --port", Err: err}
		}
		taken = err
	}
	return nil, &afauth.Error{Code: afauth.CodeUnavailable, Message: fmt.Sprintf("no port from %d on is free", port), Hint: "--port 0 takes any", Err: taken}
}

// serveStudio serves until ctx ends: over TLS where there is a pair.
func serveStudio(ctx context.Context, h http.Handler, l net.Listener, pair []tls.Certificate, logger *slog.Logger) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: pair}}
	stopped := context.AfterFunc(ctx, func() {
		draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(draining) != nil {
			_ = server.Close()
		}
	})
	defer stopped()
	var err error
	if len(pair) > 0 {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// devStudio is the studio of `af-auth dev`.
type devStudio struct {
	app  *studio.Server
	door net.Listener
	link string
}

func (s *devStudio) close() {
	_ = s.door.Close()
	s.app.Close()
}

// studio opens studio on the private database. Where af-auth takes any port that
// is free, it does too.
func (d *devCmd) studio(ctx context.Context, e *Env, c *config.Config) (*devStudio, error) {
	port := studioPort
	if d.Port == 0 {
		port = 0
	}
	flags := &studioCmd{}
	options, err := flags.options(e, c, c.DatabaseURL)
	if err != nil {
		return nil, err
	}
	door, err := listenStudio(e, "127.0.0.1", port)
	if err != nil {
		return nil, err
	}
	app, err := studio.New(ctx, door.Addr(), options)
	if err != nil {
		return nil, errors.Join(err, door.Close())
	}
	return &devStudio{app: app, door: door, link: app.Link(flags.origin(door))}, nil
}
