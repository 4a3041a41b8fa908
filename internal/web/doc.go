// Package web is af-auth's HTTP: the route table, what stands before every
// handler, sign-in and waiting pages, the gate's endpoint and health.
//
// A request goes host → canonical path → route → guard → handler. Handlers
// return errors; one place turns them into a page or a JSON problem, a log
// line and a number. Decisions are made elsewhere, by packages gate, signin
// and access; this package carries them to a browser. How pages look is
// package page.
package web
