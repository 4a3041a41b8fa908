package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// UserFilter picks people. The zero value picks everybody. All that is set must
// hold, but Search and Prefix exclude each other.
type UserFilter struct {
	// Access narrows to one state; Refused includes Expired.
	Access afauth.Access
	// Search is "#ID", a GitHub id, or else three characters or more out of a
	// login or name; digits are a whole GitHub id too. What is shorter is refused,
	// for it is in too many names, and no index finds it.
	Search string
	// Prefix is how the login begins, in any letter case. The list is then in the
	// order of logins, and not newest first.
	Prefix string
	// App picks who may open the application on this host: who is allowed, and for
	// it or for all.
	App string
	// After continues a list behind this place; nil begins it. It is what Place
	// gave under the same Search and Prefix.
	After *Key
	// Limit is the number of rows at most.
	Limit int
}

// Place is where a person stands in the list that the filter picks.
func (f UserFilter) Place(p Person) Key {
	if f.Prefix != "" {
		return Key{ID: p.ID, Login: p.Login}
	}
	return Key{At: p.CreatedAt, ID: p.ID}
}

const (
	// shortestSearch is what a trigram needs.
	shortestSearch = 3
	// searchDepth is how many of the newest people are looked through before the
	// trigrams are asked: some 10 ms.
	searchDepth = 10_000
	// walkDepth is how many people are walked through before those who are not
	// allowed are looked up: where many are not, they fill the page.
	walkDepth = 1000
	// idSearch asks for no GitHub id: there is none below 1.
	idSearch = 0
)

// Users lists people, newest first, or by login where a Prefix is given.
func (db *DB) Users(ctx context.Context, f UserFilter) ([]Person, error) {
	f.Search, f.Prefix = clean(f.Search, 200), strings.ToLower(clean(f.Prefix, 200))
	if err := f.check(); err != nil {
		return nil, err
	}
	var out []Person
	var err error
	switch digits, exact := strings.CutPrefix(f.Search, "#"); {
	case f.Limit <= 0:
		return nil, nil
	case exact:
		out, err = db.exactUser(ctx, f, digits)
	case f.Search != "":
		out, err = db.searchUsers(ctx, f)
	case f.Prefix != "":
		out, err = db.usersByPrefix(ctx, f)
	default:
		out, err = db.newestUsers(ctx, f)
	}
	return out, fault(err, "listing people")
}

// check refuses what no index can answer, and what contradicts itself.
func (f UserFilter) check() error {
	invalid := func(message, hint string) error {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: message, Hint: hint}
	}
	switch {
	case f.Search != "" && f.Prefix != "":
		return invalid("a list is searched or narrowed to how logins begin, not both", "leave one of the two away")
	case f.App != "" && f.Access != "" && f.Access != afauth.Allowed:
		return invalid("only people who are allowed can open an application", "leave the state or the application away")
	case f.After != nil && (f.After.Login != "") != (f.Prefix != ""):
		return invalid("this is no place in this list", "begin the list again: its order is another one")
	case f.Search != "" && !strings.HasPrefix(f.Search, "#") && !hasTrigram(f.Search):
		return invalid(fmt.Sprintf("%q is too short to search for: names are found by %d letters or digits in a row", f.Search, shortestSearch),
			"type more of it, or name the beginning of the login")
	}
	return nil
}

// hasTrigram reports whether pg_trgm can look a part of a name up at all. It
// looks at words: one that the text begins counts two blanks in front of it, one
// that it ends a blank behind.
func hasTrigram(s string) bool {
	if utf8.RuneCountInString(s) < shortestSearch {
		return false
	}
	run, letters := 0, 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			run, letters = run+1, letters+1
		} else if letters > 0 && run+1 >= shortestSearch {
			return true
		} else {
			run, letters = shortestSearch-1, 0 // the blanks in front of the next word
		}
		if letters > 0 && run >= shortestSearch {
			return true
		}
	}
	return false
}

// states are those that a list shows.
func (f UserFilter) states() []string {
	switch {
	case f.App != "":
		return []string{string(afauth.Allowed)}
	case f.Access == "":
		return []string{string(afauth.Waiting), string(afauth.Allowed), string(afauth.Refused), string(afauth.Expired)}
	case f.Access == afauth.Refused:
		return []string{string(afauth.Refused), string(afauth.Expired)}
	default:
		return []string{string(f.Access)}
	}
}

// shows reports whether the filter shows somebody who was found otherwise.
func (f UserFilter) shows(p Person) bool {
	for _, s := range f.states() {
		if s == string(p.Access()) {
			return f.App == "" || p.Opens(f.App)
		}
	}
	return false
}

// behind is the place after which a list that is newest first begins.
func (f UserFilter) behind() (time.Time, afauth.ID) {
	if f.After != nil {
		return f.After.At, f.After.ID
	}
	return time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC), afauth.ID{}
}

func (f UserFilter) rows() int32 { return int32(f.Limit) } // #nosec G115 -- a page's size

func (db *DB) exactUser(ctx context.Context, f UserFilter, digits string) ([]Person, error) {
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("%q is not a GitHub id", f.Search), Hint: "a GitHub id is a # and a number, as in '#583231'"}
	}
	p, err := db.UserByGitHubID(ctx, id)
	if errors.Is(err, afauth.ErrNotFound) || err == nil && (f.After != nil || !f.shows(p)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []Person{p}, nil
}

func (db *DB) newestUsers(ctx context.Context, f UserFilter) (out []Person, err error) {
	at, id := f.behind()
	switch {
	case f.App == "" && f.Access == "":
		rows, err := db.queries.ListUsers(ctx, query.ListUsersParams{AfterCreatedAt: at, AfterID: id, MaxRows: f.rows()})
		return persons(rows, asUser[query.ListUsersRow]), err
	case f.App == "" && f.Access == afauth.Waiting:
		rows, err := db.queries.ListWaitingUsers(ctx, query.ListWaitingUsersParams{AfterCreatedAt: at, AfterID: id, MaxRows: f.rows()})
		return persons(rows, asUser[query.ListWaitingUsersRow]), err
	}
	p := query.ListUsersByAccessParams{States: f.states(), App: f.App, AfterCreatedAt: at, AfterID: id, Depth: f.depth(), MaxRows: f.rows()}
	err = db.read(ctx, func(q *query.Queries) error {
		if err := q.PlanInOrder(ctx); err != nil {
			return err
		}
		walked, err := q.ListUsersByAccess(ctx, p)
		if out = persons(walked, asUser[query.ListUsersByAccessRow]); err != nil || p.Depth != walkDepth || len(out) == f.Limit {
			return err
		}
		if err := q.PlanByKey(ctx); err != nil {
			return err
		}
		rows, err := q.ListRefusedUsers(ctx, query.ListRefusedUsersParams{AfterCreatedAt: at, AfterID: id, MaxRows: f.rows()})
		out = persons(rows, asUser[query.ListRefusedUsersRow])
		return err
	})
	return out, err
}

// depth is how many people a list walks through that leaves some of them out.
func (f UserFilter) depth() int32 {
	if f.Access == afauth.Refused {
		return walkDepth
	}
	return math.MaxInt32
}

// usersByPrefix needs no lower bound of its own: the first place is the prefix.
func (db *DB) usersByPrefix(ctx context.Context, f UserFilter) (out []Person, err error) {
	last := f.Prefix[len(f.Prefix)-1]
	if strings.ContainsFunc(f.Prefix, func(r rune) bool { return r <= ' ' || r >= '~' }) {
		return nil, nil // no login holds it
	}
	p := query.ListUsersByPrefixParams{Upper: f.Prefix[:len(f.Prefix)-1] + string(rune(last+1)), AfterLogin: f.Prefix,
		States: f.states(), App: f.App, Depth: f.depth(), MaxRows: f.rows()}
	if f.After != nil {
		p.AfterLogin, p.AfterID = f.After.Login, f.After.ID
	}
	if strings.ToLower(p.AfterLogin) < f.Prefix { // a place in another list
		p.AfterLogin, p.AfterID = f.Prefix, afauth.ID{}
	}
	rows, err := db.queries.ListUsersByPrefix(ctx, p)
	if out = persons(rows, asUser[query.ListUsersByPrefixRow]); err != nil || p.Depth != walkDepth || len(out) == f.Limit {
		return out, err
	}
	err = db.read(ctx, func(q *query.Queries) error {
		if err := q.PlanByKey(ctx); err != nil {
			return err
		}
		rows, err := q.ListRefusedUsersByPrefix(ctx, query.ListRefusedUsersByPrefixParams{
			Upper: p.Upper, AfterLogin: p.AfterLogin, AfterID: p.AfterID, MaxRows: p.MaxRows})
		out = persons(rows, asUser[query.ListRefusedUsersByPrefixRow])
		return err
	})
	return out, err
}

// searchUsers looks through the newest people first. Where these fill no page,
// few match altogether, and the trigrams name them all.
func (db *DB) searchUsers(ctx context.Context, f UserFilter) (out []Person, err error) {
	at, id := f.behind()
	pattern, number := "%"+escapeLike(f.Search)+"%", int64(idSearch)
	if n, err := strconv.ParseInt(f.Search, 10, 64); err == nil {
		number = n
	}
	err = db.read(ctx, func(q *query.Queries) error {
		if err := q.PlanInOrder(ctx); err != nil {
			return err
		}
		recent, err := q.SearchRecentUsers(ctx, query.SearchRecentUsersParams{Pattern: pattern, GithubUserID: number, Depth: searchDepth,
			States: f.states(), App: f.App, AfterCreatedAt: at, AfterID: id, MaxRows: f.rows()})
		if out = persons(recent, asUser[query.SearchRecentUsersRow]); err != nil || len(out) == f.Limit {
			return err
		}
		if err := q.PlanByBitmap(ctx); err != nil {
			return err
		}
		rows, err := q.SearchUsers(ctx, query.SearchUsersParams{Pattern: pattern, GithubUserID: number,
			States: f.states(), App: f.App, AfterCreatedAt: at, AfterID: id, MaxRows: f.rows()})
		out = persons(rows, asUser[query.SearchUsersRow])
		return err
	})
	return out, err
}

// read runs fn in a transaction of its own that writes nothing.
func (db *DB) read(ctx context.Context, fn func(*query.Queries) error) error {
	conn, err := patient{pool: db.pool, wait: db.wait}.acquire(ctx)
	if err != nil {
		return err
	}
	defer giveBack(conn)
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return fn(query.New(tx)) })
}

// escapeLike takes the meaning from LIKE's own characters.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// userRow is a row of any query on users: they all name the same columns.
type userRow interface {
	query.ListUsersRow | query.ListWaitingUsersRow | query.ListUsersByAccessRow | query.ListUsersByPrefixRow |
		query.ListRefusedUsersRow | query.ListRefusedUsersByPrefixRow |
		query.SearchRecentUsersRow | query.SearchUsersRow | query.FindUsersByLoginRow | query.FindUsersByLoginsRow
}

func asUser[T userRow](row T) query.GetUserRow { return query.GetUserRow(row) }

func persons[T any](rows []T, as func(T) query.GetUserRow) []Person {
	out := make([]Person, 0, len(rows))
	for _, row := range rows {
		out = append(out, person(as(row)))
	}
	return out
}
