package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests counts HTTP requests by the routes of one route table. It is safe
// for concurrent use.
type Requests struct {
	metrics *Metrics
	routes  labels
	methods labels
	// known holds the series by their labels, so that a request pays for one
	// look-up and no list of labels.
	known sync.Map // of *Series by seriesKey
}

type seriesKey struct{ route, method, class string }

func (m *Metrics) addRequests() {
	names := []string{"route", "method", "status"}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "af_auth_http_requests_total",
		Help: "HTTP requests by route pattern, method and status class.",
	}, names)
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "af_auth_http_request_duration_seconds",
		Help: "Time from the first byte of a request to the end of its answer.",
		// From a gate decision in memory (under 1 ms) to the gate's deadline of
		// 2 s and what hangs beyond it.
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, names)
	m.registry.MustRegister(m.requests, m.duration)
}

// Requests returns a counter for a route table. The routes are its patterns,
// as they are later given to Observe.
func (m *Metrics) Requests(routes []string) *Requests {
	return &Requests{
		metrics: m,
		routes:  newLabels(routes...),
		methods: newLabels("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
	}
}

// Observe counts one answered request. A route outside the table, a method that
// HTTP does not know and a status outside 100–599 are counted as "other".
func (r *Requests) Observe(route, method string, status int, took time.Duration) {
	r.series(route, method, status).Observe(took)
}

// Series are the numbers of one kind of answer.
type Series struct {
	count    prometheus.Counter
	duration prometheus.Observer
}

// Observe counts one of them.
func (s *Series) Observe(took time.Duration) {
	s.count.Inc()
	s.duration.Observe(took.Seconds())
}

// Of returns the series that Observe would count in, for whoever asks often.
func (r *Requests) Of(route, method string, status int) *Series {
	return r.series(route, method, status)
}

func (r *Requests) series(route, method string, status int) *Series {
	key := seriesKey{r.routes.bound(route), r.methods.bound(method), statusClass(status)}
	known, ok := r.known.Load(key)
	if !ok {
		known, _ = r.known.LoadOrStore(key, &Series{
			count:    r.metrics.requests.WithLabelValues(key.route, key.method, key.class),
			duration: r.metrics.duration.WithLabelValues(key.route, key.method, key.class),
		})
	}
	s, _ := known.(*Series)
	return s
}

// Method returns the method as Observe counts it. Whoever asks chooses the word,
// and a log should not grow with it either.
func (r *Requests) Method(method string) string { return r.methods.bound(method) }

// statusClass returns "2xx" for 204.
func statusClass(status int) string {
	if status < 100 || status > 599 {
		return other
	}
	return [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}[status/100-1]
}
