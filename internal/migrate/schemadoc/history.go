package schemadoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
)

// history writes what each migration did, newest first.
func (w *writer) history(files []migrate.File) {
	if len(files) == 0 {
		return
	}
	w.line("## History")
	for _, f := range slices.Backward(files) {
		w.line("### ", heading(f.Version+"_"+f.Name))
		w.line(facts(f))
		if about := prose(f.About()); about != "" {
			w.line(about)
		}
		if f.Lost != "" {
			var list []string
			for line := range strings.Lines(f.Lost) {
				list = append(list, "- "+text(line))
			}
			w.line("Going back loses for good:")
			w.line(strings.Join(list, "\n"))
		}
	}
}

// facts is what the header says in its fields.
func facts(f migrate.File) string {
	var words []string
	if f.Schema != "" {
		words = append(words, "Schema "+text(f.Schema))
	}
	if f.Kind != "" {
		words = append(words, text(f.Kind))
	}
	if f.Outside {
		words = append(words, "without a transaction around it")
	}
	if f.Batch.Table != "" {
		words = append(words, fmt.Sprintf("in batches of %d over %s by %s", f.Batch.Size, heading(f.Batch.Table), heading(f.Batch.Column)))
	}
	if f.NoDown {
		words = append(words, "no way back")
	}
	if len(words) == 0 {
		return "No version, no kind."
	}
	return strings.Join(words, " · ")
}
