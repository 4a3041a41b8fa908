package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// cookieName is that of a session where there is https.
const cookieName = "__Host-af_auth"

// caller is a keep-alive connection to a server, as of a proxy that asks about
// each request. It costs a fraction of net/http's client, so that most of the
// processor is left to the server.
type caller struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	form string // of the question
}

// The forms of a question: up to the session, which is the last cookie.
const (
	plainly = "GET /auth/verify HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: bench\r\nCookie: " + cookieName + "="
	// As deploy/nginx asks.
	asNginx = "GET /auth/verify HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-For: 192.0.2.1\r\nX-Original-URI: /d/abc123/overview?from=now-6h\r\n" +
		"User-Agent: bench\r\nCookie: " + cookieName + "="
	// As deploy/caddy and deploy/traefik ask.
	asCaddy = "GET /auth/forward HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: " + host +
		"\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /d/abc123/overview?from=now-6h\r\nUser-Agent: bench\r\nCookie: " + cookieName + "="
)

func dial(ctx context.Context, address string) (*caller, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &caller{conn: conn, in: bufio.NewReader(conn), form: plainly}, nil
}

// verify asks whether this session may pass, and returns the status.
func (c *caller) verify(session string) (status int, err error) {
	c.out = append(c.out[:0], c.form...)
	c.out = append(append(c.out, session...), "\r\n\r\n"...)
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, err
	}
	return c.answer()
}

// answer reads one whole answer.
func (c *caller) answer() (status int, err error) {
	length := 0
	for first := true; ; first = false {
		l, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		l = bytes.TrimRight(l, "\r\n")
		name, value, _ := bytes.Cut(l, []byte(":"))
		switch {
		case first && len(l) >= 12:
			status, err = strconv.Atoi(string(l[9:12]))
		case first:
			err = fmt.Errorf("no answer of HTTP: %q", l)
		case len(l) == 0:
			_, err = io.CopyN(io.Discard, c.in, int64(length))
			return status, err
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
		if err != nil {
			return 0, err
		}
	}
}

// callers are connections that a server keeps.
type callers []*caller

func dialAll(ctx context.Context, address string, n int) (list callers, err error) {
	for range n {
		c, err := dial(ctx, address)
		if err != nil {
			list.close()
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func (l callers) close() {
	for _, c := range l {
		_ = c.conn.Close()
	}
}

// drive lets all of them ask, each its next question when it has its answer, for
// as long as more says so of a question; only 200 is an answer. next is the
// session that a question is about.
func (l callers) drive(ctx context.Context, more func(n int) bool, next func(n int) string) (asked int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var numbers, done atomic.Int64
	var all sync.WaitGroup
	for _, c := range l {
		all.Go(func() {
			for n := int(numbers.Add(1)); more(n) && ctx.Err() == nil; n = int(numbers.Add(1)) {
				status, err := c.verify(next(n))
				if err == nil && status != 200 {
					err = fmt.Errorf("the answer is %d", status)
				}
				if err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return int(done.Load()), context.Cause(ctx)
}

// lasting ends drive after a time.
func lasting(length time.Duration) func(int) bool {
	end := time.Now().Add(length)
	return func(int) bool { return time.Now().Before(end) }
}
