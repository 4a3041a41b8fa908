// Package telemetry is how af-auth tells what it does: log lines without
// secrets, request ids, and metrics whose labels cannot grow.
//
// Log lines enter through the *slog.Logger of NewLogger and leave on its
// writer. Whatever looks like a secret, or stands under a name that promises
// one, is replaced on the way (Redact): the last fence, behind the rule that
// secrets are not logged at all.
//
// Metrics enter through the methods of Metrics and leave through
// Metrics.Handler. Every label has a fixed set of values; anything else is
// counted as "other", so that a stranger's text never becomes a series.
//
// It has no global state, knows no rule of af-auth, and imports nothing of it.
package telemetry
