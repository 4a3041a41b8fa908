package telemetry

import "github.com/prometheus/client_golang/prometheus"

// other is the label value of everything outside a fixed set.
const other = "other"

// labels is the fixed set of values that one label may take.
type labels map[string]struct{}

func newLabels(values ...string) labels {
	set := make(labels, len(values))
	for _, v := range values {
		set[v] = struct{}{}
	}
	return set
}

// bound returns value if it belongs to the set, "other" if not.
func (l labels) bound(value string) string {
	if _, ok := l[value]; ok {
		return value
	}
	return other
}

// counter counts by one label with a fixed set of values; what is outside of it
// counts as other.
type counter struct {
	values map[string]prometheus.Counter
}

// newCounter registers a counter that shows every value from the start, at 0:
// rates and alerts need a first sample before the first event.
func newCounter(r prometheus.Registerer, name, help, label string, values ...string) counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	c := counter{values: make(map[string]prometheus.Counter, len(values)+1)}
	for _, v := range append(values, other) {
		c.values[v] = vec.WithLabelValues(v)
	}
	r.MustRegister(vec)
	return c
}

func (c counter) add(value string, n int) { c.of(value).Add(float64(max(n, 0))) }

func (c counter) inc(value string) { c.of(value).Inc() }

func (c counter) of(value string) prometheus.Counter {
	if known, ok := c.values[value]; ok {
		return known
	}
	return c.values[other]
}

// newPlain registers a counter without labels.
func newPlain(r prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	r.MustRegister(c)
	return c
}
