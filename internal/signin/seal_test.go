package signin

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

func newTestSealer(t testing.TB, secret string) sealer {
	t.Helper()
	s, err := newSealer(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedValues(t *testing.T) {
	t.Parallel()
	s := newTestSealer(t, "secret")
	p := pending{State: "state", Verifier: "verifier", To: Destination{Host: "app.example.test", Path: `/?a&"<é`, Nonce: "n"}}
	sealed, err := s.seal("state", p)
	if err != nil {
		t.Fatal(err)
	}
	var got pending
	if err := s.open("state", sealed, &got); err != nil || got != p {
		t.Fatalf("%+v, %v", got, err)
	}
	again, err := s.seal("state", p)
	if err != nil || again == sealed {
		t.Errorf("sealed twice alike, %v", err)
	}
	// Another instance knows the same secret and opens it; a stranger does not.
	if err := newTestSealer(t, "secret").open("state", sealed, &got); err != nil {
		t.Error(err)
	}
	for name, try := range map[string]func() error{
		"another secret":  func() error { return newTestSealer(t, "secres").open("state", sealed, &got) },
		"another purpose": func() error { return s.open("notice", sealed, &got) },
		"no purpose":      func() error { return s.open("", sealed, &got) },
		"empty":           func() error { return s.open("state", "", &got) },
		"padded":          func() error { return s.open("state", sealed+"=", &got) },
		"cut":             func() error { return s.open("state", sealed[:len(sealed)-4], &got) },
		"the other alphabet": func() error {
			raw, _ := base64.RawURLEncoding.DecodeString(sealed)
			return s.open("state", base64.StdEncoding.EncodeToString(raw), &got)
		},
		"too long": func() error { return s.open("state", strings.Repeat("A", maxSealed+1), &got) },
	} {
		if try() == nil {
			t.Errorf("%s: opens", name)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 1
		if s.open("state", base64.RawURLEncoding.EncodeToString(raw), &got) == nil {
			t.Errorf("opens with byte %d changed", i)
		}
		raw[i] ^= 1
	}
}

// FuzzOpen: what one secret sealed comes back for that secret and purpose, and
// nothing in the world opens for another.
func FuzzOpen(f *testing.F) {
	s, stranger := newTestSealer(f, "secret"), newTestSealer(f, "another secret")
	sealed, err := s.seal(purposeState, pending{State: "s"})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "A", sealed, sealed[1:], sealed + sealed, strings.Repeat("A", 60), "!!!", "\x00"} {
		f.Add(seed, purposeState)
		f.Add(seed, purposeNotice)
	}
	f.Fuzz(func(t *testing.T, value, purpose string) {
		var p pending
		if err := stranger.open(purpose, value, &p); err == nil {
			t.Errorf("%q opens for %q as %+v", value, purpose, p)
		}
		mine, err := s.seal(purpose, value)
		if err != nil {
			t.Fatal(err)
		}
		var back string
		err = s.open(purpose, mine, &back)
		if len(mine) <= maxSealed && (err != nil || back != asJSON(t, value)) || len(mine) > maxSealed && err == nil {
			t.Errorf("%q comes back as %q, %v", value, back, err)
		}
		if s.open(purpose+"x", mine, &back) == nil || stranger.open(purpose, mine, &back) == nil {
			t.Errorf("%q opens for somebody else", value)
		}
	})
}

// asJSON is what a string becomes on its way through JSON: invalid UTF-8 is
// replaced.
func asJSON(t *testing.T, s string) (back string) {
	t.Helper()
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}
