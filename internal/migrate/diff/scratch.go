package diff

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Scratch is the shadow database in somebody's hands, for work that is more than
// one comparison or one plan. Rights of named roles do not count on it.
type Scratch struct{ shadow *shadow }

// OnShadow opens the shadow, hands it over, and leaves it as it was.
func OnShadow(ctx context.Context, o Options, work func(*Scratch) error) error {
	return withShadow(ctx, o, func(s *shadow) error { return work(&Scratch{s}) })
}

// Conn leads to the shadow. Its search_path is the schema and pg_temp.
func (s *Scratch) Conn() *pgx.Conn { return s.shadow.conn }

// Read returns what the schema holds.
func (s *Scratch) Read(ctx context.Context) (catalog.Catalog, error) {
	if err := s.shadow.settle(ctx); err != nil {
		return catalog.Catalog{}, err
	}
	return s.shadow.read(ctx)
}

// Wipe drops everything.
func (s *Scratch) Wipe(ctx context.Context) error { return s.shadow.wipe(ctx) }

// Reproduce makes in the empty schema what a catalogue holds, and returns what
// could not be made, such as what needs a foreign server.
func (s *Scratch) Reproduce(ctx context.Context, want catalog.Catalog) ([]catalog.Difference, error) {
	err := s.shadow.make(ctx, want)
	var incomplete *IncompleteError
	if errors.As(err, &incomplete) {
		return incomplete.Left, nil
	}
	return nil, err
}

// Way finds the statements that lead from what the schema holds to a catalogue,
// and leaves the schema as it is. Unlike [Make] it never drops something to make
// it again because it is in the way.
//
// Its error is an [*IncompleteError] where there is no such way.
func (s *Scratch) Way(ctx context.Context, want catalog.Catalog) ([]Step, error) {
	conn := s.shadow.conn
	b := &builder{conn: conn, schema: s.shadow.options.schema(), want: strip(want, false), parts: []catalog.Part{catalog.Grants},
		read: s.shadow.stripped, careful: true}
	if _, err := conn.PgConn().Exec(ctx, "BEGIN").ReadAll(); err != nil {
		return nil, err
	}
	err := b.run(ctx)
	if _, rollback := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll(); rollback != nil && err == nil {
		err = rollback
	}
	return b.steps, err
}

// stripped reads the schema without what belongs to an installation.
func (s *shadow) stripped(ctx context.Context) (catalog.Catalog, error) {
	c, err := s.read(ctx)
	return strip(c, s.options.Roles), err
}
