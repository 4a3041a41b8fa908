package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is the registry and every counter of af-auth's own. It is safe for
// concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec

	signIns   counter
	gate      counter
	callbacks counter
	limited   prometheus.Counter

	connects counter
	retries  prometheus.Counter

	flushes counter
	seen    prometheus.Counter

	deliveries counter
}

// NewMetrics returns a registry of its own, with the collectors of the Go
// runtime and of the process, and af_auth_build_info with version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "af_auth_build_info",
		Help: "Always 1; the labels say which build this is.",
	}, []string{"version", "go_version"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	m.addRequests()
	m.addSignIn()
	m.addDatabase()
	m.deliveries = newCounter(m.registry, "af_auth_webhook_deliveries_total",
		"Tries to tell the webhook, by outcome; given_up counts deliveries.",
		"outcome", "delivered", "failed", "given_up")
	return m
}

func (m *Metrics) addSignIn() {
	m.signIns = newCounter(m.registry, "af_auth_sign_ins_total",
		"Sign-ins by outcome.",
		"outcome", "allowed", "waiting", "refused", "expired", "failed")
	m.gate = newCounter(m.registry, "af_auth_gate_decisions_total",
		"Decisions of the gate by result.",
		"result", "allowed", "public", "not_signed_in", "not_whitelisted", "not_for_app", "unavailable")
	m.callbacks = newCounter(m.registry, "af_auth_callback_rejected_total",
		"Callbacks that did not end in a session, by reason.",
		"reason", "invalid", "state_missing", "state_expired", "state_mismatch", "issuer_mismatch",
		"github_denied", "github_unavailable", "github_rate_limited", "github_code_rejected", "github_misconfigured",
		"github_unverified_email", "rate_limited", "unavailable", "schema_mismatch", "internal")
	m.limited = newPlain(m.registry, "af_auth_sign_in_rate_limited_total",
		"Sign-ins turned away because one network peer started too many.")
}

func (m *Metrics) addDatabase() {
	m.connects = newCounter(m.registry, "af_auth_database_connect_attempts_total",
		"Tries to open a database connection by outcome, whoever made them: the pool, LISTEN, the sequence at the start.",
		"outcome", "ok", "failed")
	m.retries = newPlain(m.registry, "af_auth_database_connect_retries_total",
		"Tries of the retry sequence (DB_MAX_RETRIES) that followed a failed one.")
	m.flushes = newCounter(m.registry, "af_auth_session_seen_flushes_total",
		"Batches of session last-seen times written, by outcome.",
		"outcome", "ok", "failed")
	m.seen = newPlain(m.registry, "af_auth_session_seen_flushed_total",
		"Sessions whose last-seen time was written.")
}

// SignIn counts one finished sign-in by what the person may do now (allowed,
// waiting, refused, expired), or failed.
func (m *Metrics) SignIn(outcome string) { m.signIns.inc(outcome) }

// GateDecision counts one decision: allowed, public, not_signed_in,
// not_whitelisted, not_for_app or unavailable.
func (m *Metrics) GateDecision(result string) { m.gate.inc(result) }

// CallbackRejected counts a callback without a session. The reason is a code of
// package afauth.
func (m *Metrics) CallbackRejected(reason string) { m.callbacks.inc(reason) }

// SignInRateLimited counts a sign-in that was turned away.
func (m *Metrics) SignInRateLimited() { m.limited.Inc() }

// DatabaseConnect counts one try to open a connection: ok or failed.
func (m *Metrics) DatabaseConnect(outcome string) { m.connects.inc(outcome) }

// DatabaseRetry counts one try that followed a failed one.
func (m *Metrics) DatabaseRetry() { m.retries.Inc() }

// SeenFlushed counts one batch of last-seen times for that many sessions; err
// says whether it could be written.
func (m *Metrics) SeenFlushed(sessions int, err error) {
	if err != nil {
		m.flushes.inc("failed")
		return
	}
	m.flushes.inc("ok")
	m.seen.Add(float64(max(sessions, 0)))
}

// WebhookDeliveries counts tries that were delivered or failed, and deliveries
// that were given_up.
func (m *Metrics) WebhookDeliveries(outcome string, n int) { m.deliveries.add(outcome, n) }

// Register adds a collector of another package, such as the pool's. It fails
// where one with the same names is registered already.
func (m *Metrics) Register(c prometheus.Collector) error { return m.registry.Register(c) }

// Handler serves the metrics in the formats of Prometheus. A collector that
// fails is left out and counted in promhttp_metric_handler_errors_total: the
// text of its error stays inside, for it may name hosts and users.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry:            m.registry,
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	})
}
