package page

import (
	"net/http"

	afauth "github.com/af-auth/af-auth"
)

// words are one failure in sentences: what happened, what did not, what to do.
// {host} is af-auth's own host, {clock} the time of day, {reference} what finds
// the log line, and {callback} where GitHub has to lead.
type words struct {
	status int
	title  string
	what   string
	// action is the label of the one button. home leads it to the start page
	// whatever the handler says, for failures that trying again cannot mend.
	action string
	home   bool
	also   *Action
	next   []string
}

const (
	nothingChanged   = "Nothing was changed, and nobody was signed in."
	othersUnaffected = "People who are signed in are not affected."
	sameBrowser      = "Finish in the same browser that you started in."
	allowCookies     = "Allow cookies for {host}. A private window that closes early loses them."
	tellReference    = "Tell your administrator {reference}."
	toStart          = "Go to the start page"
)

// failures has an entry for every afauth.Code.
var failures = map[afauth.Code]words{
	afauth.CodeNotSignedIn: {
		status: http.StatusUnauthorized,
		title:  "You are not signed in",
		what:   "This needs a sign-in, and this browser has none: it has ended, or there never was one. Nothing was changed.",
		action: "Sign in",
		next:   []string{"A sign-in ends when it has not been used for a while, and when an administrator ends it.", allowCookies},
	},
	afauth.CodeNotWhitelisted: {
		status: http.StatusForbidden,
		title:  "You are not on the list",
		what:   "You are signed in, but only people who are allowed may open this. Nothing was changed.",
		action: "See where you stand",
		home:   true,
	},
	afauth.CodeNotForApp: {
		status: http.StatusForbidden,
		title:  "This application is not open to you",
		what:   "You are signed in and on the list, but your permission is for other applications. Nothing was changed.",
		action: "See where you stand",
		home:   true,
	},
	afauth.CodeNotAdmin: {
		status: http.StatusForbidden,
		title:  "This page is for administrators",
		what:   "You are signed in, but not as somebody who decides about people here. Nothing was changed.",
		action: "See where you stand",
		home:   true,
		next:   []string{"Whoever runs {host} names administrators in AF_AUTH_ADMINS.", "Just added? A login counts once GitHub has said whose it is: the server’s log tells."},
	},
	afauth.CodeNotFound: {
		status: http.StatusNotFound,
		title:  "There is no such page",
		what:   "{host} has nothing at this address. Nothing was changed.",
		action: toStart,
		home:   true,
		next:   []string{"Compare the address, letter by letter, with the one that you were given.", "Open the application itself: it leads you here when it needs you to sign in."},
	},
	afauth.CodeAmbiguous: {
		status: http.StatusConflict,
		title:  "More than one person matches",
		what:   "That login is known under more than one GitHub account, so nothing was done.",
		action: toStart,
		home:   true,
		next:   []string{"Name the account by its number, such as #583231. Numbers never change hands."},
	},
	afauth.CodeInvalid: {
		status: http.StatusBadRequest,
		title:  "This address is not complete",
		what:   "A part of it is missing, or is not what belongs there, so nothing was done.",
		action: toStart,
		home:   true,
		next:   []string{"Open the application itself, not a bookmark or an old link to this page."},
	},
	afauth.CodeWrongHost: {
		status: http.StatusMisdirectedRequest,
		title:  "Nothing answers under this name",
		what:   "The name in your address bar is not one that af-auth looks after. Nothing was changed.",
		action: "Go to {host}",
		home:   true,
		next:   []string{"An administrator adds an application’s host to AF_AUTH_HOSTS."},
	},
	afauth.CodeStateMissing: {
		status: http.StatusForbidden,
		title:  "This sign-in did not begin here",
		what:   "GitHub sent an answer, but this browser did not ask, or asked more than 10 minutes ago. " + nothingChanged,
		action: "Sign in again",
		next:   []string{sameBrowser, allowCookies, "Do not open a sign-in link that somebody sent to you: it may sign you in as them."},
	},
	afauth.CodeStateExpired: {
		status: http.StatusBadRequest,
		title:  "This sign-in expired",
		what:   "We accept an answer from GitHub for 10 minutes only, and this one came later. " + nothingChanged,
		action: "Sign in again",
		next:   []string{sameBrowser, allowCookies, "Check that this computer’s clock is right. Ours says {clock}."},
	},
	afauth.CodeStateMismatch: {
		status: http.StatusForbidden,
		title:  "This answer belongs to another sign-in",
		what:   "What GitHub sent back does not fit the sign-in that this browser started. " + nothingChanged,
		action: "Sign in again",
		next:   []string{sameBrowser, "Do not open a sign-in link that somebody sent to you: it may sign you in as them."},
	},
	afauth.CodeIssuerMismatch: {
		status: http.StatusBadRequest,
		title:  "This answer is not from our GitHub",
		what:   "It names another sender than the one that we asked, so it was thrown away. " + nothingChanged,
		action: "Sign in again",
		next:   []string{"Open the application itself, not a link in a message.", tellReference},
	},
	afauth.CodeGitHubDenied: {
		status: http.StatusForbidden,
		title:  "You stopped at GitHub",
		what:   "Nothing was shared with us, and nobody was signed in.",
		action: "Try again",
	},
	afauth.CodeGitHubDown: {
		status: http.StatusBadGateway,
		title:  "GitHub is not answering",
		what:   "We cannot ask GitHub who you are, so nobody was signed in. " + othersUnaffected,
		action: "Try again",
		also:   &Action{Label: "githubstatus.com", Href: "https://www.githubstatus.com/"},
	},
	afauth.CodeGitHubLimited: {
		status: http.StatusServiceUnavailable,
		title:  "GitHub asks us to wait",
		what:   "We have asked GitHub more than it takes from one application, so nobody was signed in. " + othersUnaffected,
		action: "Try again",
		next:   []string{"Trying sooner makes it longer.", tellReference},
	},
	afauth.CodeGitHubBadCode: {
		status: http.StatusBadRequest,
		title:  "GitHub did not confirm this sign-in",
		what:   "Its code is good once and for 10 minutes. This one was used before, or is too old. " + nothingChanged,
		action: "Sign in again",
		next:   []string{"Do not reload a page that came from GitHub: its code is spent by then.", "Check that this computer’s clock is right. Ours says {clock}."},
	},
	afauth.CodeGitHubBadSetup: {
		status: http.StatusInternalServerError,
		title:  "GitHub does not know this application",
		what:   "It refused the client id, the secret or the callback address of {host}. That is for an administrator to mend. " + nothingChanged,
		action: "Try again",
		next:   []string{tellReference, "For the administrator: compare GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET and the callback URL with the application’s settings at GitHub."},
	},
	afauth.CodeGitHubUnverified: {
		status: http.StatusForbidden,
		title:  "Your e-mail address is not verified",
		what:   "GitHub signs people in to other places only once their primary e-mail address is verified. " + nothingChanged,
		action: "Try again",
		next:   []string{"At GitHub open Settings, then Emails, and ask for a new verification message."},
	},
	afauth.CodeTicketInvalid: {
		status: http.StatusForbidden,
		title:  "This link is used up",
		what:   "The step from {host} to the application works once, within a minute, in the browser that began it. Nothing was changed.",
		action: "Try again",
		next:   []string{"Open the application itself, not a link to this page.", "Allow cookies for the application and for {host}."},
	},
	afauth.CodeRateLimited: {
		status: http.StatusTooManyRequests,
		title:  "Too many attempts",
		what:   "More sign-ins came from your address than we accept, so this one was not begun. " + othersUnaffected,
		action: "Try again",
		next:   []string{"People behind one address share its limit. Wait a minute."},
	},
	afauth.CodeCrossOrigin: {
		status: http.StatusForbidden,
		title:  "This came from another site",
		what:   "Your browser says that a page which is not ours asked for this, so it was not carried out.",
		action: toStart,
		home:   true,
		next:   []string{"Open the page here and use its own button.", "An extension that rewrites requests can cause this."},
	},
	afauth.CodeTooManyOpen: {
		status: http.StatusTooManyRequests,
		title:  "Too much is open at once",
		what:   "You, or all people together, have as many pages and connections of the application open as {host} holds, so this one was not begun. What is open stays open.",
		action: "Try again",
		next:   []string{"Close tabs and programs that use the application.", "Somebody who runs a program under your name counts, too."},
	},
	afauth.CodeUpstreamDown: {
		status: http.StatusBadGateway,
		title:  "The application is not answering",
		what:   "You may come in, but the application behind {host} cannot be reached now. You are still signed in.",
		action: "Try again",
		next:   []string{"Wait a minute: it may be starting.", "If you sent something, check whether it arrived before you send it again.", tellReference},
	},
	afauth.CodeUnavailable: {
		status: http.StatusServiceUnavailable,
		title:  "We cannot look that up now",
		what:   "Our database is not answering, and without it nobody is let in. Nothing was changed, and nobody was signed out.",
		action: "Try again",
		next:   []string{"Wait a minute. Your sign-in is still good once the database is back.", tellReference},
	},
	afauth.CodeSchema: {
		status: http.StatusServiceUnavailable,
		title:  "This is not set up yet",
		what:   "Our database is not set up for this release, and without it nobody is let in. Nothing was changed, and nobody was signed out.",
		action: "Try again",
		next:   []string{tellReference, "For the administrator: af-auth db migrate status says what is missing."},
	},
	afauth.CodeInternal: {
		status: http.StatusInternalServerError,
		title:  "Something failed here",
		what:   "The fault is ours, and it is in the log under {reference}. Check whether what you asked for was done before you ask again.",
		action: "Try again",
		next:   []string{tellReference},
	},
}

// unplain is an afauth.CodeInvalid: nothing is missing from the address.
var unplain = words{
	status: http.StatusBadRequest,
	title:  "This address is written in an unusual way",
	what:   "Applications read such an address in more than one way, so it is not taken, and nothing was done.",
	action: toStart,
	home:   true,
	next: []string{"Leave out // and /../, and escapes that no path needs, such as %2F for a slash, %2E for a dot and %61 for a letter.",
		"Open the application itself, not a link to this page."},
}

// strayed is an afauth.CodeNotFound: GitHub led to an address that is not there.
var strayed = words{
	status: http.StatusNotFound,
	title:  "GitHub led to a wrong address",
	what:   "This looks like GitHub’s answer to a sign-in, and {host} does not take it at this address. That is for an administrator to mend. " + nothingChanged,
	action: toStart,
	home:   true,
	next:   []string{"For the administrator: the callback URL in the application’s settings at GitHub must be {callback}.", tellReference},
}
