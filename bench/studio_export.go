package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"
)

// exported is one export of all rows.
type exported struct {
	seconds float64
	bytes   int64
	most    footprint // the most of each, of any moment
}

// runStudioExports measures exports of the whole table, each by a studio that has
// just been started, beside psql with \copy to nowhere.
func runStudioExports(ctx context.Context, s *site) error {
	o, err := s.orders(ctx)
	if err != nil {
		return err
	}
	formats := []string{"csv", "jsonl", "sql"}
	rates, last := map[string][]float64{}, map[string]exported{}
	for round := -1; round < rounds; round++ {
		for _, format := range formats {
			e, err := s.exportOnce(ctx, o, format)
			if err != nil {
				return fmt.Errorf("%s: %w", format, err)
			}
			if round < 0 {
				continue
			}
			rates[format] = append(rates[format], float64(o.rows)/e.seconds)
			e.most.resident = max(e.most.resident, last[format].most.resident)
			e.most.own = max(e.most.own, last[format].most.own)
			last[format] = e
		}
		seconds, err := s.copyOnce(ctx, o)
		if err != nil {
			return err
		}
		if round >= 0 {
			rates["psql"] = append(rates["psql"], float64(o.rows)/seconds)
		}
	}
	title("Exports of %s rows by studio, and `psql \\copy` as CSV: %s", thousands(o.rows), perSecond(median(rates["psql"])))
	head("what", "rows/s", "of psql's, min", "median", "max", "bytes", "resident at most", "of it not of files", "goal for resident")
	for _, format := range formats {
		e := last[format]
		cells := append([]string{format, perSecond(median(rates[format]))}, spread(ratios(rates[format], rates["psql"]))...)
		line(append(cells, fmt.Sprintf("%.0f MB", float64(e.bytes)/1e6), megabytes(e.most.resident), megabytes(e.most.own), "≤ 60 MB")...)
	}
	return nil
}

func (s *site) exportOnce(ctx context.Context, o orders, format string) (e exported, err error) {
	p, err := s.openStudio(ctx, o.url)
	if err != nil {
		return e, err
	}
	defer p.end()
	if err := p.enter(ctx); err != nil {
		return e, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan footprint, 1)
	go func() { watched <- p.watch(watching) }()
	begun := time.Now()
	err = p.fetch(ctx, p.at("/t/public/orders/export/"+format), func(r *http.Response) (err error) {
		if r.StatusCode != http.StatusOK {
			return errors.New(r.Status)
		}
		e.bytes, err = io.Copy(io.Discard, r.Body)
		return err
	})
	e.seconds = time.Since(begun).Seconds()
	stop()
	e.most = <-watched
	now, asking := footprintOf(p.cmd.Process.Pid)
	e.most.resident = max(e.most.resident, now.most) // the kernel misses no moment
	return e, errors.Join(err, asking)
}

// watch returns the most memory that studio has until ctx ends.
func (p *studio) watch(ctx context.Context) (most footprint) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		if now, err := footprintOf(p.cmd.Process.Pid); err == nil {
			most.resident, most.own = max(most.resident, now.resident), max(most.own, now.own)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return most
		}
	}
}

// copyOnce returns the seconds that psql takes.
func (s *site) copyOnce(ctx context.Context, o orders) (float64, error) {
	cmd := exec.CommandContext(ctx, s.programs.Path("psql"), "-qX", "-c", `\copy orders TO '/dev/null' (FORMAT csv, HEADER)`, o.url) // #nosec G204 -- what it is measured beside
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("psql: %w\n%s", err, out)
	}
	return time.Since(begun).Seconds(), nil
}
