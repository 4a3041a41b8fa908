package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// importing is a list of ids, and an empty database that it goes to.
type importing struct {
	crowd
	ids  int
	ours func(context.Context) *exec.Cmd
	psql func(context.Context) *exec.Cmd
}

// mergeByHand is what one would write for psql: ids come by \copy, and one
// statement merges them. Whoever is allowed already is not written.
const mergeByHand = `\set ON_ERROR_STOP on
BEGIN;
SELECT set_config('af_auth.actor', 'bench', true), set_config('af_auth.reason', 'import of ids.csv', true);
CREATE TEMPORARY TABLE ids (github_user_id bigint NOT NULL) ON COMMIT DROP;
\copy ids FROM '%s' (FORMAT csv, HEADER)
INSERT INTO users AS u (github_user_id, is_whitelisted, whitelist_until, whitelist_decided_at)
SELECT i.github_user_id, true, NULL, now() FROM ids i LEFT JOIN users known USING (github_user_id)
WHERE known.id IS NULL OR NOT known.is_whitelisted OR now() >= known.whitelist_until
ON CONFLICT (github_user_id) DO UPDATE SET
    is_whitelisted = true, whitelist_until = excluded.whitelist_until, whitelist_decided_at = excluded.whitelist_decided_at;
COMMIT;
`

// runImport measures `af-auth import` into an empty table, and again when all
// are there.
func runImport(ctx context.Context, s *site) error {
	c, err := s.crowd(ctx, "import", 1, 1)
	if err != nil {
		return err
	}
	im, err := s.newImporting(c, s.size(1_000_000))
	if err != nil {
		return err
	}
	var ours, theirs, oursAgain, theirsAgain []float64
	for round := -1; round < rounds; round++ {
		first, again, err := im.twice(ctx, im.ours)
		if err != nil {
			return fmt.Errorf("af-auth import: %w", err)
		}
		theirFirst, theirAgain, err := im.twice(ctx, im.psql)
		if err != nil {
			return fmt.Errorf("psql: %w", err)
		}
		if round >= 0 {
			ours, theirs = append(ours, float64(im.ids)/first), append(theirs, float64(im.ids)/theirFirst)
			oursAgain, theirsAgain = append(oursAgain, again*1000), append(theirsAgain, theirAgain*1000)
		}
	}
	title("Import of %s ids, each as a process", thousands(im.ids))
	comparisonHead()
	row("`af-auth import` into an empty table, ids a second", `psql: \copy and the same merge`, ours, theirs, perSecond, "≥ 0.90")
	row("again, all rows there, time", "the same again", oursAgain, theirsAgain, ms, "≤ 3.00")
	return nil
}

func (s *site) newImporting(c crowd, ids int) (*importing, error) {
	program, err := filepath.Abs(s.options.program)
	if err != nil {
		return nil, err
	}
	list, script := filepath.Join(s.folder, "ids.csv"), filepath.Join(s.folder, "merge.sql")
	var b bytes.Buffer
	b.WriteString("github_user_id\n")
	for n := range ids {
		fmt.Fprintln(&b, 10_000_000+7*n)
	}
	if err := os.WriteFile(list, b.Bytes(), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(script, fmt.Appendf(nil, mergeByHand, list), 0o600); err != nil {
		return nil, err
	}
	im := &importing{crowd: c, ids: ids}
	im.ours = func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, "import", list, "--yes") // #nosec G204 -- what is measured
		cmd.Dir = s.folder
		cmd.Env = []string{"PATH=/usr/bin:/bin", "DATABASE_URL=" + c.url, "AF_AUTH_URL=https://" + host}
		return cmd
	}
	im.psql = func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, s.programs.Path("psql"), "-qX", "-f", script, c.url) // #nosec G204 -- what it is measured beside
	}
	return im, nil
}

// twice imports into an empty table and then again, and returns the seconds of
// both.
func (im *importing) twice(ctx context.Context, command func(context.Context) *exec.Cmd) (first, again float64, err error) {
	err = im.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, sql := range []string{"SET session_replication_role = replica", "TRUNCATE users, events CASCADE", "CHECKPOINT"} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	if first, err = im.once(ctx, command); err != nil {
		return 0, 0, err
	}
	again, err = im.once(ctx, command)
	return first, again, err
}

// once returns the seconds that a command takes, and makes sure of what it did.
func (im *importing) once(ctx context.Context, command func(context.Context) *exec.Cmd) (float64, error) {
	cmd := command(ctx)
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begun).Seconds()
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(out)))
	}
	var allowed, recorded int
	err = im.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM users WHERE is_whitelisted),
			(SELECT count(*) FROM events WHERE kind = 'access.allowed')`).Scan(&allowed, &recorded)
	})
	if err == nil && (allowed != im.ids || recorded != im.ids) {
		err = fmt.Errorf("%d of %d people are allowed, and %d events tell of it", allowed, im.ids, recorded)
	}
	return took, err
}
