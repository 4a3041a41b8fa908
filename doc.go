// Package afauth holds the nouns of AF Auth — users, sessions, tickets,
// events, instances — and the rules about them that need nothing but the
// values themselves.
//
// It imports the standard library only. Everything else in the module imports
// it, and it imports nothing of the module. It never talks to a database,
// a network or a clock: times come in as arguments, and in practice they come
// from PostgreSQL, so that two servers whose clocks differ decide alike.
package afauth
