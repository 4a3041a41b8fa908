package migrate

import (
	"context"
	"fmt"
)

// DriftError says that a schema is not what the migrations made.
type DriftError struct {
	// After names the file after which the schema had the fingerprint Want;
	// "" where Want comes from Options.WantFingerprint.
	After string
	Want  string
	Have  string // the fingerprint now
}

// Error says what differs from what.
func (e *DriftError) Error() string {
	if e.After == "" {
		return fmt.Sprintf("the schema is not the one that these migrations lead to: its fingerprint is %s, want %s", e.Have, e.Want)
	}
	return fmt.Sprintf("the schema was changed outside of migrations: its fingerprint is %s, and was %s after %s", e.Have, e.Want, e.After)
}

// Hint says how to go on.
func (e *DriftError) Hint() string {
	return "status shows what differs; take the change back, or write it down as a migration"
}

// fingerprint takes the fingerprint of the schema as it is, under the settings
// of a file, so that it cannot depend on the role's.
func (r *runner) fingerprint(ctx context.Context) (string, error) {
	if _, err := r.conn.PgConn().Exec(ctx, r.begin("READ ONLY", r.o.LockTimeout)).ReadAll(); err != nil {
		r.rollback(ctx)
		return "", r.explain(err, "look at the schema", onlyReads)
	}
	have, err := r.o.Fingerprint(ctx, r.conn)
	r.rollback(ctx)
	if err != nil {
		return "", fmt.Errorf("take the fingerprint of the schema: %w", err)
	}
	return have, nil
}

// unchanged insists that the schema is as the newest record left it, and as it
// is wanted, where both are known. It returns the fingerprint.
func (r *runner) unchanged(ctx context.Context, newest Record, want string) (string, error) {
	if r.o.Fingerprint == nil {
		return "", nil
	}
	have, err := r.fingerprint(ctx)
	switch {
	case err != nil:
		return "", err
	case newest.Fingerprint != "" && newest.Fingerprint != have:
		return have, &DriftError{After: newest.FileName(), Want: newest.Fingerprint, Have: have}
	case want != "" && want != have:
		return have, &DriftError{Want: want, Have: have}
	}
	return have, nil
}
