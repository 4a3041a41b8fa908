package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// metricsToken opens /metrics of the programs that are measured.
const metricsToken = "metrics-of-the-bench" // #nosec G101 -- opens nothing but what is started here

// program is a running `af-auth serve`.
type program struct {
	crowd
	address string
	cmd     *exec.Cmd
	said    bytes.Buffer
	begun   time.Time
}

// serve starts `af-auth serve` on a database, with further settings as NAME=VALUE.
// It does not wait.
func (s *site) serve(ctx context.Context, c crowd, settings ...string) (*program, error) {
	path, err := filepath.Abs(s.options.program)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	p := &program{crowd: c, address: address}
	p.cmd = exec.CommandContext(ctx, path, "serve") // #nosec G204 -- what is measured
	p.cmd.Dir = s.folder
	p.cmd.Env = []string{"PATH=/usr/bin:/bin", "DATABASE_URL=" + c.url, "AF_AUTH_URL=https://" + host, "AF_AUTH_LISTEN=" + address,
		"GITHUB_CLIENT_ID=bench", "GITHUB_CLIENT_SECRET=bench", "AF_AUTH_METRICS_TOKEN=" + metricsToken}
	p.cmd.Env = append(p.cmd.Env, settings...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.begun = time.Now()
	return p, p.cmd.Start()
}

// opens waits until a session is let in, and returns how long that took since
// the start.
func (p *program) opens(ctx context.Context, session string) (time.Duration, error) {
	for time.Since(p.begun) < 20*time.Second {
		c, err := dial(ctx, p.address)
		if err != nil {
			time.Sleep(200 * time.Microsecond)
			continue
		}
		status, err := c.verify(session)
		took := time.Since(p.begun)
		_ = c.conn.Close()
		if err == nil && status == http.StatusOK {
			return took, nil
		}
	}
	return 0, fmt.Errorf("nobody is let in after 20 s:\n%s", &p.said)
}

// kill ends it at once, and takes its row away: nobody needs to wait for it.
func (p *program) kill(ctx context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
	return p.with(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DELETE FROM instances WHERE address = $1", p.address)
		return err
	})
}

// metric reads one number that it tells of itself.
func (p *program) metric(ctx context.Context, name string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+metricsToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s tells no %s", answer.Status, name)
}

// leased waits until it decides from memory.
func (p *program) leased(ctx context.Context) error {
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		if v, err := p.metric(ctx, "af_auth_gate_memory_leased"); err == nil && v == 1 {
			return nil
		}
	}
	return fmt.Errorf("it does not decide from memory after 20 s:\n%s", &p.said)
}

// footprint is how much memory a process has, in bytes.
type footprint struct {
	resident int // now
	own      int // of that, not pages of files, which the kernel can take back
	most     int // resident at any time
}

func (p *program) footprint() (footprint, error) { return footprintOf(p.cmd.Process.Pid) }

// footprintOf asks Linux.
func footprintOf(pid int) (f footprint, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return f, fmt.Errorf("how much memory a process has is known on Linux only: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			f.resident = kib << 10
		case "RssAnon":
			f.own = kib << 10
		case "VmHWM":
			f.most = kib << 10
		}
	}
	return f, nil
}
