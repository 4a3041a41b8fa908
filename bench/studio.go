package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// studio is a running `af-auth db studio`.
type studio struct {
	link string // opens it once
	cmd  *exec.Cmd
	said bytes.Buffer
	http http.Client
}

// openStudio starts studio on a database, and waits for its link.
func (s *site) openStudio(ctx context.Context, database string) (_ *studio, err error) {
	path, err := filepath.Abs(s.options.program)
	if err != nil {
		return nil, err
	}
	p := &studio{cmd: exec.CommandContext(ctx, path, "db", "studio", "--no-open", "--port", "0")} // #nosec G204 -- what is measured
	p.cmd.Dir = s.folder
	p.cmd.Env = []string{"PATH=/usr/bin:/bin", "DATABASE_URL=" + database}
	p.cmd.Stderr = &p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first, err := bufio.NewReader(out).ReadString('\n')
	link, ok := strings.CutPrefix(strings.TrimSpace(first), "studio: ")
	if err != nil || !ok {
		p.end()
		return nil, fmt.Errorf("studio begins with %q (%w)\n%s", first, err, &p.said)
	}
	p.link = link
	return p, nil
}

// enter uses the link up, as a browser with its cookie.
func (p *studio) enter(ctx context.Context) (err error) {
	if p.http.Jar, err = cookiejar.New(nil); err != nil {
		return err
	}
	p.http.Transport = &http.Transport{DisableCompression: true}
	_, err = p.get(ctx, p.link)
	return err
}

func (p *studio) end() {
	p.http.CloseIdleConnections()
	_ = p.cmd.Process.Signal(os.Interrupt)
	late := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.cmd.Wait()
}

// at is the address of a path of this studio.
func (p *studio) at(path string) string {
	u, err := url.Parse(p.link)
	if err != nil {
		return p.link
	}
	return u.Scheme + "://" + u.Host + path
}

// answered is a page, and how long it took from the request to its last byte.
type answered struct {
	status int
	body   []byte
	took   time.Duration
}

// get asks for an address.
func (p *studio) get(ctx context.Context, address string) (a answered, err error) {
	begun := time.Now()
	err = p.fetch(ctx, address, func(r *http.Response) error {
		a.status = r.StatusCode
		a.body, err = io.ReadAll(r.Body)
		return err
	})
	a.took = time.Since(begun)
	return a, err
}

func (p *studio) fetch(ctx context.Context, address string, read func(*http.Response) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := p.http.Do(r)
	if err != nil {
		return err
	}
	return errors.Join(read(answer), answer.Body.Close())
}

// page asks for a page of rows, and makes sure that so many are on it at least.
func (p *studio) page(ctx context.Context, path string, least int) (time.Duration, error) {
	a, err := p.get(ctx, p.at(path))
	if err != nil {
		return 0, err
	}
	if rows := bytes.Count(a.body, []byte(`<tr id="row-`)); a.status != http.StatusOK || rows < least {
		return 0, fmt.Errorf("%s: status %d with %d rows for %d\n%s", path, a.status, rows, least, &p.said)
	}
	return a.took, nil
}
