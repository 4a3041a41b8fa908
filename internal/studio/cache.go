package studio

import (
	"context"
	"sync"
	"time"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

// cacheTime is how long what the catalogue said is good for. A page that meets
// a column which has gone reads it anew.
const cacheTime = 2 * time.Second

// cache keeps the catalogue for a moment: a grid is opened by several requests.
type cache struct {
	mu   sync.Mutex
	read time.Time
	kept *catalog.Database
}

// catalog returns what the database holds.
func (s *Server) catalog(ctx context.Context) (*catalog.Database, error) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if s.cache.kept != nil && time.Since(s.cache.read) < cacheTime {
		return s.cache.kept, nil
	}
	var found *catalog.Database
	err := s.db.Read(ctx, database.Limits{Statement: s.PageTime, Lock: lockTime}, func(tx *database.Tx) (err error) {
		found, err = catalog.Load(ctx, tx, s.Masks)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.cache.kept, s.cache.read = found, time.Now()
	return found, nil
}

// forget makes the next page read the catalogue anew.
func (s *Server) forget() {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	s.cache.kept = nil
}
