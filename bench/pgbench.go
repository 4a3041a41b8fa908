package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
)

// pgbench runs a script by PostgreSQL's own pgbench: a program in C that does
// nothing else.
type pgbench struct {
	program, url, script string
}

// pgbench writes a script for a database. In it, :n is a person.
func (s *site) pgbench(c crowd, name, sql string) (pgbench, error) {
	p := pgbench{s.programs.Path("pgbench"), c.url, filepath.Join(s.folder, fmt.Sprintf("%s-%d.sql", name, c.people))}
	return p, os.WriteFile(p.script, fmt.Appendf(nil, "\\set n random(1, %d)\n%s", c.people, sql), 0o600)
}

// rate returns transactions a second. pgbench counts in whole seconds.
func (p pgbench) rate(ctx context.Context, length time.Duration) (float64, error) {
	seconds := strconv.Itoa(max(1, int(math.Ceil(length.Seconds()))))
	cmd := exec.CommandContext(ctx, p.program, "--no-vacuum", "--protocol=prepared", "--client="+strconv.Itoa(clients), "--jobs=2", // #nosec G204 -- what is measured
		"--time="+seconds, "--file="+p.script, p.url)
	out, err := cmd.CombinedOutput()
	found := regexp.MustCompile(`(?m)^tps = ([0-9.]+)`).FindSubmatch(out)
	if err == nil && (found == nil || bytes.Contains(out, []byte("ERROR"))) {
		err = errors.New("it tells no rate; on a very busy machine no transaction ended in time")
	}
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// The same person as that of profile, the same token as that of token, and a
// new token, written in SQL.
const (
	sqlNick  = "encode(sha256((:n)::bigint::text::bytea), 'hex')"
	sqlKnown = "sha256(rtrim(translate(encode(sha256(('bench ' || (:n)::bigint::text)::bytea), 'base64'), '+/', '-_'), '=')::bytea)"
	sqlFresh = "decode(md5(random()::text) || md5(random()::text), 'hex')"
)

// signInScript is the very statement of a sign-in.
func signInScript() string {
	hash := afauth.TokenHash{1}
	return signInStatement(-1, "login", "name", "email", hash).script(map[any]string{
		int64(-1): "(:n)::bigint",
		"login":   "('dev-' || left(" + sqlNick + ", 8))",
		"name":    "('Person ' || substr(" + sqlNick + ", 9, 6))",
		"email":   "(left(" + sqlNick + ", 8) || '@example.com')",

		string(hash[:]): sqlFresh,
	})
}

// verifyScript is the gate's very question.
func verifyScript() string {
	s := findStatement()
	s.args[0] = "token"
	return s.script(map[any]string{"token": sqlKnown})
}
