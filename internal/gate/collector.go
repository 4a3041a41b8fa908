package gate

import "github.com/prometheus/client_golang/prometheus"

// collector tells Prometheus what memory does.
type collector struct {
	gate                               *Gate
	answers, sessions, leased, dropped *prometheus.Desc
}

// NewCollector reads the gate's state whenever it is asked.
func NewCollector(g *Gate) prometheus.Collector {
	return collector{
		gate: g,
		answers: prometheus.NewDesc("af_auth_gate_answers_total",
			"Questions to the gate by where the answer came from.", []string{"from"}, nil),
		sessions: prometheus.NewDesc("af_auth_gate_memory_sessions", "Sessions in memory.", nil, nil),
		leased: prometheus.NewDesc("af_auth_gate_memory_leased",
			"1 where memory may be trusted; 0 where changes are not heard, so that each question goes to the database.", nil, nil),
		dropped: prometheus.NewDesc("af_auth_gate_memory_drops_total", "Changes of access that were heard.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.answers, c.sessions, c.leased, c.dropped} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c.gate.Stats()
	leased := 0.0
	if s.Leased {
		leased = 1
	}
	out <- prometheus.MustNewConstMetric(c.answers, prometheus.CounterValue, float64(s.FromMemory), "memory")
	out <- prometheus.MustNewConstMetric(c.answers, prometheus.CounterValue, float64(s.FromDatabase), "database")
	out <- prometheus.MustNewConstMetric(c.sessions, prometheus.GaugeValue, float64(s.Sessions))
	out <- prometheus.MustNewConstMetric(c.leased, prometheus.GaugeValue, leased)
	out <- prometheus.MustNewConstMetric(c.dropped, prometheus.CounterValue, float64(s.Drops))
}
