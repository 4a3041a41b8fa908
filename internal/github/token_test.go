package github_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/github"
)

func TestTokenHidesItself(t *testing.T) {
	t.Parallel()
	tok := github.Token{
		AccessToken: testAccess, RefreshToken: "ghr_REFRESHrefreshREFRESHrefreshREFRESHrefresh",
		Scopes: []string{"user:email"}, ExpiresIn: 8 * time.Hour, RefreshExpiresIn: time.Hour,
	}
	wrapped := struct {
		T github.Token
		P *github.Token
		M map[string]github.Token
		A any
	}{tok, &tok, map[string]github.Token{"x": tok}, tok}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%T"} {
		fmt.Fprintf(&out, verb+"\n", tok)
		fmt.Fprintf(&out, verb+"\n", &tok)
		fmt.Fprintf(&out, verb+"\n", wrapped)
		fmt.Fprintf(&out, verb+"\n", []github.Token{tok})
		fmt.Fprintf(&out, verb+"\n", newClient(t, "https://github.com"))
	}
	fmt.Fprintln(&out, tok.String(), tok.GoString(), fmt.Errorf("x: %v", tok))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		l := slog.New(h)
		l.Info("x", "token", tok, "pointer", &tok, "wrapped", wrapped, "group", slog.GroupValue(slog.Any("t", tok)))
	}
	for _, v := range []any{tok, &tok, wrapped} {
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := xml.NewEncoder(&out).Encode(tok); err != nil {
		t.Fatal(err)
	}
	leaks(t, "User", out.String())
	leaks(t, "Refresh", out.String())
	if strings.Contains(out.String(), "7a6b5c4d") || strings.Contains(out.String(), fmt.Sprintf("%x", testAccess)) {
		t.Error("a secret is shown in another form")
	}
	if !strings.Contains(tok.String(), "user:email") || !strings.Contains(tok.String(), "8h") {
		t.Errorf("a token that says too little: %s", tok)
	}
}
