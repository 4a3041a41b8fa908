package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"testing"
)

var update = flag.Bool("update", false, "write the golden list of routes anew")

// TestRoutesGolden keeps the list of routes and their guards: whoever opens a
// door changes this file, and a reader of the change sees it.
func TestRoutesGolden(t *testing.T) {
	t.Parallel()
	const golden = "testdata/routes.golden"
	got, err := exec.CommandContext(t.Context(), "af-auth", "routes").Output()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the routes are not those of %s; where that is meant, run make generate:\n%s", golden, got)
	}
}
