package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// WithConn lends one connection of the pool to fn.
func (db *DB) WithConn(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := patient{pool: db.pool, wait: db.wait}.acquire(ctx)
	if err != nil {
		return fault(err, "asking the database")
	}
	defer giveBack(conn)
	return fn(conn.Conn())
}

// collector tells Prometheus how busy the pool is, and the queue of notifications.
type collector struct {
	db    *DB
	parts []part
}

type part struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*DB) float64
}

// NewCollector reads this state whenever it is asked.
func NewCollector(db *DB) prometheus.Collector {
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("af_auth_database_"+name, help, nil, nil)
	}
	return collector{db: db, parts: []part{
		{describe("pool_connections", "Open connections."), gauge,
			func(d *DB) float64 { return float64(d.pool.Stat().TotalConns()) }},
		{describe("pool_connections_busy", "Connections in use."), gauge,
			func(d *DB) float64 { return float64(d.pool.Stat().AcquiredConns()) }},
		{describe("pool_connections_max", "Connections at most (DB_POOL_MAX)."), gauge,
			func(d *DB) float64 { return float64(d.pool.Stat().MaxConns()) }},
		{describe("pool_waits_total", "Requests that found no free connection and waited."), counter,
			func(d *DB) float64 { return float64(d.pool.Stat().EmptyAcquireCount()) }},
		{describe("pool_wait_seconds_total", "Time spent waiting for a connection."), counter,
			func(d *DB) float64 { return d.pool.Stat().EmptyAcquireWaitTime().Seconds() }},
		{describe("pool_given_up_total", "Requests that gave up waiting."), counter,
			func(d *DB) float64 { return float64(d.pool.Stat().CanceledAcquireCount()) }},
		{describe("notification_queue_usage", "How full PostgreSQL's queue of notifications was at the last heartbeat, from 0 to 1."), gauge,
			func(d *DB) float64 { return math.Float64frombits(d.queue.Load()) }},
	}}
}

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, p := range c.parts {
		out <- p.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, p := range c.parts {
		out <- prometheus.MustNewConstMetric(p.desc, p.kind, p.read(c.db))
	}
}
