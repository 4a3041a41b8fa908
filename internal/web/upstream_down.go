package web

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// stalled is how long a client may neither take nor send a byte while one is
// due. The deadlines of our own pages are for whole requests; here a long one
// may last as long as it moves.
const stalled = time.Minute

// passage carries an application's answer to the client: at its own pace, with
// none of af-auth's cookies overwritten.
type passage struct {
	http.ResponseWriter
	ctx     context.Context // of this one request
	control *http.ResponseController
	from    io.ReadCloser
	begun   atomic.Bool // the answer is on its way
	endless atomic.Bool // and is a stream or a WebSocket
}

func newPassage(ctx context.Context, w http.ResponseWriter, body io.ReadCloser) *passage {
	p := &passage{ResponseWriter: w, ctx: ctx, control: http.NewResponseController(w), from: body}
	// From here on each read and write has a deadline of its own. A client that
	// sends its header slowly was cut off before.
	_ = p.control.SetReadDeadline(time.Time{})
	return p
}

// modify runs before any of the answer is sent, be it a page or an upgrade.
func (p *passage) modify(res *http.Response) error {
	dropOwnCookies(res.Header)
	if res.Header.Get("X-Request-Id") != "" {
		p.Header().Del("X-Request-Id")
	}
	upgraded := res.StatusCode == http.StatusSwitchingProtocols
	if upgraded {
		p.begun.Store(true)
	}
	p.endless.Store(upgraded || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream"))
	return nil
}

// dropOwnCookies takes out what would overwrite af-auth's cookies, or stand
// beside them: two of one name are none.
func dropOwnCookies(h http.Header) {
	if set := slices.DeleteFunc(h["Set-Cookie"], ownCookie); len(set) > 0 {
		h["Set-Cookie"] = set
		return
	}
	delete(h, "Set-Cookie")
}

// WriteHeader sends a status. Those of 1xx come by here alone.
func (p *passage) WriteHeader(status int) {
	dropOwnCookies(p.Header())
	if status >= 200 {
		p.begun.Store(true)
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *passage) Write(b []byte) (int, error) {
	if err := p.mayWrite(); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}

// FlushError sends what is buffered, for http.ResponseController.
func (p *passage) FlushError() error {
	if err := p.mayWrite(); err != nil {
		return err
	}
	return p.control.Flush()
}

// mayWrite moves the deadline, and then looks whether cut was quicker: it ends
// the context before it sets a deadline that has passed.
func (p *passage) mayWrite() error {
	_ = p.control.SetWriteDeadline(time.Now().Add(stalled))
	return p.ctx.Err()
}

// Unwrap lets http.ResponseController reach the connection.
func (p *passage) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// cut ends whatever waits for the client, once the context has ended.
func (p *passage) cut() {
	past := time.Unix(1, 0)
	_ = p.control.SetReadDeadline(past)
	if p.begun.Load() {
		_ = p.control.SetWriteDeadline(past)
	}
}

// rest leaves time for the end of an answer that has been silent for long.
func (p *passage) rest() {
	if p.ctx.Err() == nil || !p.begun.Load() {
		_ = p.control.SetWriteDeadline(time.Now().Add(stalled))
	}
}

// body is what the client sends, each piece within its time.
func (p *passage) body() io.ReadCloser { return upload{p} }

type upload struct{ *passage }

func (u upload) Read(b []byte) (int, error) {
	_ = u.control.SetReadDeadline(time.Now().Add(stalled))
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.from.Read(b)
	if u.ctx.Err() == nil {
		// Behind the end of the body net/http goes on reading, to hear of a client
		// that hangs up. That one may be silent as long as it likes.
		_ = u.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

func (u upload) Close() error { return u.from.Close() }
