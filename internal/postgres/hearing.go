package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

const (
	// beatEvery is how often a lease is renewed: three may go missing.
	beatEvery = afauth.Lease / 4
	// registeredWithin is how old a row in instances may be for a heartbeat to
	// count. For as long as the lease that it gives, a revocation that looks for
	// live servers still finds this one.
	registeredWithin = silence - 2*afauth.Lease

	// Every role of the database may send on the channel. So what is done for what
	// comes in has bounds, and beyond them it is taken for the worst: everybody is
	// concerned, and no mark is confirmed.

	// mostHeard is how many messages are read between two heartbeats.
	mostHeard = 8192
	// mostMarks is how many marks may wait to be confirmed, and mostConfirmed how
	// many are between two heartbeats.
	mostMarks, mostConfirmed = 64, 512
	// tellEvery is how often everybody is told of, at most, where no heartbeat and
	// no mark waits for it.
	tellEvery = 50 * time.Millisecond
)

// hearing is one connection that listens.
//
//	we -> SELECT pg_notify(our own channel, n), the time, which server …
//	   <- the answer
//	   <- what was committed before, in its order
//	   <- n on our own channel: the beat is heard
type hearing struct {
	listener *Listener
	conn     *pgx.Conn
	own      string // channel of our beats

	sent     int64 // number of the last beat
	beat     Beat  // its answer
	valid    bool  // the answer is there, and counts
	echoed   int64 // number of the last beat that was heard
	renewed  int64 // number of the last beat that was told
	answered bool  // the connection was of use
	pooled   bool  // a pooler stands between, and the log knows
	marks    []afauth.ID

	heard, marked int       // since the last beat was asked for
	flooded       bool      // there was more than is read, and the log knows
	everybody     bool      // everybody is concerned, and has not been told
	tellAt        time.Time // not told before
}

func (h *hearing) run(ctx context.Context, conn *pgx.Conn) error {
	h.conn = conn
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	h.own = "af_auth_beat_" + afauth.NewID().String()
	// Nothing that this connection writes has to outlive the server.
	for _, sql := range []string{"SET synchronous_commit = off", "LISTEN " + accessChannel, "LISTEN " + pgx.Identifier{h.own}.Sanitize()} {
		if err := h.exec(ctx, sql); err != nil {
			return err
		}
	}
	h.listener.changed(nil)
	for next := time.Now(); ; {
		if now := time.Now(); !now.Before(next) {
			next = now.Add(beatEvery)
			if err := h.ask(ctx); err != nil {
				return fmt.Errorf("asking for a heartbeat: %w", err)
			}
		} else if len(h.marks) == 0 {
			if err := h.wait(ctx, next); err != nil {
				return err
			}
		}
		h.tell()
		h.settle()
		if err := h.confirm(ctx); err != nil {
			return fmt.Errorf("confirming a change: %w", err)
		}
	}
}

func (h *hearing) exec(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, afauth.Lease)
	defer cancel()
	_, err := h.conn.Exec(ctx, sql)
	return err
}

// ask sends a beat. A connection that does not answer within a lease is of no
// use any more.
func (h *hearing) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, afauth.Lease)
	defer cancel()
	h.sent, h.valid = h.sent+1, false
	h.calm(ctx)
	asked := time.Now()
	row, err := query.New(h.conn).Beat(ctx, query.BeatParams{
		Channel: h.own, Beat: strconv.FormatInt(h.sent, 10), ID: h.listener.Instance, Silence: registeredWithin,
	})
	if err != nil {
		return err
	}
	h.answered = true
	h.valid = row.Registered && h.direct(ctx, row.Backend)
	h.beat = Beat{Asked: asked, Now: row.Now, Server: Server{Started: row.Started.UnixMicro(), Timeline: row.Timeline}}
	return nil
}

// calm begins to count anew what is heard. The first flood in a row is news.
func (h *hearing) calm(ctx context.Context) {
	flooded := h.heard > mostHeard || h.marked > mostConfirmed
	if flooded && !h.flooded {
		h.listener.Dialer.Logger.WarnContext(ctx, "more notifications than are read: memory is dropped again and again, and revocations are not confirmed",
			"channel", accessChannel, "hint", "somebody sends them with pg_notify: look for it in pg_stat_activity")
	}
	h.flooded, h.heard, h.marked = flooded, 0, 0
}

// direct reports whether the server at the other end is the one that we were told
// of when we connected. A pooler gives out an id of its own, and through it the
// heartbeat would come back while changes that others make are lost.
func (h *hearing) direct(ctx context.Context, backend int64) bool {
	if backend == int64(h.conn.PgConn().PID()) {
		return true
	}
	if !h.pooled {
		h.pooled = true
		h.listener.Dialer.Logger.WarnContext(ctx, "the connection that listens leads through a pooler, which loses notifications: each request asks the database, and waiting pages ask again by themselves",
			"hint", "set DIRECT_URL to PostgreSQL's own address")
	}
	return false
}

// wait hears until something came, or it is time for the next beat, or to tell.
func (h *hearing) wait(ctx context.Context, until time.Time) error {
	if h.everybody && h.tellAt.Before(until) {
		until = h.tellAt
	}
	waiting, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	err := h.conn.PgConn().WaitForNotification(waiting)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil && (errors.Is(err, os.ErrDeadlineExceeded) || pgconn.Timeout(err)) {
		return nil
	}
	return err
}

// hear is called by pgx while it reads, in the order of the wire.
func (h *hearing) hear(channel, payload string) {
	if channel == h.own {
		h.echoed, _ = strconv.ParseInt(payload, 10, 64)
		return
	}
	if h.heard++; h.heard > mostHeard {
		h.everybody = true
		return
	}
	m, known := readMessage(payload)
	switch {
	case !known:
		h.everybody = true
	case m.Mark == nil:
		h.listener.changed(m.Users)
	default:
		if h.marked++; h.marked <= mostConfirmed && len(h.marks) < mostMarks {
			h.marks = append(h.marks, *m.Mark)
		}
	}
}

// tell passes on that everybody is concerned: before whatever says that all has
// been told, and otherwise not too often.
func (h *hearing) tell() {
	now := time.Now()
	if !h.everybody || (now.Before(h.tellAt) && !h.due() && len(h.marks) == 0) {
		return
	}
	h.everybody, h.tellAt = false, now.Add(tellEvery)
	h.listener.changed(nil)
}

// due reports that a beat was both answered and heard, and not told yet.
func (h *hearing) due() bool { return h.valid && h.echoed == h.sent && h.renewed != h.sent }

// settle tells of a beat that is due.
func (h *hearing) settle() {
	if !h.due() {
		return
	}
	h.renewed = h.sent
	if h.listener.Hearer != nil {
		h.listener.Hearer.Renewed(h.beat)
	}
}

// confirm answers the marks whose turn has come: what came before them has been
// told. Those that are heard meanwhile are left for the next turn, so that
// heartbeats are not held up. A mark that cannot be answered, or that is one too
// many, only makes a revocation wait for the lease.
func (h *hearing) confirm(ctx context.Context) error {
	if len(h.marks) == 0 {
		return nil
	}
	marks := h.marks
	h.marks = nil
	ctx, cancel := context.WithTimeout(ctx, afauth.Lease)
	defer cancel()
	err := query.New(h.conn).Confirm(ctx, query.ConfirmParams{Marks: marks, InstanceID: h.listener.Instance})
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		h.listener.Dialer.Logger.WarnContext(ctx, "a change of access was heard and could not be confirmed", "error", err)
		return nil
	}
	return err
}
