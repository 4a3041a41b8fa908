package postgres

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
)

// accessChannel is where the triggers tell of each change of access, and where
// marks are sent behind them.
const accessChannel = "af_auth_access"

// Hearer is told of what a Listener hears, in the order in which the database
// committed it, by one goroutine at a time. It must not wait for anything.
type Hearer interface {
	// Renewed tells of a heartbeat that was heard back. All that was committed
	// before it was asked for has been told.
	Renewed(Beat)
	// Changed says that the access of these people may have changed; of
	// everybody where none is named.
	Changed(users []afauth.ID)
	// Lost says that nothing is heard any more until Renewed.
	Lost()
}

// Beat is a heartbeat that went through the database and came back.
type Beat struct {
	// Asked is when it was asked for, by this machine's clock with its monotonic
	// reading.
	Asked time.Time
	// Now is the database's time, at Asked or later.
	Now    time.Time
	Server Server
}

// Server tells one run of a PostgreSQL from every other, comparable by ==.
type Server struct {
	// Started is when the server was started, in microseconds.
	Started int64
	// Timeline grows when a standby is promoted.
	Timeline int64
}

// Listener hears of changes of access on a connection of its own, tells a Hearer
// of them, and wakes whoever watches the person concerned. A watcher that is
// woken asks the database. PostgreSQL replays nothing after a reconnect, so each
// new connection wakes everybody.
type Listener struct {
	ListenerOptions

	mu       sync.Mutex
	watchers map[afauth.ID]map[chan struct{}]bool
}

// ListenerOptions is what NewListener needs.
type ListenerOptions struct {
	// Dialer's URL must lead to PostgreSQL itself: behind PgBouncer in
	// transaction mode nothing would be heard.
	Dialer Dialer
	// Instance is this server's row in instances; without a fresh one no
	// heartbeat counts, because a revocation would not wait for this server.
	Instance afauth.ID
	// Hearer may be nil: then only watchers are woken.
	Hearer Hearer
}

// NewListener makes a Listener.
func NewListener(o ListenerOptions) *Listener {
	return &Listener{ListenerOptions: o, watchers: map[afauth.ID]map[chan struct{}]bool{}}
}

// Watch returns a channel that receives after each change of the person's
// access, and at times without one. Call stop when done.
func (l *Listener) Watch(user afauth.ID) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watchers[user] == nil {
		l.watchers[user] = map[chan struct{}]bool{}
	}
	l.watchers[user][c] = true
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers[user], c)
		if len(l.watchers[user]) == 0 {
			delete(l.watchers, user)
		}
	}
}

// Run listens until ctx ends. A lost connection is opened again at once, and by
// the retry sequence where that fails; after that sequence again, without end.
func (l *Listener) Run(ctx context.Context) {
	logger := l.Dialer.Logger
	for ctx.Err() == nil {
		h := &hearing{listener: l}
		dialer := l.Dialer
		dialer.notified = func(n *pgconn.Notification) { h.hear(n.Channel, n.Payload) }
		conn, err := dialer.Connect(ctx)
		if err == nil {
			err = h.run(ctx, conn)
		}
		if l.Hearer != nil {
			l.Hearer.Lost()
		}
		if ctx.Err() != nil {
			return
		}
		logger.WarnContext(ctx, "not hearing changes of access: each request asks the database, and waiting pages ask again by themselves", "error", err)
		if h.answered {
			continue
		}
		// A little luck keeps many servers from coming back in step.
		pause := l.Dialer.Retry.Base + rand.N(l.Dialer.Retry.Base+1) // #nosec G404 -- not a secret
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// message is what the channel carries: people, all, or a mark.
type message struct {
	All   bool
	Users []afauth.ID
	Mark  *afauth.ID
}

// changed tells of a change. What names nobody, or cannot be read, concerns
// everybody.
func (l *Listener) changed(users []afauth.ID) {
	if l.Hearer != nil {
		l.Hearer.Changed(users)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(users) == 0 {
		for _, watchers := range l.watchers {
			signal(watchers)
		}
		return
	}
	for _, id := range users {
		signal(l.watchers[id])
	}
}

func readMessage(payload string) (m message, known bool) {
	known = json.Unmarshal([]byte(payload), &m) == nil && !m.All && (len(m.Users) > 0) != (m.Mark != nil)
	return m, known
}

// signal never blocks: a watcher that has been woken and has not looked yet
// will see this change too.
func signal(watchers map[chan struct{}]bool) {
	for c := range watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
