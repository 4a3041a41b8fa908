package page

import (
	"html"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// TestDrawnIsTheTemplate: a row drawn by hand is the row that html/template
// draws, whatever stands in it.
func TestDrawnIsTheTemplate(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	// html/template writes a plus as &#43; too, which is the same to a browser.
	same := func(s string) string { return strings.NewReplacer("&#43;", "+", "\x00", "\uFFFD").Replace(s) }
	for n := range 2000 {
		l := anyLine(rand.New(rand.NewPCG(1, uint64(n)))) // #nosec G404 -- no secret
		if !l.Quiet() {
			t.Fatalf("not quiet: %+v", l)
		}
		var b strings.Builder
		if err := r.pages["grid"].ExecuteTemplate(&b, "line", &l); err != nil {
			t.Fatal(err)
		}
		if got, want := same(string(l.Drawn())), same(b.String()); got != want {
			t.Fatalf("drawn:\n%s\nby the template:\n%s", got, want)
		}
	}
}

// TestDrawnKeepsText: no value leaves its place.
func TestDrawnKeepsText(t *testing.T) {
	for _, hostile := range hostileTexts[1:] {
		l := Line{ID: hostile, Cells: []Cell{{Shown: value.Shown{Look: value.Plain, Text: hostile, Note: hostile}, ID: hostile, Edit: hostile}}}
		drawn := string(l.Drawn())
		if n := strings.Count(drawn, "<"); n != 8 { // tr, td, span, span, and their ends
			t.Errorf("%q makes %d tags: %s", hostile, n, drawn)
		}
		if !strings.Contains(html.UnescapeString(drawn), ">"+strings.ReplaceAll(hostile, "\x00", "\uFFFD")+"<") {
			t.Errorf("%q is not shown: %s", hostile, drawn)
		}
	}
}

var hostileTexts = []string{"", "plain", "<script>alert(1)</script>", `" onclick="x`, "' onclick='x", "&amp;&lt;", "a+b", "\x00", "</td></tr>", "`", "ä\u2028ö", "{{.}}", "-->", "<!--"}

func anyLine(r *rand.Rand) Line {
	pick := func() string { return hostileTexts[r.IntN(len(hostileTexts))] }
	yes := func() bool { return r.IntN(2) == 0 }
	href := func() string {
		if yes() {
			return ""
		}
		return address.Base("").Row("public", pick()+"x", address.Key([]string{pick(), "1"}), address.View{Search: pick(), Sort: pick()})
	}
	looks := []value.Look{value.Plain, value.Null, value.Empty, value.Masked, value.Closed, value.Number, value.Bytes, value.Default}
	l := Line{ID: "row-" + pick(), Href: href(), Current: yes(), DeleteHref: href(), Version: pick()}
	for range r.IntN(4) {
		c := Cell{Shown: value.Shown{Look: looks[r.IntN(len(looks))], Text: pick(), Note: pick(), Cut: yes()}, Href: href(), Right: yes(), Sticky: yes(), Fits: yes(), Edit: href()}
		if yes() {
			c.ID = "cell-" + pick()
		}
		l.Cells = append(l.Cells, c)
	}
	for range r.IntN(3) {
		l.Related = append(l.Related, Link{Text: pick(), Href: href()})
	}
	return l
}
