package githubsim_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/af-auth/af-auth/internal/githubsim"
)

// Under a stranger's name there is nothing here, whatever the door.
func TestHost(t *testing.T) {
	t.Parallel()
	s := githubsim.New(githubsim.Options{ClientID: "c", ClientSecret: "s"})
	s.SetURL("http://127.0.0.1:8082")
	for host, want := range map[string]bool{
		"127.0.0.1:8082": true, "localhost:8082": true, "LOCALHOST:8082": true,
		"evil.test": false, "evil.test:8082": false, "127.0.0.1": false, "127.0.0.1:8080": false, "localhost": false, "localhost.evil.test:8082": false, "": false,
	} {
		for _, path := range []string{"/_sim", "/", "/api/v3/meta"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			out := httptest.NewRecorder()
			s.ServeHTTP(out, r)
			if answered := out.Code != http.StatusMisdirectedRequest; answered != want {
				t.Errorf("%q %s: %d", host, path, out.Code)
			}
		}
	}
}
