// Package page draws af-auth's own pages: home, sign in, waiting, refused,
// failure, sign out, signed out, what af-auth stores; and for administrators the
// list of people, one person, and what asks before something ends.
//
// It owns the templates, the two stylesheets, the three small scripts, the words
// of every failure, and the Content-Security-Policy that they are written for.
// It never reads a request, a cookie, a clock or a database, and decides
// nothing: a handler fills one of the view structs and calls Renderer.Render.
//
// Everything in a view may be hostile: names and pictures come from GitHub,
// hosts and paths from a link that a stranger made. Views hold plain strings
// and numbers, never template.HTML or template.URL, so html/template escapes
// each of them for the place where it stands.
//
// The pages are whole without a script. page.js turns times into the reader's
// zone; waiting.js goes on by itself once somebody has decided; people.js says
// that somebody new waits.
package page
