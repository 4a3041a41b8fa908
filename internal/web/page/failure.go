package page

import (
	"net/http"
	"strings"
	"time"

	afauth "github.com/af-auth/af-auth"
)

// Failure says what happened, what did not, and the one next step.
type Failure struct {
	Chrome
	// Status is the HTTP status to send the page with.
	Status int
	// Title and What are whole sentences for people, without internals; What is
	// fit for the detail of an RFC 9457 problem, Title for its title.
	Title string
	What  string
	// Action is the next step.
	Action Action
	// Also is a second place to look; nil where there is none.
	Also *Action
	// Next is the list under "If it happens again"; may be empty.
	Next []string
	// Reference finds the log line; Reason is the code; When is by our clock.
	Reference string
	Reason    string
	When      time.Time
}

// Action is a link that reads as an order: "Sign in again".
type Action struct {
	Label string
	Href  string
}

// Incident is what a handler knows about a failure.
type Incident struct {
	Code afauth.Code
	// Again is where the person starts over: the sign-in with the same
	// return_to, or the page that failed. Empty: af-auth's own start page.
	Again     string
	Reference string
	When      time.Time
	// StartedAt is when the sign-in began; zero where not known. Used by
	// afauth.CodeStateExpired.
	StartedAt time.Time
	// Waited is how long GitHub was given to answer; zero where not known. Used
	// by afauth.CodeGitHubDown.
	Waited time.Duration
	// RetryAfter is when another try may succeed; zero where not known. Used by
	// afauth.CodeRateLimited and afauth.CodeGitHubLimited. The handler sends the
	// header of that name itself.
	RetryAfter time.Duration
	// Unplain says that an address is refused for how it is written. Used by
	// afauth.CodeInvalid.
	Unplain bool
	// Callback is the URL to which GitHub should have led, where it led to an
	// address that is not there; empty otherwise. Used by afauth.CodeNotFound.
	Callback string
}

// Status is the HTTP status for a code; 500 for a code that it does not know.
func Status(code afauth.Code) int {
	if w, ok := failures[code]; ok {
		return w.status
	}
	return http.StatusInternalServerError
}

// FailureFor puts an incident into words. A code that it does not know is told
// as afauth.CodeInternal, because what nobody classified is never explained to
// a stranger; Reason still holds the code.
func FailureFor(chrome Chrome, in Incident) Failure {
	w := wordsFor(in)
	fill := filler(chrome.Host, in, "the reference below")
	f := Failure{
		Chrome:    chrome,
		Status:    w.status,
		Title:     w.title,
		What:      fill.Replace(detailed(w.what, in)),
		Action:    Action{Label: fill.Replace(w.action), Href: in.Again},
		Also:      w.also,
		Reference: in.Reference,
		Reason:    string(in.Code),
		When:      in.When,
	}
	for _, line := range w.next {
		f.Next = append(f.Next, fill.Replace(line))
	}
	if w.home || in.Again == "" {
		f.Action.Href = chrome.Own(startPath)
	}
	return f
}

// wordsFor chooses the words: those of the code, or of what is known beyond it.
func wordsFor(in Incident) words {
	w, ok := failures[in.Code]
	switch {
	case !ok:
		return failures[afauth.CodeInternal]
	case in.Code == afauth.CodeInvalid && in.Unplain:
		return unplain
	case in.Code == afauth.CodeNotFound && in.Callback != "":
		return strayed
	}
	return w
}

// Words puts an incident into words for a program: what happened, and what to do
// next.
func Words(host string, in Incident) (what, next string) {
	w := wordsFor(in)
	fill := filler(host, in, "the request_id")
	steps := append([]string{w.action + "."}, w.next...)
	return fill.Replace(detailed(w.what, in)), fill.Replace(strings.Join(steps, " "))
}

// filler puts what is known of this incident into the words.
func filler(host string, in Incident, reference string) *strings.Replacer {
	return strings.NewReplacer("{host}", host, "{clock}", in.When.UTC().Format("15:04 MST"), "{reference}", reference, "{callback}", in.Callback)
}

const startPath = "/auth/"

// detailed puts the numbers of this incident in place of the general sentence,
// where the handler knew them.
func detailed(what string, in Incident) string {
	switch {
	case in.Code == afauth.CodeStateExpired && !in.StartedAt.IsZero() && in.When.After(in.StartedAt):
		return "It was started " + span(in.When.Sub(in.StartedAt).Truncate(time.Minute)) +
			" ago and we accept an answer from GitHub for 10 minutes only. " + nothingChanged
	case in.Code == afauth.CodeGitHubDown && in.Waited >= time.Second:
		return "We tried for " + span(in.Waited) + ". " + othersUnaffected
	case (in.Code == afauth.CodeRateLimited || in.Code == afauth.CodeGitHubLimited || in.Code == afauth.CodeTooManyOpen) && in.RetryAfter > 0:
		return what + " Try again in " + span(roundUp(in.RetryAfter)) + "."
	default:
		return what
	}
}

// roundUp keeps "try again in" from naming a moment that is too early.
func roundUp(d time.Duration) time.Duration {
	unit := time.Second
	if d > time.Minute {
		unit = time.Minute
	}
	return (d + unit - 1).Truncate(unit)
}
