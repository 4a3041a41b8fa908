package web

import "testing"

// What is taken without thought is taken with thought too, and means the same.
func FuzzPlainest(f *testing.F) {
	for _, uri := range []string{"/", "/a/b.c?x=%2e", "/a//b", "/./a", "/..", "/a%2Fb", "/a;b", `/a\b`, "/a#b", "a", "", "/é", "/a b", "/a?b c", "//", "/a/.b", "/a:b@c,d+e=f"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !plainest(uri) {
			return
		}
		u, ok := target(uri)
		if !ok || !canonical(u) || u.Path == "/.af-auth" {
			t.Errorf("plainest takes %q, target says %v", uri, ok)
		}
	})
}
