package rehearse

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// lookEvery is how often pg_locks is read. A look takes well under a
// millisecond, and holds up whoever takes a lock for a fraction of that.
const lookEvery = 5 * time.Millisecond

// mode is the strength of a table lock, from the chapter "Explicit Locking".
type mode int

const accessShare mode = 1

func modeOf(name string) mode {
	return mode(slices.Index([]string{"", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock",
		"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}, name))
}

// String is the mode as SQL has it.
func (m mode) String() string {
	if m < accessShare {
		return "ROW" // of a row, or of whoever is changing one
	}
	return []string{"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
		"SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}[m-1]
}

func (m mode) blocks() string {
	switch {
	case m == 8:
		return "reads and writes"
	case m >= 5:
		return "writes"
	}
	return ""
}

// span is a time that may have gaps.
type span struct {
	total time.Duration
	last  time.Time
	look  int
}

// seen adds the time since the last look, if it was seen then too.
func (s *span) seen(at time.Time, look int) {
	if s.look == look-1 && s.look > 0 {
		s.total += at.Sub(s.last)
	}
	s.last, s.look = at, look
}

// held is what is known about one relation.
type held struct {
	modes   map[mode]*span
	behind  span
	waited  time.Duration
	waiters int
}

// watcher watches the locks of one session during one file.
type watcher struct {
	conn  *pgx.Conn
	pid   uint32
	stop  chan struct{}
	ended chan error

	mu    sync.Mutex
	found map[uint32]*held // by the relation's oid; 0: not known
	looks int
}

// watch begins to look. The connection is the watcher's until end.
func watch(ctx context.Context, conn *pgx.Conn, pid uint32) *watcher {
	w := &watcher{conn: conn, pid: pid, stop: make(chan struct{}), ended: make(chan error, 1), found: map[uint32]*held{}}
	go func() { w.ended <- w.work(ctx) }()
	return w
}

func (w *watcher) work(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil {
			return err
		}
		select {
		case <-w.stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look reads what the migrator holds or waits for, and who waits for it. Whoever
// waits for a row waits for its writer's transaction, and then has a lock on the
// row that tells the table.
func (w *watcher) look(ctx context.Context) error {
	rows, err := w.conn.Query(ctx, `WITH l AS MATERIALIZED (SELECT locktype, relation, mode, granted, pid, waitstart FROM pg_catalog.pg_locks
    WHERE database IS NULL OR database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
SELECT relation, mode, granted, false, 0::float8 FROM l WHERE pid = $1::int4 AND locktype = 'relation'
UNION ALL
SELECT coalesce(w.relation, (SELECT t.relation FROM l t WHERE t.pid = w.pid AND t.locktype = 'tuple' AND t.granted LIMIT 1), 0),
    w.mode, false, true, coalesce(extract(epoch FROM clock_timestamp() - w.waitstart), 0)::float8
FROM l w JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid AND a.backend_type = 'client backend'
WHERE NOT w.granted AND w.pid <> $1::int4 AND $1::int4 = ANY (pg_catalog.pg_blocking_pids(w.pid))`, w.pid)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.looks++
	waiting := map[uint32]int{}
	var oid uint32
	var name string
	var granted, other bool
	var waited float64
	_, err = pgx.ForEachRow(rows, []any{&oid, &name, &granted, &other, &waited}, func() error {
		h := w.at(oid)
		switch {
		case other:
			h.waited = max(h.waited, time.Duration(waited*float64(time.Second)))
			waiting[oid]++
			h.waiters = max(h.waiters, waiting[oid])
		case granted:
			h.mode(modeOf(name)).seen(now, w.looks)
		default:
			h.behind.seen(now, w.looks)
		}
		return nil
	})
	return err
}

func (w *watcher) at(oid uint32) *held {
	h := w.found[oid]
	if h == nil {
		h = &held{modes: map[mode]*span{}}
		w.found[oid] = h
	}
	return h
}

func (h *held) mode(m mode) *span {
	s := h.modes[m]
	if s == nil {
		s = &span{}
		h.modes[m] = s
	}
	return s
}

// own notes what a session holds itself, from inside its transaction.
func (w *watcher) own(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT relation, mode FROM pg_catalog.pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation IS NOT NULL`, pgx.QueryExecModeExec)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var oid uint32
	var name string
	_, err = pgx.ForEachRow(rows, []any{&oid, &name}, func() error {
		w.at(oid).mode(modeOf(name))
		return nil
	})
	return err
}

// end stops looking, and returns the locks on what there was before.
func (w *watcher) end(before snapshot) ([]Lock, error) {
	close(w.stop)
	if err := <-w.ended; err != nil {
		return nil, err
	}
	out := []Lock{}
	for oid, h := range w.found {
		r, known := before.relations[oid]
		if oid == 0 {
			r.name, known = "rows", true
		}
		l, strongest := h.lock()
		if !known || strongest == accessShare && l.Waiters == 0 && l.Behind == 0 {
			continue // made by the file itself, PostgreSQL's own, or held by every SELECT
		}
		l.Relation, l.Kind = r.name, r.kind
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Lock) int {
		return cmp.Or(cmp.Compare(strength(b), strength(a)), cmp.Compare(b.Held, a.Held), strings.Compare(a.Relation, b.Relation))
	})
	return out, nil
}

func (h *held) lock() (Lock, mode) {
	var strongest mode
	for m := range h.modes {
		strongest = max(strongest, m)
	}
	l := Lock{Mode: strongest.String(), Blocks: strongest.blocks(), Waited: Millis(h.waited), Waiters: h.waiters, Behind: Millis(h.behind.total)}
	if s := h.modes[strongest]; s != nil {
		l.Held = Millis(s.total)
	}
	return l, strongest
}

// strength orders modes as SQL has them.
func strength(l Lock) mode {
	for m := mode(8); m >= accessShare; m-- {
		if m.String() == l.Mode {
			return m
		}
	}
	return 0
}
