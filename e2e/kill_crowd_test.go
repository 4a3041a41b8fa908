//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// session is a sign-in that was acknowledged.
type session struct {
	login  string
	cookie *http.Cookie
}

// people sign in without end, each of them once.
type people struct {
	auth  string
	leave func() // returns when the last one has gone

	mu   sync.Mutex
	list []session
}

func (v *victim) crowdIn() *people {
	c := &people{auth: v.url()}
	gone := make(chan struct{})
	var all sync.WaitGroup
	for n := range crowd {
		all.Go(func() { c.come(gone, fmt.Sprintf("crowd-%d", n)) })
	}
	c.leave = sync.OnceFunc(func() { close(gone); all.Wait() })
	return c
}

// come lets one new person after the other sign in. Whoever finds the server
// dead does not count, and the next one comes a little later.
func (c *people) come(gone <-chan struct{}, family string) {
	client := plainClient()
	for n := 0; ; n++ {
		pause := time.Duration(0)
		if s, ok := c.signIn(client, fmt.Sprintf("%s-%d", family, n)); ok {
			c.mu.Lock()
			c.list = append(c.list, s)
			c.mu.Unlock()
		} else {
			pause = 10 * time.Millisecond
		}
		select {
		case <-gone:
			return
		case <-time.After(pause):
		}
	}
}

func (c *people) acknowledged() []session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// signIn walks to GitHub and back. It succeeds when the answer is a redirect
// with a session cookie.
func (c *people) signIn(client *http.Client, login string) (session, bool) {
	out, err := client.Get(c.auth + "/auth/github")
	if err != nil {
		return session{}, false
	}
	_ = out.Body.Close()
	back, err := client.PostForm(out.Header.Get("Location"), url.Values{"login": {login}})
	if err != nil {
		return session{}, false
	}
	_ = back.Body.Close()
	r, err := http.NewRequest(http.MethodGet, back.Header.Get("Location"), nil)
	if err != nil {
		return session{}, false
	}
	for _, cookie := range out.Cookies() {
		r.AddCookie(cookie)
	}
	done, err := client.Do(r)
	if err != nil {
		return session{}, false
	}
	_ = done.Body.Close()
	name := "af_auth_" + r.URL.Port()
	for _, cookie := range done.Cookies() {
		if done.StatusCode == http.StatusSeeOther && cookie.Name == name && cookie.Value != "" {
			return session{login, cookie}, true
		}
	}
	return session{}, false
}

// plainClient follows no redirect and keeps no cookie.
func plainClient() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
