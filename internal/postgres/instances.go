package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// heartbeatEvery is how often a server gives a sign of life. A server that has
// been silent for three of these is taken for gone.
const (
	heartbeatEvery = 5 * time.Second
	silence        = 3 * heartbeatEvery
)

// KeepInstance registers this server and keeps its heartbeat until ctx ends;
// then it takes the row away. A row that somebody removed is written anew.
func (db *DB) KeepInstance(ctx context.Context, id afauth.ID, release, address string) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	registered := false
	for {
		if err := db.beat(ctx, id, &registered, release, address); err != nil && ctx.Err() == nil {
			db.logger.WarnContext(ctx, "heartbeat not written", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if err := db.queries.RemoveInstance(leaving, id); err != nil {
				db.logger.DebugContext(ctx, "instance row not removed", "error", err)
			}
			return
		}
	}
}

func (db *DB) beat(ctx context.Context, id afauth.ID, registered *bool, release, address string) error {
	beating, cancel := context.WithTimeout(ctx, heartbeatEvery)
	defer cancel()
	before := time.Now()
	if *registered {
		row, err := db.queries.Heartbeat(beating, id)
		if err == nil {
			db.clock.set(before, row.Now)
			db.queue.Store(math.Float64bits(row.Queue))
			return nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
	}
	now, err := db.queries.RegisterInstance(beating, query.RegisterInstanceParams{ID: id, Release: release, Address: address})
	if err != nil {
		return err
	}
	db.clock.set(before, now)
	*registered = true
	return db.queries.SweepInstances(beating)
}

// NotificationQueue returns how full the queue of notifications is, from 0 to 1.
// It is one for the whole server. While one session listens and sits in a
// transaction, nothing leaves it, and once it is full no access can be changed.
func (db *DB) NotificationQueue(ctx context.Context) (float64, error) {
	queue, err := db.queries.NotificationQueue(ctx)
	if err != nil {
		return 0, fault(err, "looking at the queue of notifications")
	}
	db.queue.Store(math.Float64bits(queue))
	return queue, nil
}

// Instances lists the servers that have a row, oldest first.
func (db *DB) Instances(ctx context.Context) ([]afauth.Instance, error) {
	rows, err := db.queries.ListInstances(ctx)
	if err != nil {
		return nil, fault(err, "listing instances")
	}
	out := make([]afauth.Instance, 0, len(rows))
	for _, row := range rows {
		out = append(out, afauth.Instance(row))
	}
	return out, nil
}

// LiveInstances lists the servers that have given a sign of life lately, oldest
// first. A database without the table has none.
func LiveInstances(ctx context.Context, conn *pgx.Conn) ([]afauth.Instance, error) {
	rows, err := query.New(conn).ListLiveInstances(ctx, silence)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == stateUndefinedTable {
		return nil, nil
	}
	if err != nil {
		return nil, fault(err, "listing instances")
	}
	out := make([]afauth.Instance, 0, len(rows))
	for _, row := range rows {
		out = append(out, afauth.Instance(row))
	}
	return out, nil
}

// OlderInstances names the servers that live and may be of an older release than
// the given one, such as "10.0.0.7:8080 (release 1.3.0)".
func OlderInstances(ctx context.Context, conn *pgx.Conn, release string) ([]string, error) {
	live, err := LiveInstances(ctx, conn)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, i := range live {
		if afauth.OlderRelease(i.Release, release) {
			out = append(out, fmt.Sprintf("%s (release %s)", i.Address, i.Release))
		}
	}
	return out, nil
}
