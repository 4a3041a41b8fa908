package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Confirmed says which servers have heard of a change.
type Confirmed struct {
	// Servers are those that were asked, and Silent those of them that had not
	// answered when the lease was over. They may decide nothing from memory any
	// more that is from before the change.
	Servers, Silent []afauth.Instance
	// Took is the time from asking to the last answer, or to the end of waiting.
	Took time.Duration
}

const (
	// lookFirst and lookMost are between two looks for answers.
	lookFirst = time.Millisecond
	lookMost  = 20 * time.Millisecond
	// lookLonger is how much longer than a lease an answer is waited for.
	lookLonger = lookMost
)

// Confirm waits until all live servers have heard what was committed before, or
// one lease is over. It sends a mark over the channel of changes: whoever hears
// the mark has heard and dropped what came before it, and writes so.
func (db *DB) Confirm(ctx context.Context) (Confirmed, error) {
	live, err := db.queries.ListLiveInstances(ctx, silence)
	if err != nil {
		return Confirmed{}, fault(err, "listing the servers")
	}
	c := Confirmed{}
	for _, row := range live {
		c.Servers = append(c.Servers, afauth.Instance(row))
	}
	mark, begun := afauth.NewID(), time.Now()
	if _, err := db.queries.SendMark(ctx, query.SendMarkParams{Channel: accessChannel, Payload: `{"mark":"` + mark.String() + `"}`}); err != nil {
		return Confirmed{}, fault(err, "asking the servers to confirm")
	}
	// From here on: a connection that was slow to open must not make servers
	// silent that had no time to answer.
	until := time.Now().Add(afauth.Lease + lookLonger)
	c.Silent = slices.Clone(c.Servers)
	for pause := lookFirst; ; pause = min(2*pause, lookMost) {
		heard, err := db.queries.ListConfirmations(ctx, mark)
		if err != nil {
			return Confirmed{}, fault(err, "looking for confirmations")
		}
		c.Silent = slices.DeleteFunc(c.Silent, func(i afauth.Instance) bool { return slices.Contains(heard, i.ID) })
		c.Took = time.Since(begun)
		if len(c.Silent) == 0 || time.Now().After(until) {
			return c, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return c, context.Cause(ctx)
		}
	}
}
