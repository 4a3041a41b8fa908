package main

import (
	"fmt"
	"strings"
	"time"

	afauth "github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web/page"
)

// hostile is what a stranger may write in a name or a message.
const hostile = "</td></table><script>alert(1)</script> \u202egnorw si siht"

func ago(d time.Duration) page.Moment { return page.Moment{At: now.Add(-d), Now: now} }

func momentAgo(d time.Duration) *page.Moment {
	m := ago(d)
	return &m
}

// console are the pages for administrators, with nobody, few and many people.
func console(chrome page.Chrome) []sample {
	frame := page.Console{Chrome: chrome, Me: page.Person{Name: "Ada Lovelace", Login: "ada-l", GitHubID: 1815}}
	done := frame
	done.Done = "Mona Octocat is allowed, without an end date."
	list := peopleList(frame)
	listDone := list
	listDone.Console = done
	refusedSearch := list
	refusedSearch.Waiting, refusedSearch.Panel, refusedSearch.Rows, refusedSearch.NextURL = nil, false, nil, ""
	refusedSearch.Search, refusedSearch.SearchError = "oc", "2 letters are too few to look for parts of names: type 3 or more, or the whole login."
	waiting := list
	waiting.Panel, waiting.Show = false, "waiting"
	waiting.Tabs = tabs("waiting")
	empty := page.People{Console: frame, Panel: true, WaitingCount: "0", Tabs: emptyTabs(), EventsURL: "/auth/people/events"}
	many := list
	for len(many.Rows) < 50 {
		many.Rows = append(many.Rows, list.Rows...)
	}
	many.NewestURL = "/page/people"
	return []sample{
		{"people", list}, {"people-done", listDone}, {"people-many", many}, {"people-waiting", waiting},
		{"people-empty", empty}, {"people-search-refused", refusedSearch}, {"people-hostile", hostileList(frame)},
		{"person", onePerson(frame)}, {"person-waiting", waitingPerson(frame)}, {"person-rejected", rejectedPerson(frame)}, {"person-hostile", hostilePerson(frame)},
		{"allow", page.AllowSomebody{Console: frame, Allow: allowForm(true)}}, {"allow-rejected", page.AllowSomebody{Console: frame, Allow: rejectedForm()}},
		{"revoke", confirm(frame, true)}, {"revoke-myself", confirmMyself(frame)}, {"end-sessions", confirm(frame, false)},
		{"narrow", confirmNarrowing(frame)}, {"person-known", knownPerson(frame)},
		{"message", page.Message{Chrome: chrome, Person: octocat, Most: 280, Action: "/auth/waiting/message", BackURL: "/page/waiting"}},
		{"message-rejected", page.Message{Chrome: chrome, Person: octocat, Most: 280, Action: "/auth/waiting/message", BackURL: "/page/waiting",
			Text: strings.Repeat("I am on call this week. ", 13), Error: "These are 312 characters, and 280 are taken. Nothing was kept."}},
	}
}

func tabs(current string) []page.Tab {
	return []page.Tab{
		{Label: "All", URL: "/page/people", Count: "1,204", Current: current == ""},
		{Label: "Waiting", URL: "/page/people-waiting", Count: "2", Current: current == "waiting"},
		{Label: "Allowed", URL: "/page/people", Count: "≈ 1,181"},
		{Label: "Not allowed", URL: "/page/people", Count: "≈ 21"},
	}
}

func emptyTabs() []page.Tab {
	list := tabs("")
	for i := range list {
		list[i].Count = "0"
	}
	return list
}

func peopleList(frame page.Console) page.People {
	row := func(name, login string, id int64, a afauth.Access, sessions int, seen time.Duration, by, why string) page.PersonRow {
		return page.PersonRow{
			Person: page.Person{Name: name, Login: login, GitHubID: id}, URL: "/page/person", Access: a, Sessions: sessions,
			Seen: momentAgo(seen), Decided: momentAgo(96 * time.Hour), By: by, Why: why,
		}
	}
	rows := []page.PersonRow{
		row("Ada Lovelace", "ada-l", 1815, afauth.Allowed, 2, 0, "command line: root", ""),
		row("Grace Hopper", "ghopper", 1906, afauth.Allowed, 1, 4*time.Minute, "command line: root", ""),
		row("Katherine Johnson", "kjohnson", 1918, afauth.Allowed, 3, time.Hour, "@ada-l", "quarterly audit"),
		row("Donald Knuth", "dek", 1938, afauth.Allowed, 0, 12*24*time.Hour, "@ghopper", "reviewer"),
		row("Barbara Liskov", "bliskov", 1939, afauth.Expired, 0, 30*24*time.Hour, "@ghopper", ""),
		row("Eve Mallory", "evem", 666, afauth.Refused, 0, 96*time.Hour, "@ghopper", "left the company"),
	}
	rows[2].Until = &page.Moment{At: until, Now: now}
	rows[3].Until = &page.Moment{At: now.Add(80 * time.Hour), Now: now}
	rows[3].Apps = []string{"Grafana"}
	rows[4].Until = &page.Moment{At: ended, Now: now}
	return page.People{
		Console: frame, Panel: true, WaitingCount: "2", Tabs: tabs(""), Rows: rows, NextURL: "/page/people-many", EventsURL: "/auth/people/events",
		Waiting: []page.WaitingRow{
			{Person: octocat, URL: "/page/person-waiting", Since: ago(2 * time.Minute), From: "203.0.113.7", Message: "on call this week, need the latency board", Was: "x"},
			{Person: page.Person{Name: "Linus Torvalds", Login: "torvalds", GitHubID: 1024025}, URL: "/page/person-waiting", Since: ago(18 * time.Minute), From: "2001:db8:85a3::8a2e:370:7334", Was: "x"},
		},
	}
}

func hostileList(frame page.Console) page.People {
	v := peopleList(frame)
	giant := page.Person{Name: strings.Repeat("Wolfeschlegelsteinhausen", 4), Login: strings.Repeat("abcdefghijklm-", 3)[:40], GitHubID: 9007199254740991}
	v.Search = hostile
	v.Waiting[0].Person, v.Waiting[0].Message = giant, strings.Repeat("mum", 93)
	v.Waiting[1].Person.Name, v.Waiting[1].Message = hostile, hostile+"\n\u202e\u2066second line"
	v.Waiting[1].From = strings.Repeat("9", 90)
	v.Rows[0].Person, v.Rows[0].By, v.Rows[0].Why = giant, giant.Login, strings.Repeat("because ", 120)
	v.Rows[1].Person = page.Person{Name: hostile, Login: "x", GitHubID: 1}
	v.Rows[2].Person = page.Person{GitHubID: 7}
	v.Rows[3].Person.Name = "\u202eمحمد بن عبد الله العلي"
	v.Rows[2].Apps = []string{strings.Repeat("Observability", 6), "Wiki", "a-very-long-host-" + strings.Repeat("x", 50) + ".example.com"}
	return v
}

func allowForm(fresh bool) page.AllowForm {
	return page.AllowForm{
		URL: "/auth/people/allow", AllApps: fresh, Was: "x", Button: "Allow Mona Octocat",
		Periods: []page.Choice{{Value: "none", Label: "Without an end", Chosen: true}, {Value: "1d", Label: "1 day"}, {Value: "7d", Label: "7 days"},
			{Value: "30d", Label: "30 days"}, {Value: "90d", Label: "90 days"}, {Value: "date", Label: "Until a date"}},
		Apps: []page.Choice{{Value: "grafana.example.com", Label: "Grafana", Chosen: true}, {Value: "wiki.example.com", Label: "wiki.example.com"}},
	}
}

func rejectedForm() page.AllowForm {
	f := allowForm(false)
	f.Ref, f.RefError = "mona octocat", "“mona octocat” is not a login, a #id or a UUID: a login has letters, digits and hyphens."
	f.Date, f.PeriodError = "2026-02-31", "There is no such day. Write it as 2026-12-31."
	f.AppsError = "Choose one application at least, or all of them."
	f.Reason, f.ReasonError = strings.Repeat("because ", 130), "These are 1,040 characters, and the record keeps 1,000."
	return f
}

func onePerson(frame page.Console) page.PersonPage {
	form := allowForm(true)
	form.Button = "Change access"
	v := page.PersonPage{
		Console: frame, Person: page.Person{Name: "Katherine Johnson", Login: "kjohnson", GitHubID: 1918}, ID: "0193a1f2-5a10-4d8e-9b7c-2f1e6d5c4b3a", URL: "/page/person",
		Access: afauth.Allowed, Until: &page.Moment{At: until, Now: now}, Decided: momentAgo(96 * time.Hour), By: "@ada-l", Why: "quarterly audit", Apps: []string{"Grafana"},
		Came: ago(900 * time.Hour), SignedIn: momentAgo(time.Hour), From: "203.0.113.7", Allow: form,
		Sessions: []page.PersonSession{
			{Host: "auth.example.com", Agent: "Firefox on Linux", Since: ago(2 * time.Hour), Seen: ago(0), EndURL: "/x"},
			{Host: "grafana.example.com", Agent: "Firefox on Linux", Since: ago(2 * time.Hour), Seen: ago(4 * time.Minute), EndURL: "/x"},
		},
		OlderURL: "/page/person",
	}
	for i := range 12 {
		v.Events = append(v.Events, page.EventRow{At: now.Add(-time.Duration(i) * 7 * time.Hour), What: "Signed in", Details: "grafana.example.com", By: "@kjohnson", From: "203.0.113.7"})
	}
	v.Events[1] = page.EventRow{At: now.Add(-96 * time.Hour), What: "Allowed", Details: "until 31 Jan 2027, 12:00 UTC", By: "@ada-l", From: "198.51.100.4", Why: "quarterly audit"}
	return v
}

func waitingPerson(frame page.Console) page.PersonPage {
	v := onePerson(frame)
	v.Person, v.Access, v.Until, v.Decided, v.By, v.Why, v.Apps = octocat, afauth.Waiting, nil, nil, "", "", nil
	v.Message = "on call this week,\nneed the latency board"
	v.Allow, v.Events, v.OlderURL = allowForm(true), v.Events[:1], ""
	v.Sessions = v.Sessions[:1]
	return v
}

func rejectedPerson(frame page.Console) page.PersonPage {
	v := onePerson(frame)
	v.Allow, v.Stopped, v.Myself = rejectedForm(), page.Overtaken, true
	v.Sessions, v.Events, v.OlderURL = nil, nil, ""
	return v
}

func hostilePerson(frame page.Console) page.PersonPage {
	v := waitingPerson(frame)
	v.Person = page.Person{Name: strings.Repeat("Wolfeschlegelsteinhausen", 5), Login: strings.Repeat("abcdefghij", 4), GitHubID: 9007199254740991}
	v.Message = hostile + strings.Repeat("x", 200)
	v.Sessions[0].Host, v.Sessions[0].Agent = strings.Repeat("label.", 30)+"example.com", hostile
	v.Events[0].Why, v.Events[0].By, v.Events[0].Details = strings.Repeat("because", 100), hostile, fmt.Sprint(hostile, hostile)
	return v
}

func confirm(frame page.Console, ends bool) page.Confirm {
	return page.Confirm{
		Console: frame, Person: page.Person{Name: "Katherine Johnson", Login: "kjohnson", GitHubID: 1918}, URL: "/page/person", Action: "/x", Access: afauth.Allowed,
		EndsAccess: ends, Sessions: 3, Expected: "kjohnson", Was: "x",
	}
}

func confirmNarrowing(frame page.Console) page.Confirm {
	v := confirm(frame, false)
	v.Narrows, v.Now, v.Then = true, "all applications, without an end", "Grafana, until 31 Jan 2027, 12:00 UTC"
	v.Fields = []page.Choice{{Label: "for", Value: "date"}, {Label: "date", Value: "2027-01-30"}, {Label: "apps", Value: "some"}, {Label: "app", Value: "grafana.example.com"}}
	return v
}

func knownPerson(frame page.Console) page.PersonPage {
	v := onePerson(frame)
	v.Access, v.Until, v.Apps, v.Stopped, v.Allow.Button = afauth.Refused, nil, nil, page.Known, "Allow"
	v.Sessions = nil
	return v
}

func confirmMyself(frame page.Console) page.Confirm {
	v := confirm(frame, true)
	v.Person, v.Myself, v.Expected = frame.Me, true, "ada-l"
	v.Typed, v.TypedError, v.Overtaken = "ada", "That is not ada-l. Nothing was changed.", true
	return v
}
