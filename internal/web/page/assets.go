package page

import (
	"crypto/sha256"
	_ "embed" // for the files below
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

const assetsPath = "/auth/assets/"

var (
	//go:embed assets/page.css
	stylesheet string
	//go:embed assets/console.css
	consoleStylesheet string
	//go:embed assets/people.js
	peopleScript string
	//go:embed assets/page.js
	pageScript string
	//go:embed assets/waiting.js
	waitingScript string
	//go:embed assets/mark.svg
	mark string
)

type asset struct {
	contentType string
	etag        string
	body        string
}

// assetSet holds the files by the name that they are served under, and those
// names by the name that templates use.
type assetSet struct {
	served map[string]asset
	names  map[string]string
}

// loadAssets names each file after its content, name.HASH.ext, so that it may
// be kept by browsers for ever and two releases can stand side by side.
func loadAssets() assetSet {
	set := assetSet{served: make(map[string]asset), names: make(map[string]string)}
	for _, f := range []struct{ stem, ext, contentType, body string }{
		{"page", ".css", "text/css; charset=utf-8", stylesheet},
		{"console", ".css", "text/css; charset=utf-8", consoleStylesheet},
		{"people", ".js", "text/javascript; charset=utf-8", peopleScript},
		{"page", ".js", "text/javascript; charset=utf-8", pageScript},
		{"waiting", ".js", "text/javascript; charset=utf-8", waitingScript},
		{"mark", ".svg", "image/svg+xml", mark},
	} {
		sum := sha256.Sum256([]byte(f.body))
		hash := hex.EncodeToString(sum[:6])
		name := f.stem + "." + hash + f.ext
		set.served[name] = asset{contentType: f.contentType, etag: `"` + hash + `"`, body: f.body}
		set.names[f.stem+f.ext] = name
	}
	return set
}

// url is the path of a file by the name that templates use. A name that is not
// there gives a path that is answered with 404; a test follows every link.
func (s assetSet) url(name string) string { return assetsPath + s.names[name] }

// Assets serves GET and HEAD /auth/assets/NAME. Names hold a hash of the
// content, so answers may be kept for a year; every other name is 404 and is
// not kept.
func Assets() http.Handler {
	set := loadAssets()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		name, _ := strings.CutPrefix(r.URL.Path, assetsPath)
		file, ok := set.served[name]
		if !ok {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", file.contentType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("ETag", file.etag)
		http.ServeContent(w, r, name, time.Time{}, strings.NewReader(file.body))
	})
}
