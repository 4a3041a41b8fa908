package database

import "context"

// Home gives the transaction the search_path that the role has by itself.
// Triggers and defaults of people's own tables find their functions by it. From
// here on a statement has to name the schema of all that it uses.
func (t *Tx) Home(ctx context.Context) error {
	_, err := t.Query(ctx, `SELECT pg_catalog.set_config('search_path', s.reset_val, true) FROM pg_catalog.pg_settings s
WHERE s.name OPERATOR(pg_catalog.=) 'search_path'`)
	return err
}
