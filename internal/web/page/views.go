package page

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	afauth "github.com/af-auth/af-auth"
)

// View is the content of one page: Home, SignIn, Waiting, Message, Refused,
// Failure, SignOut, SignedOut, About, and for administrators People, PersonPage,
// AllowSomebody and Confirm.
type View interface {
	// page is the name of the template. Being unexported it closes the set.
	page() string
}

// Terms says what a sign-in reads and how long it lasts.
type Terms struct {
	// ReadsEmail is true when the scope for e-mail addresses is asked of GitHub.
	ReadsEmail bool
	// Limits are the ones that sessions are made with.
	Limits afauth.SessionLimits
}

// Home says who is signed in at af-auth's own host, or invites to sign in.
type Home struct {
	Chrome
	Terms
	// Person is nil when nobody is signed in.
	Person *Person
	Access afauth.Access
	// Until is when the permission ends or ended; nil where it has no end.
	Until *time.Time
	// Limited is true where the permission is for some applications only, and
	// Open names those.
	Limited bool
	Open    []string
	// Sessions are all live sessions of the person, the current one first.
	Sessions []SessionRow
	// PeopleURL leads administrators to the list of people; empty for others.
	PeopleURL string
	// ContinueURL is where "Continue with GitHub" leads; used without a Person.
	ContinueURL string
}

// SessionRow is one signed-in browser on one host.
type SessionRow struct {
	Host string
	// Agent is a short name of the browser; see Browser.
	Agent       string
	Since, Seen time.Time
	// Current marks the session of this very request.
	Current bool
}

// SignIn asks a person to continue with GitHub.
type SignIn struct {
	Chrome
	Terms
	// App is the display name of the place the person wants to go; empty when
	// it is af-auth itself.
	App string
	// AppHost is the host of that place, or empty.
	AppHost string
	// ContinueURL leads to GitHub, by way of /auth/github.
	ContinueURL string
}

// Waiting is shown while nobody has decided about the person.
type Waiting struct {
	Chrome
	Person Person
	// App and AppHost are as in SignIn.
	App     string
	AppHost string
	// GoesTo is host and path of where the person goes on to; may be empty.
	GoesTo     string
	SignedInAt time.Time
	// CheckURL decides again. The script goes there too once access changes; it
	// must be on af-auth's own origin.
	CheckURL string
	// AnotherURL signs in with another GitHub account.
	AnotherURL string
	// MessageURL is where they write to whoever decides.
	MessageURL string
	// Message is what they have written; empty: nothing.
	Message string
	// EventsURL is the stream of server-sent events that the script listens to.
	EventsURL string
	// Now is the database's time, at which access was looked up.
	Now time.Time
}

// Refused is shown to a person who may not come in: refused, or expired, or
// allowed, but not for this application.
type Refused struct {
	Chrome
	// Person is nil where nobody can say who was told: a refused person has no
	// session.
	Person *Person
	// App and AppHost are as in SignIn.
	App, AppHost string
	// Access is afauth.Refused or afauth.Expired; or afauth.Allowed for somebody
	// whose permission is for other applications.
	Access afauth.Access
	// Open names those; only for afauth.Allowed. Empty: it is for none.
	Open []string
	// DecidedAt is when somebody last decided; nil where not known.
	DecidedAt *time.Time
	// Until is when the permission ended; only for afauth.Expired.
	Until *time.Time
	// AnotherURL signs in with another GitHub account.
	AnotherURL string
}

// SignOut asks before it ends the session. Its form posts to /auth/sign-out.
type SignOut struct {
	Chrome
	Person Person
	// SessionCount is how many sessions end: this one and its children.
	SessionCount int
}

// SignedOut says that the session has ended.
type SignedOut struct {
	Chrome
	// SignInURL starts over.
	SignInURL string
}

// About says what af-auth stores. Its text follows the schema's tables.
type About struct {
	Chrome
	Terms
}

func (Home) page() string      { return "home" }
func (SignIn) page() string    { return "sign-in" }
func (Waiting) page() string   { return "waiting" }
func (Refused) page() string   { return "refused" }
func (Failure) page() string   { return "failure" }
func (SignOut) page() string   { return "sign-out" }
func (SignedOut) page() string { return "signed-out" }
func (About) page() string     { return "about" }

// Place is the name of where the person wants to go: the application, else its
// host, else af-auth's own host.
func (v SignIn) Place() string { return place(v.App, v.AppHost, v.Host) }

// Place is as in SignIn.
func (v Waiting) Place() string { return place(v.App, v.AppHost, v.Host) }

// Place is as in SignIn.
func (v Refused) Place() string { return place(v.App, v.Host) }

// Opening is Place at the beginning of a sentence.
func (v Refused) Opening() string {
	if v.App == "" || v.App == v.AppHost {
		return v.Place() // a host is written as it is
	}
	first, size := utf8.DecodeRuneInString(v.App)
	return string(unicode.ToUpper(first)) + v.App[size:]
}

// Openings is Open in a sentence.
func (v Refused) Openings() string { return list(v.Open) }

// Openings is as in Refused.
func (v Home) Openings() string { return list(v.Open) }

// list writes "Grafana, Wiki and Docs".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func place(names ...string) string {
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return "this place"
}
