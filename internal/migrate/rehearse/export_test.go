package rehearse

import "github.com/af-auth/af-auth/internal/migrate"

// DownChecksum is for tests that make a record by hand.
func DownChecksum(f migrate.File) string { return downChecksum(f) }
