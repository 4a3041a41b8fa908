package page_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	afauth "github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web/page"
)

// codes reads every constant of type Code out of the root package's source, so
// that a new one cannot be forgotten here.
func codes(t *testing.T) []afauth.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []afauth.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		for _, value := range spec.Values {
			code, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, afauth.Code(code))
		}
		return true
	})
	if len(found) < 20 {
		t.Fatalf("found only %d codes", len(found))
	}
	return found
}

func TestEveryCodeHasWords(t *testing.T) {
	t.Parallel()
	r := renderer(t)
	titles := make(map[string]afauth.Code)
	for _, code := range codes(t) {
		f := page.FailureFor(page.Chrome{Host: "auth.example.com"}, page.Incident{
			Code: code, Again: "/auth/sign-in", Reference: "7QX2-M4KD", When: time.Date(2026, 11, 23, 14, 16, 9, 0, time.UTC),
		})
		if other, ok := titles[f.Title]; ok {
			t.Errorf("%s has the title of %s: it is missing, or not told apart", code, other)
		}
		titles[f.Title] = code
		if f.Status < 400 || f.Status > 599 || http.StatusText(f.Status) == "" || f.Status != page.Status(code) {
			t.Errorf("%s: status %d, and %d by itself", code, f.Status, page.Status(code))
		}
		if f.Action.Label == "" || !strings.HasPrefix(f.Action.Href, "/auth/") || f.Reason != string(code) {
			t.Errorf("%s: action %v, reason %q", code, f.Action, f.Reason)
		}
		for _, sentence := range append([]string{f.What}, f.Next...) {
			auditWords(t, code, sentence)
			if !strings.HasSuffix(sentence, ".") {
				t.Errorf("%s: %q is no sentence", code, sentence)
			}
		}
		auditWords(t, code, f.Title)
		audit(t, render(t, r, f))
	}
}

// auditWords holds failures to the house's way of speaking.
func auditWords(t *testing.T, code afauth.Code, s string) {
	t.Helper()
	lower := strings.ToLower(s)
	for _, word := range []string{"oops", "please", "sorry", "successfully", "!", "{", "}"} {
		if strings.Contains(lower, word) {
			t.Errorf("%s: %q has %q in it", code, s, word)
		}
	}
}

func TestFailureDetails(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 11, 23, 14, 16, 9, 0, time.FixedZone("CET", 3600))
	for _, test := range []struct {
		name string
		in   page.Incident
		want string
	}{
		{"expired, start known", page.Incident{Code: afauth.CodeStateExpired, When: when, StartedAt: when.Add(-14*time.Minute - 20*time.Second)},
			"It was started 14 minutes ago and we accept an answer from GitHub for 10 minutes only. Nothing was changed, and nobody was signed in."},
		{"expired, start not known", page.Incident{Code: afauth.CodeStateExpired, When: when},
			"We accept an answer from GitHub for 10 minutes only, and this one came later. Nothing was changed, and nobody was signed in."},
		{"expired, started in the future", page.Incident{Code: afauth.CodeStateExpired, When: when, StartedAt: when.Add(time.Hour)},
			"We accept an answer from GitHub for 10 minutes only, and this one came later. Nothing was changed, and nobody was signed in."},
		{"GitHub down", page.Incident{Code: afauth.CodeGitHubDown, Waited: 8 * time.Second},
			"We tried for 8 seconds. People who are signed in are not affected."},
		{"rate limited", page.Incident{Code: afauth.CodeRateLimited, RetryAfter: 39100 * time.Millisecond},
			"More sign-ins came from your address than we accept, so this one was not begun. People who are signed in are not affected. Try again in 40 seconds."},
		{"GitHub's limit", page.Incident{Code: afauth.CodeGitHubLimited, RetryAfter: 61 * time.Second},
			"We have asked GitHub more than it takes from one application, so nobody was signed in. People who are signed in are not affected. Try again in 2 minutes."},
		{"GitHub's limit, a minute", page.Incident{Code: afauth.CodeGitHubLimited, RetryAfter: time.Minute},
			"We have asked GitHub more than it takes from one application, so nobody was signed in. People who are signed in are not affected. Try again in 1 minute."},
		{"not found names the host", page.Incident{Code: afauth.CodeNotFound}, "auth.example.com has nothing at this address. Nothing was changed."},
	} {
		if got := page.FailureFor(page.Chrome{Host: "auth.example.com"}, test.in).What; got != test.want {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
	expired := page.FailureFor(page.Chrome{}, page.Incident{Code: afauth.CodeStateExpired, When: when})
	if got := expired.Next[len(expired.Next)-1]; !strings.HasSuffix(got, "Ours says 13:16 UTC.") {
		t.Errorf("the clock: %q", got)
	}
}

func TestUnknownCodeIsToldAsInternal(t *testing.T) {
	t.Parallel()
	internal := page.FailureFor(page.Chrome{}, page.Incident{Code: afauth.CodeInternal})
	unknown := page.FailureFor(page.Chrome{}, page.Incident{Code: "made_up"})
	if unknown.Title != internal.Title || unknown.Status != http.StatusInternalServerError || unknown.Reason != "made_up" {
		t.Errorf("an unknown code gives %d %q %q", unknown.Status, unknown.Title, unknown.Reason)
	}
	if got := page.Status("made_up"); got != http.StatusInternalServerError {
		t.Errorf("status %d", got)
	}
}

func TestActionLeadsWhereItHelps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code  afauth.Code
		again string
		want  string
	}{
		{afauth.CodeStateExpired, "/auth/sign-in?return_to=x", "/auth/sign-in?return_to=x"},
		{afauth.CodeStateExpired, "", "/auth/"},
		{afauth.CodeNotFound, "/auth/nowhere", "/auth/"},
	} {
		if got := page.FailureFor(page.Chrome{}, page.Incident{Code: test.code, Again: test.again}).Action.Href; got != test.want {
			t.Errorf("%s, again %q: leads to %q, want %q", test.code, test.again, got, test.want)
		}
	}
}
