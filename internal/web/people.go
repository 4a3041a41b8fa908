package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

const (
	// peopleEach is how many people a page of the list has, and waitingEach how
	// many of those who wait stand above it.
	peopleEach  = 50
	waitingEach = 6
	// listWithin is how long a list may take: less than answerWithin, so that the
	// page can still say that it was too long.
	listWithin = 2 * time.Second
	// mostSearch is how many letters of a search count: no name has more.
	mostSearch = 100
)

// listing is what the address of the list says.
type listing struct {
	show   string // "", or one of waiting, allowed, refused
	search string
	after  *access.Key
}

// readListing takes what it understands, and leaves out the rest.
func readListing(q url.Values) listing {
	l := listing{search: strings.TrimSpace(page.Plain(q.Get("q")))}
	if letters := []rune(l.search); len(letters) > mostSearch {
		l.search = string(letters[:mostSearch])
	}
	switch show := q.Get("show"); show {
	case string(afauth.Waiting), string(afauth.Allowed), string(afauth.Refused):
		l.show = show
	}
	if key, err := access.ParseKey(q.Get("after")); err == nil {
		l.after = &key
	}
	return l
}

// url is the address of the list.
func (l listing) url() string {
	q := url.Values{}
	for name, value := range map[string]string{"show": l.show, "q": l.search} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if l.after != nil {
		q.Set("after", l.after.String())
	}
	if len(q) == 0 {
		return "/auth/people"
	}
	return "/auth/people?" + q.Encode()
}

// filter is what is asked of the database: one row more than are shown, which
// says whether there is another page.
func (l listing) filter() access.Filter {
	f := access.Filter{Access: afauth.Access(l.show), After: l.after, Limit: peopleEach + 1}
	if prefix, ok := strings.CutSuffix(l.search, "*"); ok && prefix != "" {
		f.Prefix = prefix
	} else {
		f.Search = l.search
	}
	return f
}

// people lists everybody, those who wait first.
func (s *Server) people(w http.ResponseWriter, r *http.Request) error {
	l := readListing(r.URL.Query())
	v := page.People{Console: s.frame(w, r, l.url()), Show: l.show, Search: l.search}
	v.Panel = l.show != string(afauth.Waiting) && l.search == "" && l.after == nil
	totals, err := s.People.Totals(r.Context())
	if err != nil {
		return err
	}
	v.Tabs, v.WaitingCount = tabs(l, totals), number(totals.Waiting)
	st := http.StatusOK
	within, cancel := context.WithTimeout(r.Context(), listWithin)
	defer cancel()
	found, err := s.People.List(within, l.filter())
	switch {
	case err == nil:
	case within.Err() != nil && r.Context().Err() == nil: // and the database answers
		st, v.SearchError = http.StatusServiceUnavailable, tooLong
	case afauth.CodeOf(err) == afauth.CodeInvalid:
		st, v.SearchError = http.StatusUnprocessableEntity, l.refused(err)
	default:
		return err
	}
	found = paged(&v, l, found)
	waiting, err := s.People.List(r.Context(), access.Filter{Access: afauth.Waiting, Limit: waitingEach + 1})
	if err != nil {
		return err
	}
	v.EventsURL = "/auth/people/events?since=" + newest(r, waiting).String()
	if len(waiting) > waitingEach {
		waiting, v.AllWaitingURL = waiting[:waitingEach], listing{show: string(afauth.Waiting)}.url()
	}
	switch {
	case l.show == string(afauth.Waiting):
		waiting, found = found, nil
	case !v.Panel:
		waiting = nil
	}
	told, err := s.tell(r, append(append([]access.Person{}, waiting...), found...))
	if err != nil {
		return err
	}
	for _, p := range waiting {
		v.Waiting = append(v.Waiting, waitingRow(p, told))
	}
	for _, p := range found {
		v.Rows = append(v.Rows, s.personRow(p, told))
	}
	return s.render(w, r, st, v)
}

// tooLong is said of a list that walks through people until a page is full.
const tooLong = "This list took too long, so it was stopped: few people match among many. Search for 3 letters or more, or choose another list."

// refused says why a search was not made, and what to type instead.
func (l listing) refused(err error) string {
	if strings.HasPrefix(l.search, "#") {
		return upper(messageOf(err)) + ". Type # and a number."
	}
	return upper(messageOf(err)) + ". Type more of it, or a * behind it for logins that begin so."
}

// paged cuts the list to a page, and says where the others are.
func paged(v *page.People, l listing, found []access.Person) []access.Person {
	if l.after != nil {
		first := l
		first.after = nil
		v.NewestURL = first.url()
	}
	if len(found) <= peopleEach {
		return found
	}
	next, last := l, l.filter().Place(found[peopleEach-1])
	next.after = &last
	v.NextURL = next.url()
	return found[:peopleEach]
}

// newest is the place behind which nobody waits yet.
func newest(r *http.Request, waiting []access.Person) access.Key {
	if len(waiting) == 0 {
		return access.Key{At: admitted(r).Now}
	}
	return access.Filter{}.Place(waiting[0])
}

func tabs(l listing, totals access.Totals) []page.Tab {
	list := []page.Tab{{Label: "All", Count: number(totals.All)}, {Label: "Waiting", Count: number(totals.Waiting)}, {Label: "Allowed"}, {Label: "Not allowed"}}
	for i, show := range []string{"", string(afauth.Waiting), string(afauth.Allowed), string(afauth.Refused)} {
		list[i].URL, list[i].Current = listing{show: show, search: l.search}.url(), show == l.show
	}
	return list
}

// number writes a total down: exact, or with what it is not.
func number(t access.Total) string {
	switch {
	case t.About:
		return "≈ " + page.Number(t.N)
	case t.More:
		return "more than " + page.Number(t.N)
	default:
		return page.Number(t.N)
	}
}

func waitingRow(p access.Person, told telling) page.WaitingRow {
	return page.WaitingRow{
		Person: page.PersonOf(p.User), URL: personURL(p.ID), Since: page.Moment{At: p.CreatedAt, Now: p.Now},
		From: told.beside[p.ID].Address, Message: told.beside[p.ID].Message, Was: page.Standing(p.User),
	}
}

func (s *Server) personRow(p access.Person, told telling) page.PersonRow {
	beside := told.beside[p.ID]
	return page.PersonRow{
		Person: page.PersonOf(p.User), URL: personURL(p.ID), Access: p.Access(),
		Until: page.MomentOf(p.Until, p.Now), Decided: page.MomentOf(p.DecidedAt, p.Now), Apps: s.appNames(p),
		Sessions: beside.Sessions, Seen: page.MomentOf(lastUse(p, beside), p.Now),
		By: told.decidedBy(p), Why: beside.DecidedWhy,
	}
}

func personURL(id afauth.ID) string { return "/auth/people/" + id.String() }

// lastUse is the later of the last sign-in and the last use of a session.
func lastUse(p access.Person, b access.Beside) *time.Time {
	if !b.SeenAt.IsZero() && (p.LastSignInAt == nil || b.SeenAt.After(*p.LastSignInAt)) {
		return &b.SeenAt
	}
	return p.LastSignInAt
}

// appNames are the applications that somebody's permission is for; none where
// it is for all, or where there is none.
func (s *Server) appNames(p access.Person) []string {
	if !p.Access().MayEnter() || p.Apps == nil {
		return nil
	}
	if len(p.Apps) == 0 {
		return []string{"no application"}
	}
	return s.namesOf(p.Apps)
}

// namesOf are the names of applications, or their hosts where they have none.
func (s *Server) namesOf(hosts []string) []string {
	names := make([]string, len(hosts))
	for i, host := range hosts {
		names[i] = cmp.Or(s.Apps[host], host)
	}
	return names
}
