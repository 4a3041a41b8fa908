package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Load is work that others do while a migration runs.
type Load struct {
	Name    string // such as "sign-ins"
	Clients int    // at once; 0 means DefaultClients
	// Rate is how many operations are begun a second, by all clients together;
	// 0: each client begins one when its last has ended.
	Rate int
	// Open prepares for a database. operate does one operation and is called by
	// many at once; close gives everything back. An error that is [ErrUnfit] leaves
	// the load out, which the report notes; any other ends the rehearsal.
	Open func(ctx context.Context, url string) (operate func(context.Context) error, close func(), err error)
}

// ErrUnfit says that a load is not for the schema before the files, such as
// that of a release which wants them applied.
var ErrUnfit = errors.New("the load is not for the schema before the files")

// DefaultClients is how many clients a load has.
const DefaultClients = 8

// sample is one operation.
type sample struct {
	began time.Time
	took  time.Duration
	err   error
}

// crowd is a load at work.
type crowd struct {
	close func()
	leave chan struct{}
	all   sync.WaitGroup

	mu      sync.Mutex
	samples []sample
}

// begin starts the clients. They work until end.
func (l Load) begin(ctx context.Context, url string) (*crowd, error) {
	operate, closing, err := l.Open(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("prepare the load: %w", err)
	}
	c := &crowd{close: closing, leave: make(chan struct{})}
	var every time.Duration
	if l.Rate > 0 {
		every = time.Duration(l.clients()) * time.Second / time.Duration(l.Rate)
	}
	for n := range l.clients() {
		first := every * time.Duration(n) / time.Duration(l.clients())
		c.all.Go(func() { c.work(ctx, operate, first, every) })
	}
	return c, nil
}

func (l Load) clients() int {
	if l.Clients == 0 {
		return DefaultClients
	}
	return l.Clients
}

// work does one operation after the other, at the times that the rate sets. A
// client that was held up goes on at once, and does not make up for what it
// missed: a queue that only the measuring made would be measured.
func (c *crowd) work(ctx context.Context, operate func(context.Context) error, first, every time.Duration) {
	next := time.Now().Add(first)
	for {
		select {
		case <-c.leave:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		began := time.Now()
		err := operate(ctx)
		s := sample{began: began, took: time.Since(began), err: err}
		if ctx.Err() != nil {
			return
		}
		c.mu.Lock()
		c.samples = append(c.samples, s)
		c.mu.Unlock()
		if next = next.Add(every); next.Before(time.Now()) {
			next = time.Now()
		}
	}
}

// end lets each client finish what it has begun.
func (c *crowd) end() {
	close(c.leave)
	c.all.Wait()
	c.close()
}

// stats sums up the operations that were under way at some time between two
// moments. Operations that have not ended are not among them.
func (c *crowd) stats(from, to time.Time, slow time.Duration) Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	var s Stats
	var took []time.Duration
	for _, o := range c.samples {
		if o.began.After(to) || o.began.Add(o.took).Before(from) {
			continue
		}
		s.Operations++
		took = append(took, o.took)
		if o.took > slow {
			s.Slowed++
		}
		if o.err != nil {
			if s.Failed++; s.Failed == 1 {
				s.FirstError = o.err.Error()
			}
		}
	}
	if len(took) == 0 {
		return s
	}
	slices.Sort(took)
	at := func(percent int) Millis { return Millis(took[(len(took)*percent+99)/100-1]) }
	s.P50, s.P99, s.Max = at(50), at(99), Millis(took[len(took)-1])
	return s
}
