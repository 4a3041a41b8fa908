package access

import (
	"context"
	"errors"
	"slices"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Recorded returns the ids under which the record knows a person. Events outlive
// people: somebody who was deleted is found by our id, and by the GitHub id
// where an event says it, but not by the login, which no event holds.
func (p *People) Recorded(ctx context.Context, ref string) ([]afauth.ID, error) {
	r, err := parseRef(ref)
	if err != nil {
		return nil, err
	}
	var ids []afauth.ID
	person, err := p.Find(ctx, ref)
	switch {
	case err == nil:
		ids = append(ids, person.ID)
	case !errors.Is(err, afauth.ErrNotFound):
		return nil, err
	}
	switch {
	case r.githubID != 0:
		former, err := p.db.UserIDsInEvents(ctx, r.githubID)
		if err != nil {
			return nil, err
		}
		ids = slices.Compact(slices.SortedFunc(slices.Values(append(ids, former...)), afauth.ID.Compare))
	case len(ids) == 0 && !r.id.IsZero():
		one, err := p.db.Events(ctx, postgres.EventFilter{UserIDs: []afauth.ID{r.id}, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(one) > 0 {
			ids = append(ids, r.id)
		}
	}
	if len(ids) == 0 {
		return nil, r.notRecorded()
	}
	return ids, nil
}

func (r reference) notRecorded() error {
	hint := "af-auth users lists everybody who is known"
	if r.login != "" {
		hint += "; somebody who was deleted is in the record by '#github-id' or UUID alone"
	}
	return &afauth.Error{Code: afauth.CodeNotFound, Message: "nobody " + r.called() + " is known here or in the record", Hint: hint}
}
