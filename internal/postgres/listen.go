package postgres

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
)

// accessChannel is where the triggers tell of each change of access.
const accessChannel = "af_auth_access"

// Listener hears of changes of access on a connection of its own, and wakes
// whoever watches the person concerned. It carries no truth: a watcher that is
// woken asks the database. PostgreSQL replays nothing after a reconnect, so
// each new connection wakes everybody.
type Listener struct {
	dialer Dialer

	mu       sync.Mutex
	watchers map[afauth.ID]map[chan struct{}]bool
}

// NewListener makes a Listener. The dialer's URL must lead to PostgreSQL
// itself: behind PgBouncer in transaction mode nothing would be heard.
func NewListener(d Dialer) *Listener {
	return &Listener{dialer: d, watchers: map[afauth.ID]map[chan struct{}]bool{}}
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

// Run listens until ctx ends. A lost connection is opened again by the retry
// sequence, and after that sequence again, without end.
func (l *Listener) Run(ctx context.Context) {
	for ctx.Err() == nil {
		conn, err := l.dialer.Connect(ctx)
		if err == nil {
			err = l.listen(ctx, conn)
		}
		if ctx.Err() != nil {
			return
		}
		l.dialer.Logger.WarnContext(ctx, "not hearing changes of access; waiting pages ask again by themselves", "error", err)
		// A little luck keeps many servers from coming back in step.
		pause := l.dialer.Retry.Base + rand.N(l.dialer.Retry.Base+1) // #nosec G404 -- not a secret
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (l *Listener) listen(ctx context.Context, conn *pgx.Conn) error {
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+accessChannel); err != nil {
		return err
	}
	l.wake(nil)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		l.wake([]byte(n.Payload))
	}
}

// wake wakes those whom the payload names; everybody where it names nobody or
// cannot be read.
func (l *Listener) wake(payload []byte) {
	var message struct {
		All   bool
		Users []afauth.ID
	}
	known := json.Unmarshal(payload, &message) == nil && !message.All && len(message.Users) > 0
	l.mu.Lock()
	defer l.mu.Unlock()
	if !known {
		for _, watchers := range l.watchers {
			signal(watchers)
		}
		return
	}
	for _, id := range message.Users {
		signal(l.watchers[id])
	}
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
