package page

import (
	"crypto/sha256"
	_ "embed" // for the files below
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

const assetsPath = "/assets/"

var (
	//go:embed assets/studio.css
	stylesheet string
	//go:embed assets/studio.js
	script string
	//go:embed assets/sql.js
	sqlScript string
	// htmx 2.0.11 from npm; its licence stands beside it.
	//go:embed assets/htmx.min.js
	htmx string
	//go:embed assets/mark.svg
	mark string
)

type asset struct{ contentType, body string }

type assetSet struct {
	served map[string]asset
	names  map[string]string
}

var assets = loadAssets()

// loadAssets names each file after its content, so that browsers may keep it and
// two releases can stand side by side.
func loadAssets() assetSet {
	set := assetSet{served: make(map[string]asset), names: make(map[string]string)}
	for _, f := range []struct{ stem, ext, contentType, body string }{
		{"studio", ".css", "text/css; charset=utf-8", stylesheet},
		{"studio", ".js", "text/javascript; charset=utf-8", script},
		{"sql", ".js", "text/javascript; charset=utf-8", sqlScript},
		{"htmx", ".js", "text/javascript; charset=utf-8", htmx},
		{"mark", ".svg", "image/svg+xml", mark},
	} {
		sum := sha256.Sum256([]byte(f.body))
		name := f.stem + "." + hex.EncodeToString(sum[:6]) + f.ext
		set.served[name] = asset{f.contentType, f.body}
		set.names[f.stem+f.ext] = name
	}
	return set
}

// Asset serves one file by its name, which holds a hash of the content; false:
// there is none of that name.
func Asset(w http.ResponseWriter, r *http.Request, name string) bool {
	file, ok := assets.served[name]
	if !ok {
		return false
	}
	w.Header().Set("Content-Type", file.contentType)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, strings.NewReader(file.body))
	return true
}
