package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

// period is how long somebody may be allowed; of "date" the form says the day, and
// "keep" leaves an end as it is.
type period struct {
	value, label string
	days         int
}

func periods(u access.Person) []period {
	list := []period{{"none", "Without an end", 0}, {"1d", "1 day", 1}, {"7d", "7 days", 7}, {"30d", "30 days", 30}, {"90d", "90 days", 90}, {"date", "Until a date", 0}}
	if u.Access().MayEnter() && u.Until != nil {
		list = append(list, period{"keep", "As it is, until " + u.Until.UTC().Format("2 Jan 2006, 15:04 MST"), 0})
	}
	return list
}

// mostReason is what the record keeps of a reason, in characters.
const mostReason = 1000

// blankAllow is the form before anybody has touched it: for somebody who is
// allowed, as it is now.
func (s *Server) blankAllow(u access.Person) page.AllowForm {
	f := page.AllowForm{URL: "/auth/people/allow", AllApps: u.Apps == nil || !u.IsWhitelisted, Button: "Allow"}
	chosen := "none"
	if !u.ID.IsZero() {
		f.URL, f.Was = personURL(u.ID)+"/allow", page.Standing(u.User)
	}
	if u.Access().MayEnter() {
		f.Button = "Change access"
		if u.Until != nil {
			chosen = "keep"
		}
	}
	s.fillAllow(&f, u, chosen, u.Apps)
	return f
}

// fillAllow writes down what there is to choose from: our applications, and those
// that a permission names which are no longer ours.
func (s *Server) fillAllow(f *page.AllowForm, u access.Person, chosen string, apps []string) {
	for _, p := range periods(u) {
		f.Periods = append(f.Periods, page.Choice{Value: p.value, Label: p.label, Chosen: p.value == chosen})
	}
	for _, host := range s.choosable(u) {
		label := host
		if name := s.Apps[host]; name != "" && name != host {
			label = name + " (" + host + ")"
		}
		f.Apps = append(f.Apps, page.Choice{Value: host, Label: label, Chosen: slices.Contains(apps, host)})
	}
}

func (s *Server) choosable(u access.Person) []string {
	var hosts []string
	for host := range s.Apps {
		hosts = append(hosts, host)
	}
	hosts = append(hosts, u.Apps...)
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// readAllow reads the form. The form that it returns is the one to show again,
// and ok says that there is nothing to show.
func (s *Server) readAllow(r *http.Request, u access.Person) (f page.AllowForm, g access.Grant, ok bool) {
	q := r.PostForm
	f = page.AllowForm{
		URL: "/auth/people/allow", Ref: strings.TrimSpace(q.Get("ref")), Date: q.Get("date"), AllApps: q.Get("apps") != "some",
		Reason: strings.TrimSpace(q.Get("reason")), Was: q.Get("was"), Button: "Allow",
	}
	if !u.ID.IsZero() {
		f.URL = personURL(u.ID) + "/allow"
		if u.Access().MayEnter() {
			f.Button = "Change access"
		}
	}
	s.fillAllow(&f, u, q.Get("for"), q["app"])
	g.Until, f.PeriodError = until(u, q.Get("for"), f.Date, admitted(r).Now)
	f.ReasonError = reasonError(f.Reason)
	if !f.AllApps {
		g.Apps = q["app"]
		known := s.choosable(u)
		switch {
		case len(g.Apps) == 0:
			f.AppsError = "Choose one application at least, or all of them."
		case slices.ContainsFunc(g.Apps, func(host string) bool { return !slices.Contains(known, host) }):
			f.AppsError = "One of these is no application of ours. Choose again."
		}
	}
	return f, g, f.PeriodError == "" && f.ReasonError == "" && f.AppsError == ""
}

// until reads how long: nil for no end.
func until(u access.Person, choice, date string, now time.Time) (end *time.Time, fault string) {
	list := periods(u)
	at := slices.IndexFunc(list, func(p period) bool { return p.value == choice })
	switch {
	case at < 0:
		return nil, "Choose how long."
	case choice == "date":
		day, err := time.Parse(time.DateOnly, date)
		t := day.AddDate(0, 0, 1)
		switch {
		case date == "":
			return nil, "Say which day is the last."
		case err != nil:
			return nil, "There is no such day. Write it as 2026-12-31."
		case !t.After(now):
			return nil, "That day has passed. To end access now, revoke it."
		case t.Year() > 9999:
			return nil, "That is too far away. Choose “Without an end”."
		}
		return &t, ""
	case date != "":
		return nil, "A date is given too. Choose “Until a date”, or empty it."
	case choice == "keep":
		return u.Until, ""
	case list[at].days > 0:
		t := now.AddDate(0, 0, list[at].days)
		return &t, ""
	default:
		return nil, ""
	}
}

func reasonError(reason string) string {
	if n := utf8.RuneCountInString(reason); n > mostReason {
		return fmt.Sprintf("These are %s characters, and the record keeps %s. Nothing was changed.", page.Number(int64(n)), page.Number(mostReason))
	}
	return ""
}
