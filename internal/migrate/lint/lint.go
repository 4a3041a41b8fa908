package lint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// Finding is one thing that a file should not do, or not in this way.
type Finding struct {
	File     string   `json:"file"` // its name, of the up or the down file
	Line     int      `json:"line"` // where the statement or the comment begins, from 1
	Rule     string   `json:"rule"` // its ID, as in Rules
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // what it does to what, in one line
	// Lock is what the statement locks, and what that blocks; "" where no lock
	// is the point.
	Lock string `json:"lock"`
	Why  string `json:"why"`
	Safe string `json:"safe"` // SQL or steps, in a few lines
}

// Options of Run.
type Options struct {
	// Shadow is the empty database on which the files are tried.
	Shadow diff.Shadow
	// Schema is the name of the schema that the files are run in; "" means
	// "public". What they do in other schemas counts as well.
	Schema string
	// Only are the versions of the files to look at; nil means all. The others
	// are run, up to the newest of these, and not looked at.
	Only []string
}

func (o Options) schema() string { return cmp.Or(o.Schema, "public") }

// looksAt reports whether a file is to be looked at.
func (o Options) looksAt(f migrate.File) bool {
	return o.Only == nil || slices.Contains(o.Only, f.Version)
}

// needed returns the files up to the last that is looked at.
func (o Options) needed(files []migrate.File) []migrate.File {
	for i, f := range slices.Backward(files) {
		if o.looksAt(f) {
			return files[:i+1]
		}
	}
	return nil
}

// Run replays the files, as [migrate.Load] returned them, and returns what it
// found, in the order of files and lines.
//
// Errors: [*diff.FileError] for a statement that the server refuses, with what
// was found before it; [*diff.ShadowError].
func Run(ctx context.Context, files []migrate.File, o Options) ([]Finding, error) {
	if o.Shadow == nil {
		return nil, errors.New("lint: no shadow database was given")
	}
	files = o.needed(files)
	if len(files) == 0 {
		return nil, nil
	}
	var out []Finding
	// The notices of one connection, which is used by one goroutine.
	var said notices
	src := diff.Replay("run the migrations on the shadow database", func(ctx context.Context, conn *pgx.Conn) error {
		for _, f := range files {
			r := replay{conn: conn, said: &said, options: o, file: f}
			found, err := r.run(ctx)
			out = append(out, found...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	_, err := diff.Read(ctx, src, diff.Options{Schema: o.Schema, Shadow: said.hear(o.Shadow)})
	if err != nil {
		return out, fmt.Errorf("lint: %w", err)
	}
	return out, nil
}

// notices are the messages that the server has sent.
type notices struct{ list []string }

// hear returns a shadow whose connection notes what the server says.
func (n *notices) hear(open diff.Shadow) diff.Shadow {
	return func(ctx context.Context) (*pgx.ConnConfig, func(context.Context) error, error) {
		config, closing, err := open(ctx)
		if err != nil {
			return nil, nil, err
		}
		config = config.Copy()
		config.OnNotice = func(_ *pgconn.PgConn, m *pgconn.Notice) { n.list = append(n.list, m.Message) }
		return config, closing, nil
	}
}

// take returns the messages, and forgets them.
func (n *notices) take() []string {
	list := n.list
	n.list = nil
	return list
}
