package page_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	afauth "github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web/page"
)

// views are all kinds of view; fill gives them content.
func views() []page.View {
	return []page.View{
		&page.Home{}, &page.SignIn{}, &page.Waiting{}, &page.Refused{},
		&page.Failure{}, &page.SignOut{}, &page.SignedOut{}, &page.About{},
		&page.Message{}, &page.People{}, &page.PersonPage{}, &page.AllowSomebody{}, &page.Confirm{},
	}
}

// fill puts text into every string below v, and something into all else. With
// full false, pointers stay nil and lists empty.
func fill(v reflect.Value, text string, full bool) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, time.November, 23, 14, 4, 11, 0, time.UTC)))
	case v.Type() == reflect.TypeFor[time.Duration]():
		v.SetInt(int64(36 * time.Hour))
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		v.SetBool(full)
	case v.CanInt():
		v.SetInt(3)
	case v.Kind() == reflect.Pointer && full:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, full)
	case v.Kind() == reflect.Slice && full:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text, full)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, full)
		}
	}
}

// states are the values of Access that a view is tried with; one for views
// without it.
func states(v page.View) []afauth.Access {
	if reflect.ValueOf(v).Elem().FieldByName("Access").IsValid() {
		return []afauth.Access{afauth.Allowed, afauth.Waiting, afauth.Refused, afauth.Expired, "unheard of"}
	}
	return []afauth.Access{""}
}

func renderer(t testing.TB) *page.Renderer {
	t.Helper()
	r, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func render(t testing.TB, r *page.Renderer, v page.View) string {
	t.Helper()
	var b strings.Builder
	if err := r.Render(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPagesHoldAnyContent(t *testing.T) {
	t.Parallel()
	r := renderer(t)
	for _, text := range []string{
		"ordinary",
		`<script>alert(1)</script>`,
		`" onmouseover="alert(1)`,
		`' onmouseover='alert(1)`,
		"` onmouseover=`alert(1)",
		`javascript:alert(1)`,
		" \tJaVaScRiPt:alert(1)",
		`data:text/html,<script>alert(1)</script>`,
		`vbscript:msgbox(1)`,
		`</title></noscript><img src=x onerror=alert(1)>`,
		`--><style>*{display:none}</style><!--`,
		`&quot;><svg onload=alert(1)>`,
		`{{.}} {{template "main"}}`,
		"\u202eمحمد\u2066\u200f",
		"a\x00b\r\nc",
		strings.Repeat("x", 5000),
	} {
		for _, v := range views() {
			for _, access := range states(v) {
				for _, full := range []bool{true, false} {
					elem := reflect.ValueOf(v).Elem()
					fill(elem, text, full)
					elem.FieldByName("Origin").SetString("")
					if access != "" {
						elem.FieldByName("Access").Set(reflect.ValueOf(access))
					}
					audit(t, render(t, r, v))
				}
			}
			if t.Failed() {
				t.Fatalf("%T with %.80q", v, text)
			}
		}
	}
}

func FuzzPagesHoldAnyContent(f *testing.F) {
	r := renderer(f)
	f.Add("Mona Octocat", "https://avatars.githubusercontent.com/u/583231")
	f.Add(`"><script>alert(1)</script>`, "javascript:alert(1)")
	f.Fuzz(func(t *testing.T, text, link string) {
		// The checker reads XML, which has no control characters and no stray
		// bytes; a browser shows them as nothing or as a box.
		clean := func(r rune) rune {
			if (r < ' ' && r != '\t' && r != '\n') || r == 0xFFFE || r == 0xFFFF {
				return -1
			}
			return r
		}
		text, link = strings.Map(clean, strings.ToValidUTF8(text, "")), strings.Map(clean, strings.ToValidUTF8(link, ""))
		person := page.Person{Name: text, Login: text, GitHubID: 1, AvatarURL: link}
		chrome := page.Chrome{Host: "auth.example.com", Path: link, Dev: true, Contact: &page.Contact{Label: "x" + text, Href: "/" + link}}
		audit(t, render(t, r, page.Waiting{
			Chrome: chrome, Person: person, App: text, AppHost: text, GoesTo: text,
			CheckURL: "x" + link, AnotherURL: "?" + link, EventsURL: link,
		}))
	})
}

func TestHostileTextIsShownAsText(t *testing.T) {
	t.Parallel()
	const hostile = `<script>alert("x")</script>`
	html := render(t, renderer(t), page.SignIn{App: hostile, ContinueURL: "javascript:alert(1)"})
	all := audit(t, html)
	if got := find(all, "h1")[0].text; got != "Sign in to "+hostile {
		t.Errorf("the heading says %q", got)
	}
	for _, a := range find(all, "a") {
		if strings.Contains(a.text, "Continue") && a.attrs["href"] != "#ZgotmplZ" {
			t.Errorf("the link leads to %q", a.attrs["href"])
		}
	}
}

func TestLinksToAssetsAreServed(t *testing.T) {
	t.Parallel()
	r, assets := renderer(t), page.Assets()
	for _, v := range views() {
		fill(reflect.ValueOf(v).Elem(), "x", true)
		reflect.ValueOf(v).Elem().FieldByName("Origin").SetString("")
		for _, e := range parse(t, render(t, r, v)) {
			path := e.attrs["src"] + e.attrs["href"]
			if !strings.HasPrefix(path, "/auth/assets/") {
				continue
			}
			w := httptest.NewRecorder()
			assets.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != http.StatusOK {
				t.Errorf("%T: %s: status %d", v, path, w.Code)
			}
		}
	}
}

func TestWaitingWorksWithoutScript(t *testing.T) {
	t.Parallel()
	all := audit(t, render(t, renderer(t), page.Waiting{CheckURL: "/auth/continue", AnotherURL: "/auth/github"}))
	var refreshes int
	for _, e := range find(all, "meta") {
		if e.attrs["http-equiv"] == "refresh" && e.attrs["content"] == "10" && strings.Join(e.parents, " ") == "html head noscript" {
			refreshes++
		}
	}
	if refreshes != 1 {
		t.Errorf("the page has %d refreshes of 10 s inside noscript, want 1", refreshes)
	}
}

func TestCommandShowsBesideTheSimulatorOnly(t *testing.T) {
	t.Parallel()
	r := renderer(t)
	for _, dev := range []bool{true, false} {
		html := render(t, r, page.Waiting{Chrome: page.Chrome{Dev: dev}, Person: page.Person{Login: "octocat"}})
		if got := strings.Contains(html, "af-auth allow octocat"); got != dev {
			t.Errorf("dev %v: the command shows: %v", dev, got)
		}
	}
}

func TestTheme(t *testing.T) {
	t.Parallel()
	r := renderer(t)
	for theme, want := range map[string]struct{ scheme, pressed string }{
		"light": {"light", "light"}, "dark": {"dark", "dark"}, "system": {"", "system"}, "": {"", "system"}, "purple": {"", "system"},
	} {
		all := audit(t, render(t, r, page.SignedOut{Chrome: page.Chrome{Host: "h", Theme: theme, Path: "/auth/?a=b&c"}, SignInURL: "/"}))
		if got := find(all, "html")[0].attrs["data-theme"]; got != want.scheme {
			t.Errorf("theme %q: data-theme is %q, want %q", theme, got, want.scheme)
		}
		for _, b := range find(all, "button") {
			if pressed := b.attrs["aria-pressed"] == "true"; pressed != (b.attrs["value"] == want.pressed) {
				t.Errorf("theme %q: the button %s has pressed %v", theme, b.attrs["value"], pressed)
			}
		}
		if form := find(all, "form")[0]; form.attrs["action"] != "/auth/theme" || form.attrs["method"] != "post" {
			t.Errorf("the form is %v", form.attrs)
		}
		if back := find(all, "input")[0]; back.attrs["name"] != "back" || back.attrs["value"] != "/auth/?a=b&c" {
			t.Errorf("the form returns to %v", back.attrs)
		}
	}
}

func TestPageOnAnotherHostKeepsItsLinksAtHome(t *testing.T) {
	t.Parallel()
	const origin = "https://auth.example.com"
	html := render(t, renderer(t), page.FailureFor(
		page.Chrome{Host: "auth.example.com", Origin: origin}, page.Incident{Code: afauth.CodeWrongHost}))
	all := parse(t, html)
	for _, e := range all {
		for _, name := range []string{"href", "src", "action"} {
			if v, ok := e.attrs[name]; ok && !strings.HasPrefix(v, origin+"/auth/") {
				t.Errorf("<%s %s=%q> does not lead home", e.name, name, v)
			}
		}
	}
	if n := len(find(all, "form")); n != 0 {
		t.Errorf("the page has %d forms", n)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestRenderReportsFaults(t *testing.T) {
	t.Parallel()
	r := renderer(t)
	if err := r.Render(io.Discard, nil); err == nil {
		t.Error("no view: no error")
	}
	broken := brokenWriter{errors.New("the reader is gone")}
	if err := r.Render(broken, page.SignedOut{}); !errors.Is(err, broken.err) {
		t.Errorf("broken writer: %v", err)
	}
}
