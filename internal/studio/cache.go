package studio

import (
	"context"
	"sync"
	"time"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

const (
	// cacheTime is how long what the catalogue said is good for without asking
	// whether it has changed. A page that meets a column which has gone reads it anew.
	cacheTime = 2 * time.Second
	// estimatesTime is how long estimates of rows are good for, of which its stamp
	// says nothing.
	estimatesTime = time.Minute
)

// cache keeps the catalogue for as long as its stamp stays the same: reading it
// whole takes longer than a page does where there are many tables.
type cache struct {
	mu sync.Mutex
	// read is when it was read, looked when its stamp was last the same.
	read, looked time.Time
	stamp        string
	kept         *catalog.Database
}

// catalog returns what the database holds.
func (s *Server) catalog(ctx context.Context) (*catalog.Database, error) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if s.cache.kept != nil && time.Since(s.cache.looked) < cacheTime {
		return s.cache.kept, nil
	}
	err := s.db.Read(ctx, database.Limits{Statement: s.PageTime, Lock: lockTime}, func(tx *database.Tx) error {
		return s.cache.renew(ctx, tx, s.Masks)
	})
	if err != nil {
		return nil, err
	}
	return s.cache.kept, nil
}

// renew reads the catalogue, unless it is as it was. The stamp is of the same
// state of the database as what is read.
func (c *cache) renew(ctx context.Context, tx *database.Tx, masks []catalog.Mask) error {
	now := time.Now()
	stamp, err := catalog.Stamp(ctx, tx)
	if err != nil {
		return err
	}
	if c.kept != nil && stamp == c.stamp && now.Sub(c.read) < estimatesTime {
		c.looked = now
		return nil
	}
	found, err := catalog.Load(ctx, tx, masks)
	if err != nil {
		return err
	}
	c.kept, c.stamp, c.read, c.looked = found, stamp, now, now
	return nil
}

// Warm reads the catalogue, so that the first page need not wait for it. What
// goes wrong shows with that page.
func (s *Server) Warm(ctx context.Context) { _, _ = s.catalog(ctx) }

// Unmasked returns the first of these masks that names no column, and false where
// each names one. A mask that hides nothing is a slip of the pen.
func (s *Server) Unmasked(ctx context.Context, masks []catalog.Mask) (m catalog.Mask, found bool, err error) {
	db, err := s.catalog(ctx)
	if err != nil {
		return m, false, err
	}
	for _, m := range masks {
		if !db.Has(m) {
			return m, true, nil
		}
	}
	return m, false, nil
}

// forget makes the next page read the catalogue anew.
func (s *Server) forget() {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	s.cache.kept = nil
}
