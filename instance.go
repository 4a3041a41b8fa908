package afauth

import "time"

// Instance is one running `af-auth serve`.
type Instance struct {
	ID      ID
	Release string
	Address string
	// StartedAt and HeartbeatAt are by the database's clock.
	StartedAt   time.Time
	HeartbeatAt time.Time
}
