package postgres_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the checksum of the generated queries")

const checksumFile = "query/CHECKSUM"

// TestQueriesFresh fails when schema, queries or settings of sqlc have changed
// since the Go code was generated, or the generated code was edited. It costs
// milliseconds; sqlc itself takes minutes to build.
func TestQueriesFresh(t *testing.T) {
	var files []string
	for _, pattern := range []string{"schema/*.sql", "queries/*.sql", "query/*.go", "../../sqlc.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("nothing matches %s (%v)", pattern, err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	var want strings.Builder
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&want, "%x  %s\n", sha256.Sum256(content), filepath.ToSlash(name))
	}
	if *update {
		if err := os.WriteFile(checksumFile, []byte(want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(checksumFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Errorf("the queries' Go code is stale: run make generate\nrecorded:\n%s\nnow:\n%s", got, want.String())
	}
}
