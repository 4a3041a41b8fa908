// Package webhook tells one address that somebody waits, or that somebody's
// access has changed.
//
// What is to be told comes from the table deliveries, which the database's
// triggers fill in the transaction of the change. One server sends at a time.
// A delivery stays until the receiver has answered 2xx, so it arrives at least
// once: a server that dies in between sends it again, under the same id. The
// package decides nothing and writes nothing but the fate of a delivery.
//
// The request is a POST of JSON, with a signature of the time and the body in
// its header; docs/webhook.md shows both. It goes to no private address, unless
// the operator named it, and follows no redirect.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/af-auth/af-auth/internal/postgres"
)

const (
	// freshEvery is how often the database hears that a webhook is wanted.
	freshEvery = time.Hour
	// answerWithin is how long a receiver may take.
	answerWithin = 10 * time.Second
	// lease is how long a delivery that was begun is nobody else's.
	lease = 6 * answerWithin
	// firstWait is before the second try, at most; it doubles up to longestWait.
	firstWait   = 5 * time.Second
	longestWait = time.Hour
	// giveUpAfter is the age at which a delivery is of no use any more.
	giveUpAfter = 7 * 24 * time.Hour
	// mostAnswer is what is read of a receiver's answer, to use the connection
	// again.
	mostAnswer = 64 << 10
)

// Options is what New needs.
type Options struct {
	DB *postgres.DB
	// Direct leads to PostgreSQL itself: see postgres.Lead.
	Direct postgres.Dialer
	// URL is the receiver's address. It may hold a secret, so it is never logged.
	URL *url.URL
	// Secret is the key of the signature.
	Secret string
	// Allow are the networks, besides the public ones, that URL may lead to.
	Allow []netip.Prefix
	// Release is the binary's version, for User-Agent.
	Release string
	// Poll is how often the table is looked at; zero: every second.
	Poll   time.Duration
	Logger *slog.Logger
	// Counted hears of each try: delivered, failed, given_up.
	Counted func(outcome string, n int)
}

// Sender sends deliveries.
type Sender struct {
	Options
	client *http.Client
}

// New makes a Sender.
func New(o Options) *Sender {
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	return &Sender{Options: o, client: &http.Client{
		Timeout:       answerWithin,
		Transport:     transport(o.Allow),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Run keeps the webhook wanted and sends, where this server leads, until ctx
// ends.
func (s *Sender) Run(ctx context.Context) {
	wanted := make(chan struct{})
	go func() { defer close(wanted); s.want(ctx) }()
	postgres.Lead(ctx, s.Direct, "webhook", s.send)
	<-wanted
}

// want tells the database again and again that deliveries are wanted.
func (s *Sender) want(ctx context.Context) {
	for {
		next := freshEvery
		if err := s.DB.WantDeliveries(ctx); err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "the database was not told that a webhook is wanted", "error", err)
			next = time.Minute
		}
		if !pause(ctx, next) {
			return
		}
	}
}

// send empties the table, one delivery at a time and the oldest first. A
// receiver that fails is left in peace for longer and longer, whatever is due.
func (s *Sender) send(ctx context.Context) {
	var swept time.Time
	failures := 0
	for ctx.Err() == nil {
		if time.Since(swept) > time.Minute {
			swept = time.Now()
			s.giveUp(ctx)
		}
		d, due, err := s.DB.ClaimDelivery(ctx, lease)
		wait := time.Duration(0)
		switch {
		case err != nil:
			s.Logger.DebugContext(ctx, "no delivery could be claimed", "error", err)
			wait = max(s.Poll, firstWait)
		case !due:
			wait = s.Poll
		default:
			failures, wait = s.one(ctx, d, failures)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// one sends one delivery. It returns how many have failed in a row, and how
// long to wait before the next.
func (s *Sender) one(ctx context.Context, d postgres.Delivery, failures int) (int, time.Duration) {
	err := s.post(ctx, d)
	if ctx.Err() != nil {
		return failures, 0 // the lease runs out, and it is sent again
	}
	if err == nil {
		s.Counted("delivered", 1)
		if err := s.DB.FinishDelivery(ctx, d.ID); err != nil {
			s.Logger.WarnContext(ctx, "a delivery that was taken will be sent again", "delivery", d.ID, "error", err)
		}
		if failures > 0 {
			s.Logger.InfoContext(ctx, "the webhook is answered again", "failed", failures)
		}
		return 0, 0
	}
	s.Counted("failed", 1)
	level := slog.LevelDebug
	if failures == 0 { // the first in a row is news
		level = slog.LevelWarn
	}
	wait := backoff(d.Attempts)
	s.Logger.Log(ctx, level, "a delivery was not taken", "delivery", d.ID, "kind", d.Kind, "attempts", d.Attempts, "next_try_in", wait, "error", err)
	if err := s.DB.DelayDelivery(ctx, d.ID, wait, err.Error()); err != nil {
		s.Logger.DebugContext(ctx, "a delivery was not put off", "delivery", d.ID, "error", err)
	}
	failures++
	return failures, min(s.Poll<<min(failures-1, 6), time.Minute)
}

// giveUp drops what nobody took for a week.
func (s *Sender) giveUp(ctx context.Context) {
	n, err := s.DB.DropDeliveries(ctx, giveUpAfter)
	if err != nil {
		s.Logger.DebugContext(ctx, "old deliveries were not dropped", "error", err)
	}
	if n > 0 {
		s.Counted("given_up", n)
		s.Logger.ErrorContext(ctx, "deliveries were given up: nobody took them", "count", n, "older_than", giveUpAfter)
	}
}

// post sends one try. Its error holds neither the address, nor a part of it, nor a
// secret.
func (s *Sender) post(ctx context.Context, d postgres.Delivery) error {
	body, err := json.Marshal(messageOf(d))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	stamp := fmt.Sprint(d.Now.Unix())
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "af-auth/"+s.Release)
	r.Header.Set("X-AF-Auth-Delivery", d.ID.String())
	r.Header.Set("X-AF-Auth-Timestamp", stamp)
	r.Header.Set("X-AF-Auth-Signature-256", Sign(s.Secret, stamp, body))
	res, err := s.client.Do(r)
	if err != nil {
		return plain(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, mostAnswer)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the receiver answered %d", res.StatusCode)
	}
	return nil
}

// backoff is the wait after the given try: half of it is luck, so that what
// failed together does not come back together.
func backoff(attempts int) time.Duration {
	d := min(firstWait<<min(max(attempts-1, 0), 20), longestWait)
	return d/2 + rand.N(d/2+1) // #nosec G404 -- not a secret
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
