package lint

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// downMissing notes that there is no way back.
func (look *inspection) downMissing() {
	look.add(place{look.file.UpName(), 1, 0}, found{rule: DownMissing, what: "there is no " + look.file.DownName()}, "")
}

// back tries the way back, and leaves the schema as the up file made it.
func (r *replay) back(ctx context.Context, look *inspection, before catalog.Catalog) error {
	refused, after, err := r.tryBack(ctx)
	if err != nil {
		return err
	}
	f := found{rule: DownDiffers}
	line := 1
	switch {
	case refused != nil:
		line, f.what = refused.line, "does not run: "+refused.err.Error()
	case r.file.Lost == "":
		left := catalog.Compare(before, after, catalog.Grants, catalog.Database)
		if len(left) > 0 {
			f.what = "does not lead back to the schema before the up file:" + lines(left)
		}
	}
	if f.what != "" {
		look.add(place{r.file.DownName(), line, 0}, f, "")
	}
	return nil
}

// mostLines bounds how many differences a finding lists.
const mostLines = 20

// lines lists differences, one a line, in words that fit a way back.
func lines(list []catalog.Difference) string {
	var b strings.Builder
	for i, d := range list {
		if i == mostLines {
			fmt.Fprintf(&b, "\n  and %d more", len(list)-i)
			break
		}
		name := strings.TrimSpace(string(d.Kind) + " " + d.Object)
		switch {
		case d.Missing:
			b.WriteString("\n  " + name + ": does not come back")
		case d.Extra:
			b.WriteString("\n  " + name + ": stays")
		default:
			b.WriteString("\n  " + strings.ReplaceAll(d.String(), "\n", "\n  "))
		}
	}
	return b.String()
}

// downError is a statement of a down file that the server refused.
type downError struct {
	line int
	err  error
}

// tryBack runs the down file and reads what it leads to. One in a transaction is
// rolled back again; one without is made good by running the up file once more.
func (r *replay) tryBack(ctx context.Context) (refused *downError, after catalog.Catalog, err error) {
	if err := r.exec(ctx, "RESET ALL; "+migrate.Settings(r.options.schema())+"; SET client_min_messages TO warning"); err != nil {
		return nil, after, err
	}
	statements := r.file.Statements(true)
	if !r.file.DownOutside {
		if err := r.exec(ctx, "BEGIN"); err != nil {
			return nil, after, err
		}
	}
	for _, st := range statements {
		if err := r.exec(ctx, st.SQL); err != nil {
			var pg *pgconn.PgError
			if !errors.As(err, &pg) {
				return nil, after, err
			}
			refused = &downError{st.Line, err}
			break
		}
	}
	if refused == nil {
		if after, err = r.catalogue(ctx); err != nil {
			return nil, after, err
		}
	}
	if !r.file.DownOutside {
		return refused, after, r.exec(ctx, "ROLLBACK")
	}
	if err := r.forward(ctx, nil); err != nil {
		return refused, after, fmt.Errorf("%s runs outside a transaction, and after it the up file cannot be run again: %w", r.file.DownName(), err)
	}
	return refused, after, nil
}
