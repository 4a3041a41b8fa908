// Package postgres is where af-auth meets its database: the pool, the opening
// of connections with its retries, transactions, one file of queries a noun,
// and LISTEN.
//
// Data goes in and comes out as the nouns of package afauth; SQL text lives in
// queries/ and is compiled by sqlc into package query, so that a wrong column
// fails the build. The wanted schema stands in schema/, the way there in
// migrations/.
//
// It holds no rules: who may come in is afauth.Decide, and its twin in SQL.
// It never retries inside a request (see Open), and never selects the columns
// that hold GitHub's tokens.
package postgres
