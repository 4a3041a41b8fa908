package page

import (
	"strings"
	"time"

	afauth "github.com/af-auth/af-auth"
)

// Console is what every page for administrators has around its content.
type Console struct {
	Chrome
	// Me is who looks.
	Me Person
	// Done says what was just done, in a sentence; empty: nothing.
	Done string
}

// People is the list of people, those who wait first.
type People struct {
	Console
	// Waiting are some of those who wait, newest first; shown above the list
	// where Panel is true. Of the tab "Waiting" they are the list itself.
	Waiting []WaitingRow
	Panel   bool
	// WaitingCount is how many wait, exact or with ≈; "0" for nobody.
	WaitingCount string
	// AllWaitingURL shows those who are not on this page; empty: all are.
	AllWaitingURL string
	Tabs          []Tab
	// Show is the tab that is open, as the address has it; empty: all.
	Show string
	// Search is what was typed, and SearchError why it was not looked for.
	Search, SearchError string
	Rows                []PersonRow
	// NewestURL leads to the first page, NextURL to the following one; empty
	// where that is this page, or there is none.
	NewestURL, NextURL string
	// EventsURL is the stream that tells of people who come to wait.
	EventsURL string
}

// Tab is one part of the list, with how many people are in it.
type Tab struct {
	Label, URL, Count string
	Current           bool
}

// WaitingRow is somebody who waits.
type WaitingRow struct {
	Person Person
	// URL is the person's page; their actions are below it.
	URL string
	// Since is when they came, From the address of their last sign-in.
	Since Moment
	From  string
	// Message is what they wrote, in their words.
	Message string
	// Was is handed back with a decision; see Standing.
	Was string
}

// PersonRow is one person of the list.
type PersonRow struct {
	Person  Person
	URL     string
	Access  afauth.Access
	Until   *Moment
	Decided *Moment
	// Apps are the applications that the permission is for; empty: all of them.
	Apps     []string
	Sessions int
	Seen     *Moment
	// By and Why are of the last decision.
	By, Why string
}

// PersonPage is one person: facts, decisions, sessions and the record.
type PersonPage struct {
	Console
	Person Person
	ID     string
	URL    string
	Access afauth.Access
	Until  *Moment
	// Decided is when somebody last decided; nil: nobody has.
	Decided *Moment
	By, Why string
	Apps    []string
	Came    Moment
	// SignedIn is the last sign-in, From its address.
	SignedIn *Moment
	From     string
	Message  string
	Allow    AllowForm
	Sessions []PersonSession
	// MoreSessions says that there are more than are shown.
	MoreSessions bool
	Events       []EventRow
	// NewestURL and OlderURL page through the record.
	NewestURL, OlderURL string
	// Stopped says why a form was not carried out: Overtaken or Known; empty: none
	// was stopped.
	Stopped string
	// Myself says that this is who looks.
	Myself bool
}

const (
	// Overtaken stops a form that somebody else has decided before.
	Overtaken = "overtaken"
	// Known stops a form that names somebody about whom it did not say that
	// somebody has decided.
	Known = "known"
)

// PersonSession is one of a person's sessions.
type PersonSession struct {
	Host, Agent string
	Since, Seen Moment
	// EndURL takes the form that ends it.
	EndURL string
	// Current marks the session of this very request.
	Current bool
}

// EventRow is one line of the record about a person.
type EventRow struct {
	At time.Time
	// What happened, in words, and Details of it.
	What, Details string
	// By is who did it, From the address, Why the reason.
	By, From, Why string
}

// AllowSomebody lets in a person who may never have been here.
type AllowSomebody struct {
	Console
	Allow AllowForm
}

// AllowForm is how somebody is allowed. After a mistake it comes back as it was
// sent, with what is wrong beside each field.
type AllowForm struct {
	URL string
	// Ref names the person; used on the page of AllowSomebody only.
	Ref, RefError string
	Periods       []Choice
	Date          string
	PeriodError   string
	// AllApps says that the permission is for all applications; Apps are those
	// to choose from.
	AllApps   bool
	Apps      []Choice
	AppsError string
	Reason    string
	// ReasonError is why the reason was not taken.
	ReasonError string
	// Was is how the person stood when the form was drawn; see Standing.
	Was string
	// Button is what the button says.
	Button string
}

// Choice is one of several values.
type Choice struct {
	Value, Label string
	Chosen       bool
}

// Confirm asks before something ends.
type Confirm struct {
	Console
	Person Person
	// URL is the person's page, and Action takes the form.
	URL, Action string
	Access      afauth.Access
	// EndsAccess is true for a revocation, and false where sessions end and the
	// permission stays.
	EndsAccess bool
	// Narrows says that access is changed, and something taken away: Now and Then
	// are what it is for, before and after. Fields are what was chosen, by Label.
	Narrows   bool
	Now, Then string
	Fields    []Choice
	Sessions  int
	// Myself says that this is who looks.
	Myself bool
	// Expected is what has to be typed, and Typed what was.
	Expected, Typed, TypedError string
	Reason, ReasonError         string
	Was                         string
	// Overtaken says that somebody else decided before the form came.
	Overtaken bool
}

// Message is where somebody who waits writes to whoever decides.
type Message struct {
	Chrome
	Person Person
	// Text is what was typed or is kept, and Error why it was not taken.
	Text, Error string
	// Most is how many characters are taken.
	Most int
	// Action takes the form, and BackURL is the waiting page.
	Action, BackURL string
}

func (People) page() string        { return "people" }
func (PersonPage) page() string    { return "person" }
func (AllowSomebody) page() string { return "allow" }
func (Confirm) page() string       { return "confirm" }
func (Message) page() string       { return "message" }

// WaitingHeading says how many people wait.
func (v People) WaitingHeading() string {
	switch v.WaitingCount {
	case "0", "":
		return "Nobody is waiting"
	case "1":
		return "1 person is waiting"
	default:
		return v.WaitingCount + " people are waiting"
	}
}

// Empty says why the list has no rows.
func (v People) Empty() string {
	switch {
	case v.SearchError != "":
		return "Nothing was looked for"
	case v.Search != "":
		return "Nobody matches"
	case v.NewestURL != "":
		return "The list ends here"
	default:
		return "Nobody is in this list"
	}
}

// Standing is how a person stands, to be handed back with a decision about
// them: a decision that somebody else has overtaken is not carried out.
func Standing(u afauth.User) string {
	parts := []string{"waiting"}
	if u.IsWhitelisted {
		parts[0] = "on"
	} else if u.DecidedAt != nil {
		parts[0] = "off"
	}
	for _, t := range []*time.Time{u.DecidedAt, u.Until} {
		if t != nil {
			parts = append(parts, t.UTC().Format(time.RFC3339Nano))
		} else {
			parts = append(parts, "-")
		}
	}
	if u.Apps != nil {
		parts = append(parts, "for "+strings.Join(u.Apps, ","))
	}
	return strings.Join(parts, " ")
}
