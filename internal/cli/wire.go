package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/signin"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/web"
	"github.com/af-auth/af-auth/internal/web/page"
	"github.com/af-auth/af-auth/internal/webhook"
)

const (
	// drain is how long requests under way may go on after the end is asked for.
	drain = 10 * time.Second
	// farewell is how long serve goes on answering before that, with /ready red:
	// net/http drops what arrives later, and a proxy should have heard by then.
	farewell = time.Second
	// leave is how long what remains may take after that: the last uses of
	// sessions, and this server's row.
	leave = 5 * time.Second
	// sweepEvery is how often expired rows are removed.
	sweepEvery = 10 * time.Minute
	// remembered is how many sessions the gate keeps in memory at most, about 130
	// bytes each and 400 a person.
	remembered = 1_000_000
	// defaultWait is how long a request waits for a free connection.
	defaultWait = 2 * time.Second
)

func poolWait(c *config.Config) time.Duration {
	if c.PoolTimeout > 0 {
		return c.PoolTimeout
	}
	return defaultWait
}

// service is a running af-auth server.
type service struct {
	config  *config.Config
	id      afauth.ID // this process, in instances
	db      *postgres.DB
	gate    *gate.Gate
	heard   *postgres.Listener
	seen    *postgres.Seen
	admins  *access.Admins
	metrics *telemetry.Metrics
	web     *web.Server
	webhook *webhook.Sender // nil: none
	ready   *readiness
	logger  *slog.Logger
	version string
	stop    chan struct{} // closed when draining begins
	linger  time.Duration // farewell, or none for dev
}

// newService wires the parts. The caller runs it.
func newService(ctx context.Context, e *Env, c *config.Config, dev bool, logger *slog.Logger) (*service, error) {
	s := &service{config: c, logger: logger, version: e.Version, metrics: telemetry.NewMetrics(e.Version), stop: make(chan struct{})}
	client, err := githubClient(c, e.Version)
	if err != nil {
		return nil, err
	}
	origin, upstream, err := addresses(c)
	if err != nil {
		return nil, err
	}
	pages, err := page.New()
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	d := dialer(c, c.DatabaseURL, "af-auth", logger)
	d.Attempted, d.Retried = s.metrics.DatabaseConnect, s.metrics.DatabaseRetry
	s.db, err = postgres.Open(ctx, postgres.Options{Dialer: d, PoolMin: c.PoolMin, PoolMax: c.PoolMax, Wait: poolWait(c)})
	if err != nil {
		return nil, err
	}
	if err := s.metrics.Register(postgres.NewCollector(s.db)); err != nil {
		return nil, fmt.Errorf("registering the pool's metrics: %w", err)
	}
	if err := s.openGate(); err != nil {
		return nil, err
	}
	if s.webhook, err = s.newWebhook(); err != nil {
		return nil, err
	}
	s.ready = &readiness{db: s.db, logger: logger, now: time.Now, queueLimit: queueLimit}
	apps := map[string]string{}
	var hosts []string
	for _, h := range c.Hosts {
		apps[h.Host] = h.Name
		hosts = append(hosts, h.Host)
	}
	places := signin.NewPlaces(origin, hosts)
	flow, err := signin.New(signin.Options{
		DB: s.db, GitHub: client, Secret: c.GitHubClientSecret.Reveal(), Places: places,
		Limits: limits(c), Scopes: c.GitHubScopes, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	if s.admins, err = access.NewAdmins(client, logger, c.Admins); err != nil {
		return nil, err
	}
	s.web = web.New(s.stop, web.Options{
		Origin: origin, Apps: apps, Flow: flow, Places: places,
		Gate: s.gate, People: access.New(s.db, client, limits(c)), Admins: s.admins,
		Watch: s.heard.Watch, Ready: s.ready.checks, Pages: pages, Metrics: s.metrics, Logger: logger,
		Release: e.Version, Limits: limits(c), Contact: contact(c.Contact), ReadsEmail: readsEmail(c.GitHubScopes),
		Place: place(c, origin), Dev: dev, Program: e.beside(), TrustedProxies: c.TrustedProxies, Public: publicPaths(c), SignInRate: c.SignInRate, MetricsToken: c.MetricsToken.Reveal(),
		Upstream: upstream,
	})
	return s, nil
}

// place says what a server is for, as its pages for administrators show it.
func place(c *config.Config, origin *url.URL) string {
	ip, err := netip.ParseAddr(origin.Hostname())
	switch {
	case c.Production:
		return "Production"
	case origin.Hostname() == "localhost", err == nil && ip.IsLoopback():
		return "Local"
	default:
		return "Development"
	}
}

// publicPaths are what the gate opens to anybody, by host.
func publicPaths(c *config.Config) web.PublicPaths {
	public := web.PublicPaths{}
	for _, p := range c.PublicPaths {
		public[p.Host] = append(public[p.Host], p.Path)
	}
	return public
}

// addresses are our own origin, and that of the application behind us; nil where
// there is none.
func addresses(c *config.Config) (origin, upstream *url.URL, err error) {
	if origin, err = url.Parse(c.Origin); err != nil {
		return nil, nil, fmt.Errorf("reading AF_AUTH_URL: %w", err)
	}
	if c.Upstream == "" {
		return origin, nil, nil
	}
	if upstream, err = url.Parse(c.Upstream); err != nil {
		return nil, nil, fmt.Errorf("reading AF_AUTH_UPSTREAM: %w", err)
	}
	return origin, upstream, nil
}

// newWebhook makes what sends to AF_AUTH_WEBHOOK_URL; nil where there is none.
func (s *service) newWebhook() (*webhook.Sender, error) {
	if !s.config.WebhookURL.IsSet() {
		return nil, nil
	}
	if err := s.config.Need(s.config.Needs()...); err != nil {
		return nil, err
	}
	to, err := url.Parse(s.config.WebhookURL.Reveal())
	if err != nil {
		return nil, errors.New("AF_AUTH_WEBHOOK_URL cannot be read") // and is not shown
	}
	direct := dialer(s.config, first(s.config.DirectURL, s.config.DatabaseURL), "af-auth lead", s.logger)
	direct.Attempted, direct.Retried = s.metrics.DatabaseConnect, s.metrics.DatabaseRetry
	return webhook.New(webhook.Options{
		DB: s.db, Direct: direct, URL: to, Secret: s.config.WebhookSecret.Reveal(), Allow: s.config.WebhookAllow,
		Release: s.version, Logger: s.logger, Counted: s.metrics.WebhookDeliveries,
	}), nil
}

// openGate makes the gate and what tells it of changes.
func (s *service) openGate() error {
	listening := dialer(s.config, first(s.config.DirectURL, s.config.DatabaseURL), "af-auth listen", s.logger)
	listening.Attempted, listening.Retried = s.metrics.DatabaseConnect, s.metrics.DatabaseRetry
	s.seen = postgres.NewSeen(s.db)
	s.seen.Flushed = s.metrics.SeenFlushed
	s.gate = gate.New(gate.Options{DB: s.db, Seen: s.seen, Idle: s.config.SessionIdle, Memory: remembered, Logger: s.logger, Now: time.Now})
	s.id = afauth.NewID()
	s.heard = postgres.NewListener(postgres.ListenerOptions{Dialer: listening, Instance: s.id, Hearer: s.gate})
	if err := s.metrics.Register(gate.NewCollector(s.gate)); err != nil {
		return fmt.Errorf("registering the gate's metrics: %w", err)
	}
	return nil
}

func readsEmail(scopes []string) bool {
	for _, s := range scopes {
		if s == "user" || s == "user:email" {
			return true
		}
	}
	return false
}

func contact(link string) *page.Contact {
	if link == "" {
		return nil
	}
	label := strings.TrimPrefix(strings.TrimPrefix(link, "mailto:"), "https://")
	return &page.Contact{Label: label, Href: link}
}

// run serves on the listener until ctx ends, then lets requests under way
// finish. Everything in the background outlives the last request.
func (s *service) run(ctx context.Context, public net.Listener) error {
	defer s.db.Close()
	servers, listeners := []*http.Server{s.server(s.web)}, []net.Listener{public}
	// Opened before anything begins: a taken port must leave nothing behind.
	if s.config.MetricsListen != "" {
		l, err := listen("AF_AUTH_METRICS_LISTEN", s.config.MetricsListen)
		if err != nil {
			return errors.Join(err, public.Close())
		}
		s.logger.Info("serving metrics", "listen", l.Addr().String()) // port 0 takes any
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", s.metrics.Handler())
		servers, listeners = append(servers, s.server(mux)), append(listeners, l)
	}
	background, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var work errgroup.Group
	place := placeOf(public.Addr(), os.Hostname)
	loops := []func(context.Context){
		s.heard.Run, s.seen.Run, s.sweep, gate.Frugal, s.admins.Run,
		func(ctx context.Context) { s.db.KeepInstance(ctx, s.id, s.version, place) },
	}
	if s.webhook != nil {
		loops = append(loops, s.webhook.Run)
	}
	for _, loop := range loops {
		work.Go(func() error { loop(background); return nil })
	}
	serving, failed := errgroup.WithContext(ctx)
	for i, server := range servers {
		serving.Go(func() error {
			if err := server.Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	<-failed.Done()
	stopping := time.Now()
	s.logger.Info("stopping; a second signal ends it at once", "why", context.Cause(failed), "at_most", s.linger+drain+leave)
	s.ready.draining.Store(true)
	close(s.stop)
	if ctx.Err() != nil { // and not because a server failed
		<-time.After(s.linger)
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(draining); err != nil {
			s.logger.Warn("requests were cut off", "after", drain, "error", err)
			_ = server.Close()
		}
	}
	err := serving.Wait()
	end()
	_ = work.Wait()
	s.db.Close()
	s.logger.Info("stopped", "took", time.Since(stopping))
	return err
}

// server bounds what a slow or greedy client can hold. A waiting page's stream
// moves its own write deadline.
func (s *service) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
}

func (s *service) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.db.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("expired sessions not removed", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// placeOf tells this server from others in the table instances: where it
// listens, or where it listens everywhere, as in a container, its host's name and
// the port. A host that does not know its name leaves the address as it is.
func placeOf(a net.Addr, hostname func() (string, error)) string {
	at, ok := a.(*net.TCPAddr)
	if !ok || !at.IP.IsUnspecified() {
		return a.String()
	}
	name, err := hostname()
	if err != nil || name == "" {
		return a.String()
	}
	return net.JoinHostPort(name, strconv.Itoa(at.Port))
}

// listen opens the address that a setting names.
func listen(setting, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	e := &afauth.Error{Code: afauth.CodeUnavailable, Message: "cannot listen on " + address,
		Hint: "check " + setting, Err: err}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Message, e.Hint = address+" is taken by another program", "end that one, or set "+setting+" to another address"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "ports below 1024 need a right of their own: set " + setting + " to a higher one, behind a proxy"
	}
	return nil, e
}
