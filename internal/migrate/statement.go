package migrate

import (
	"slices"
	"strings"
)

// mode is how a statement runs in a file that has no transaction around it.
type mode int

const (
	// inTransaction: in one of its own, together with the note that it is done.
	inTransaction mode = iota
	// setting: SET and RESET, which are meant for the statements after them.
	// Whoever goes on with a file says them again.
	setting
	// alone: the server refuses it in a transaction, or it ends some itself.
	// The note follows it, so after a kill it may be done without one.
	alone
)

func modeOf(sql string, s statement) mode {
	switch {
	case len(s.words) == 0:
		return inTransaction
	case s.words[0] == "set" || s.words[0] == "reset":
		return setting
	case s.words[0] == "call" || outsideOnly(sql, s) != "":
		return alone
	}
	return inTransaction
}

// outsideOnly names a command that PostgreSQL refuses in a transaction ("cannot
// run inside a transaction block"), or returns "". The list is that of versions
// 14 to 18. ALTER TYPE … ADD VALUE is not in it: since version 12 it may stand
// in a transaction, and only the use of the value has to wait for the commit.
func outsideOnly(sql string, s statement) string {
	w := s.words
	starts := func(words ...string) bool { return len(w) >= len(words) && slices.Equal(w[:len(words)], words) }
	switch {
	case isConcurrent(sql, s):
		return indexCommand(w) + " CONCURRENTLY"
	case starts("vacuum"):
		return "VACUUM"
	case starts("create", "database"), starts("drop", "database"), starts("create", "tablespace"),
		starts("drop", "tablespace"), starts("create", "subscription"), starts("drop", "subscription"), starts("alter", "system"):
		return strings.ToUpper(w[0] + " " + w[1])
	case starts("reindex", "schema"), starts("reindex", "database"), starts("reindex", "system"):
		return "REINDEX " + strings.ToUpper(w[1])
	case starts("cluster") && (len(w) == 1 || slices.Equal(w, []string{"cluster", "verbose"})) && !strings.Contains(sql[s.start:s.end], `"`):
		return "CLUSTER"
	}
	return ""
}

// isConcurrent reports whether a statement lets others read and write while it
// works. It then waits for their transactions, not they for it.
func isConcurrent(sql string, s statement) bool {
	w := s.words
	if len(w) == 0 {
		return false
	}
	switch w[0] {
	case "create", "drop":
		i := slices.Index(w, "index")
		return i > 0 && i <= 2 && i+1 < len(w) && w[i+1] == "concurrently"
	case "reindex":
		return slices.Contains(w, "concurrently") || concurrentOption(sql[s.start:s.end])
	case "alter":
		return w[len(w)-1] == "concurrently" && slices.Contains(w, "detach")
	}
	return false
}

// concurrentOption reports whether the options of REINDEX (…) hold CONCURRENTLY
// and do not take it back.
func concurrentOption(text string) bool {
	_, rest, found := strings.Cut(text, "(")
	options, _, closed := strings.Cut(rest, ")")
	if !found || !closed {
		return false
	}
	for option := range strings.SplitSeq(strings.ToLower(options), ",") {
		words := strings.Fields(option)
		if len(words) > 0 && words[0] == "concurrently" {
			return len(words) == 1 || !slices.Contains([]string{"off", "false", "0"}, words[1])
		}
	}
	return false
}

// indexCommand is the beginning of a concurrent command, for a message.
func indexCommand(words []string) string {
	switch words[0] {
	case "create":
		return "CREATE INDEX"
	case "drop":
		return "DROP INDEX"
	case "alter":
		return "DETACH PARTITION"
	}
	return "REINDEX"
}

// checkStatements refuses what the engine cannot run as it promises.
func (l *loader) checkStatements(file, text string, outside bool) {
	for _, s := range scan(text) {
		if len(s.words) == 0 {
			continue // begins with a symbol: the server will say what is wrong
		}
		first := strings.ToUpper(s.words[0])
		switch s.words[0] {
		case "begin", "start", "commit", "end", "rollback", "abort":
			l.fault(file, "line %d: %s: each file already runs in one transaction of its own, and without one each statement does; take this statement out", s.line, first)
		case "prepare":
			if len(s.words) > 1 && s.words[1] == "transaction" {
				l.fault(file, "line %d: PREPARE TRANSACTION: the transaction belongs to the migrator; take this statement out", s.line)
			}
		case "copy":
			if i := slices.Index(s.words, "stdin"); i > 0 && s.words[i-1] == "from" {
				l.fault(file, "line %d: COPY FROM STDIN: there is nobody to send the rows; write INSERT", s.line)
			}
		case "discard":
			if slices.Contains(s.words, "all") {
				l.fault(file, "line %d: DISCARD ALL: it would give up the lock for migrations; take this statement out", s.line)
			}
		}
		if outside {
			l.checkOutside(file, text, s)
		} else if command := outsideOnly(text, s); command != "" {
			l.fault(file, "line %d: %s cannot run in a transaction; put it into a migration of its own, with the header line %q",
				s.line, command, "-- transaction: none")
		}
	}
}

// checkOutside refuses what a file without a transaction cannot mean.
func (l *loader) checkOutside(file, text string, s statement) {
	switch s.words[0] {
	case "set":
		if len(s.words) > 1 && s.words[1] == "local" {
			l.fault(file, "line %d: SET LOCAL ends with its transaction, and this file has none around it; write SET", s.line)
		}
	case "savepoint", "release", "lock":
		l.fault(file, "line %d: %s needs a transaction, and this file has none around it", s.line, strings.ToUpper(s.words[0]))
	case "create":
		if b, ok := readBuild(text[s.start:s.end]); ok && b.index == "" {
			l.fault(file, "line %d: give the index a name, so that it can be found and repaired when its building is broken off", s.line)
		}
	}
}
