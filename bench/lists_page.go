package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// peoplePage measures the page of people as an administrator's browser asks for
// it: the sign-in is checked, the totals and both lists are read, what is told of
// 50 people is looked up, and the page is drawn.
func (s *site) peoplePage(ctx context.Context, c crowd) (took []time.Duration, err error) {
	const admin = 1
	p, err := s.serve(ctx, c, fmt.Sprintf("AF_AUTH_ADMINS=#%d", admin))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.kill(ctx)) }()
	session := token(admin).Reveal()
	if _, err := p.opens(ctx, session); err != nil {
		return nil, err
	}
	for n := -20; n < 200; n++ {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/auth/people", nil)
		if err != nil {
			return nil, err
		}
		r.Host = host
		r.Header.Set("Cookie", "__Host-af_auth="+session)
		r.Header.Set("Accept", "text/html")
		begun := time.Now()
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		size, err := io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			return nil, errors.Join(fmt.Errorf("the page of people: %s, %d bytes", answer.Status, size), err)
		}
		if n >= 0 {
			took = append(took, time.Since(begun))
		}
	}
	slices.Sort(took)
	return took, nil
}
