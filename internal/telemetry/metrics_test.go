package telemetry_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/af-auth/af-auth/internal/telemetry"
)

// scrape returns the samples that a Prometheus server would read, without
// comments.
func scrape(t *testing.T, m *telemetry.Metrics) []string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 200 {
		t.Fatalf("GET /metrics answered %d: %s", answer.Code, answer.Body)
	}
	var samples []string
	for line := range strings.Lines(answer.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			samples = append(samples, strings.TrimSpace(line))
		}
	}
	return samples
}

// wantSample checks for one sample, name and labels and value.
func wantSample(t *testing.T, samples []string, want string) {
	t.Helper()
	for _, s := range samples {
		if s == want {
			return
		}
	}
	name, _, _ := strings.Cut(want, "{")
	name, _, _ = strings.Cut(name, " ")
	var near []string
	for _, s := range samples {
		if strings.HasPrefix(s, name) {
			near = append(near, s)
		}
	}
	t.Errorf("no sample %s, but\n%s", want, strings.Join(near, "\n"))
}

func TestMetricsCount(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("v1.2.3")
	m.SignIn("allowed")
	m.SignIn("allowed")
	m.GateDecision("not_whitelisted")
	m.CallbackRejected("state_mismatch")
	m.SignInRateLimited()
	m.DatabaseConnect("ok")
	m.DatabaseConnect("failed")
	m.DatabaseConnect("failed")
	m.DatabaseRetry()
	m.WebhookDeliveries("delivered", 1)
	m.WebhookDeliveries("given_up", 3)
	m.WebhookDeliveries("made up", 1)
	m.SeenFlushed(7, nil)
	m.SeenFlushed(5, errors.New("no database"))
	requests := m.Requests([]string{"/auth/verify"})
	requests.Observe("/auth/verify", "GET", 403, 3*time.Millisecond)

	samples := scrape(t, m)
	for _, want := range []string{
		`af_auth_sign_ins_total{outcome="allowed"} 2`,
		`af_auth_gate_decisions_total{result="not_whitelisted"} 1`,
		`af_auth_callback_rejected_total{reason="state_mismatch"} 1`,
		`af_auth_sign_in_rate_limited_total 1`,
		`af_auth_database_connect_attempts_total{outcome="ok"} 1`,
		`af_auth_database_connect_attempts_total{outcome="failed"} 2`,
		`af_auth_database_connect_retries_total 1`,
		`af_auth_webhook_deliveries_total{outcome="delivered"} 1`,
		`af_auth_webhook_deliveries_total{outcome="given_up"} 3`,
		`af_auth_webhook_deliveries_total{outcome="other"} 1`,
		`af_auth_session_seen_flushes_total{outcome="ok"} 1`,
		`af_auth_session_seen_flushes_total{outcome="failed"} 1`,
		`af_auth_session_seen_flushed_total 7`,
		`af_auth_http_requests_total{method="GET",route="/auth/verify",status="4xx"} 1`,
		`af_auth_http_request_duration_seconds_bucket{method="GET",route="/auth/verify",status="4xx",le="0.0025"} 0`,
		`af_auth_http_request_duration_seconds_bucket{method="GET",route="/auth/verify",status="4xx",le="0.005"} 1`,
	} {
		wantSample(t, samples, want)
	}
	text := strings.Join(samples, "\n")
	for _, want := range []string{`version="v1.2.3"`, "go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// An alert on a rate needs the sample before the first event.
func TestMetricsStartAtZero(t *testing.T) {
	t.Parallel()
	samples := scrape(t, telemetry.NewMetrics("test"))
	for _, want := range []string{
		`af_auth_sign_ins_total{outcome="refused"} 0`,
		`af_auth_gate_decisions_total{result="unavailable"} 0`,
		`af_auth_callback_rejected_total{reason="other"} 0`,
		`af_auth_database_connect_attempts_total{outcome="failed"} 0`,
		`af_auth_sign_in_rate_limited_total 0`,
	} {
		wantSample(t, samples, want)
	}
}

// Whatever strangers send, the number of series stays what it was, and their
// text is in none of them.
func TestMetricsLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	requests := m.Requests([]string{"/", "/auth/verify"})
	statuses := []int{-1, 0, 99, 100, 200, 302, 404, 503, 600, 1 << 30}
	storm := func(n int) {
		hostile := fmt.Sprintf("hostile-%d\"\n\xff", n)
		for _, status := range statuses {
			requests.Observe("/"+hostile, "M"+hostile, status, -time.Second)
			requests.Observe("/", "GET", status, time.Hour)
		}
		m.SignIn(hostile)
		m.GateDecision(hostile)
		m.CallbackRejected(hostile)
		m.DatabaseConnect(hostile)
	}
	storm(0)
	before := len(scrape(t, m))
	for n := range 1000 {
		storm(n + 1)
	}
	samples := scrape(t, m)
	if len(samples) > before {
		t.Errorf("%d samples became %d", before, len(samples))
	}
	for _, s := range samples {
		if strings.Contains(s, "hostile") {
			t.Errorf("a stranger's text is in %s", s)
		}
	}
	wantSample(t, samples, `af_auth_sign_ins_total{outcome="other"} 1001`)
	wantSample(t, samples, `af_auth_http_requests_total{method="other",route="other",status="2xx"} 1001`)
}

func TestMetricsRegister(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "af_auth_database_connections", Help: "x"})
	gauge.Set(4)
	if err := m.Register(gauge); err != nil {
		t.Fatal(err)
	}
	wantSample(t, scrape(t, m), "af_auth_database_connections 4")
	if err := m.Register(gauge); err == nil {
		t.Error("a second collector of that name was taken")
	}
}

// failing is a collector whose error holds a secret.
type failing struct{ desc *prometheus.Desc }

func (f failing) Describe(ch chan<- *prometheus.Desc) { ch <- f.desc }

func (f failing) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(f.desc, errors.New("postgres://u:"+canary+"@db"))
}

func TestMetricsHideErrorsOfCollectors(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	if err := m.Register(failing{prometheus.NewDesc("af_auth_x", "x", nil, nil)}); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(scrape(t, m), "\n"); strings.Contains(text, canary) {
		t.Errorf("the error of a collector was served: %s", text)
	}
	wantSample(t, scrape(t, m), `promhttp_metric_handler_errors_total{cause="gathering"} 1`)
}

// Two sets of metrics in one program do not meet: there is no global registry.
func TestMetricsAreSeparate(t *testing.T) {
	t.Parallel()
	a, b := telemetry.NewMetrics("a"), telemetry.NewMetrics("b")
	a.SignIn("failed")
	wantSample(t, scrape(t, b), `af_auth_sign_ins_total{outcome="failed"} 0`)
}
