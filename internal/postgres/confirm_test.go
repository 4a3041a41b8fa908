package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// ids are those of the servers, in order.
func ids(servers []afauth.Instance) []afauth.ID {
	out := make([]afauth.ID, 0, len(servers))
	for _, s := range servers {
		out = append(out, s.ID)
	}
	slices.SortFunc(out, afauth.ID.Compare)
	return out
}

func (w world) confirm() postgres.Confirmed {
	w.t.Helper()
	c, err := w.db.Confirm(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// Who is waited for: servers with a fresh row, and those of them that answer are
// not named as silent.
func TestConfirm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		live   int      // listeners that run
		silent []string // ages of rows without a listener
		gone   []string // likewise, of servers that nobody waits for
	}{
		{name: "nobody"},
		{name: "one server", live: 1},
		{name: "three servers", live: 3},
		{name: "gone long ago", gone: []string{"15.1 seconds", "1 hour"}},
		{name: "one that runs and one that is gone", live: 1, gone: []string{"16 seconds"}},
		{name: "silent", silent: []string{"0"}},
		{name: "some of each", live: 2, silent: []string{"0", "5 seconds"}, gone: []string{"20 seconds"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var all, silent []afauth.ID
			for _, age := range tt.gone {
				w.register(age)
			}
			for range tt.live {
				var d diary
				id := w.register("0")
				hearAt(t, w.url, id, &d)
				eventually(t, "a heartbeat", func() bool { return d.beats() > 0 })
				all = append(all, id)
			}
			for _, age := range tt.silent {
				silent = append(silent, w.register(age))
			}
			all = append(all, silent...)
			slices.SortFunc(all, afauth.ID.Compare)
			slices.SortFunc(silent, afauth.ID.Compare)
			begun := time.Now()
			c := w.confirm()
			took := time.Since(begun)
			if !slices.Equal(ids(c.Servers), all) || !slices.Equal(ids(c.Silent), silent) {
				t.Errorf("%d servers, %d of them silent; want %d and %d: %+v", len(c.Servers), len(c.Silent), len(all), len(silent), c)
			}
			// A silent server's lease is over by then, and not before.
			if len(silent) > 0 != (c.Took > afauth.Lease) || c.Took > took {
				t.Errorf("took %s by its own account, %s by ours", c.Took, took)
			}
			t.Logf("confirmed after %s", c.Took)
		})
	}
}

// A server confirms a mark when it has told of what was committed before it.
func TestConfirmedAfterWhatWasCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var d diary
	hearAt(t, w.url, w.register("0"), &d)
	eventually(t, "a heartbeat", func() bool { return d.beats() > 0 })
	for range 200 {
		id := afauth.NewID()
		w.run(fmt.Sprintf(`NOTIFY af_auth_access, '{"users":["%s"]}'`, id))
		if c := w.confirm(); len(c.Silent) > 0 {
			t.Fatalf("silent after %s", c.Took)
		}
		if d.where(id) < 0 {
			t.Fatal("confirmed before it was told")
		}
	}
}

// Many revocations at once are confirmed each: a mark that is heard while
// another one is answered is not forgotten.
func TestConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *postgres.Options) { o.PoolMax = 16 })
	var d diary
	hearAt(t, w.url, w.register("0"), &d)
	eventually(t, "a heartbeat", func() bool { return d.beats() > 0 })
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	for range 16 {
		all.Go(func() {
			for range 20 {
				c, err := w.db.Confirm(t.Context())
				if err != nil || len(c.Servers) != 1 || len(c.Silent) > 0 {
					t.Errorf("%+v, %v", c, err)
					return
				}
				mu.Lock()
				took = append(took, c.Took)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	if len(took) > 0 {
		t.Logf("%d confirmations, 16 at a time: median %s, at most %s", len(took), took[len(took)/2], took[len(took)-1])
	}
}

// A server that cannot write its answer is silent, and goes on hearing.
func TestConfirmationRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var d diary
	id := w.register("0")
	hearAt(t, w.url, id, &d)
	eventually(t, "a heartbeat", func() bool { return d.beats() > 0 })
	w.run(`ALTER TABLE confirmations ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	if c := w.confirm(); !slices.Equal(ids(c.Silent), []afauth.ID{id}) {
		t.Errorf("%+v", c)
	}
	w.run(`ALTER TABLE confirmations DROP CONSTRAINT full_disk`)
	if c := w.confirm(); len(c.Silent) > 0 {
		t.Errorf("%+v", c)
	}
	if slices.ContainsFunc(d.read(), func(l note) bool { return l.lost }) {
		t.Error("the connection was given up")
	}
}

// Whoever does not want to wait learns how far it came.
func TestConfirmGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("0")
	ctx, cancel := context.WithCancel(t.Context())
	marked := make(chan struct{})
	go func() {
		defer cancel()
		<-marked
	}()
	conn := newProbe(t, w.url)
	conn.run(`LISTEN af_auth_access`)
	go func() {
		_, _ = conn.WaitForNotification(t.Context())
		close(marked)
	}()
	c, err := w.db.Confirm(ctx)
	if err == nil || len(c.Silent) > 0 && !slices.Equal(ids(c.Silent), []afauth.ID{id}) {
		t.Errorf("%+v, %v", c, err)
	}
}
