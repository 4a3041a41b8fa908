package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// EventFilter picks events. The zero value picks all.
type EventFilter struct {
	// UserIDs are the people whom they are about; nil: everybody.
	UserIDs []afauth.ID
	// Since is the oldest moment; nil: from the beginning.
	Since *time.Time
	// Before continues a list below this id; 0 begins it.
	Before int64
	Limit  int
}

// Events lists what happened, newest first.
func (db *DB) Events(ctx context.Context, f EventFilter) ([]afauth.Event, error) {
	params := query.ListEventsParams{UserIds: f.UserIDs, Since: f.Since, MaxRows: int32(f.Limit)} // #nosec G115 -- a page's size
	if f.Before != 0 {
		params.BeforeID = &f.Before
	}
	rows, err := db.queries.ListEvents(ctx, params)
	if err != nil {
		return nil, fault(err, "listing events")
	}
	out := make([]afauth.Event, 0, len(rows))
	for _, row := range rows {
		out = append(out, afauth.Event{
			ID: row.ID, At: row.At, Kind: afauth.EventKind(row.Kind), UserID: row.UserID,
			Actor: orEmpty(row.Actor), Role: row.Role, From: orEmpty(row.Address), Reason: orEmpty(row.Reason),
			Details: row.Details,
		})
	}
	return out, nil
}

// UserIDsInEvents returns the ids under which the record knows a GitHub id:
// those of people who were deleted are in it alone.
func (db *DB) UserIDsInEvents(ctx context.Context, githubID int64) ([]afauth.ID, error) {
	ids, err := db.queries.UserIDsInEvents(ctx, strconv.FormatInt(githubID, 10))
	return ids, fault(err, "looking for the GitHub id in the record")
}

// Names returns what people are called: login and GitHub id, of those who were
// deleted the GitHub id alone. Whom nothing is known of is not in the answer.
func (db *DB) Names(ctx context.Context, ids []afauth.ID) (map[afauth.ID]afauth.User, error) {
	rows, err := db.queries.NameUsers(ctx, ids)
	if err != nil {
		return nil, fault(err, "looking up names")
	}
	names := make(map[afauth.ID]afauth.User, len(rows))
	for _, row := range rows {
		// Of somebody who was deleted and came back under the same id, the row counts.
		if _, known := names[row.ID]; known && row.Login == nil {
			continue
		}
		githubID, err := strconv.ParseInt(row.GithubUserID, 10, 64)
		if err != nil {
			continue // no id that GitHub gives
		}
		names[row.ID] = afauth.User{ID: row.ID, GitHubID: githubID, Login: orEmpty(row.Login)}
	}
	return names, nil
}
