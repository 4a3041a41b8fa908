package diff

import (
	"context"
	"errors"
	"fmt"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// maker makes one plan on the shadow.
type maker struct {
	shadow   *shadow
	from, to Source
	options  Options
	plan     *Plan
}

func (m *maker) make(ctx context.Context) (err error) {
	second, err := openSecond(ctx, m.shadow)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, second.close()) }()

	wanted, err := m.shadow.materialise(ctx, m.to)
	if err != nil {
		return err
	}
	second.remember(ctx)
	if err := m.shadow.wipe(ctx); err != nil {
		return err
	}
	found, err := m.shadow.materialise(ctx, m.from)
	if err != nil {
		return err
	}
	want, have := countable(wanted, found, m.to.live(), m.from.live(), m.options.Roles)
	m.plan.Differences = catalog.Compare(want, have, parts()...)
	m.plan.Candidates = candidates(want, have, m.plan.Differences)
	if len(m.plan.Differences) == 0 {
		return nil
	}

	if m.plan.Up, err = m.way(ctx, want, m.options.Renames); err != nil {
		return err
	}
	if err := second.compare(ctx); err != nil {
		return err
	}
	m.plan.Unchecked = second.unable
	for _, s := range m.plan.Up {
		if s.Destructive {
			m.plan.Lost = append(m.plan.Lost, s.Note)
		}
	}
	m.plan.Down, err = m.way(ctx, have, reversed(m.options.Renames))
	var incomplete *IncompleteError
	if errors.As(err, &incomplete) {
		incomplete.Back = true
	}
	return err
}

// way finds the statements that lead from what the shadow holds to what is
// wanted, and then runs them there as a migration would. After an
// [*IncompleteError] it returns those that were found.
func (m *maker) way(ctx context.Context, want catalog.Catalog, renames []Rename) ([]Step, error) {
	b := m.builder(want)
	conn := m.shadow.conn
	if _, err := conn.PgConn().Exec(ctx, "BEGIN").ReadAll(); err != nil {
		return nil, err
	}
	err := b.rename(ctx, renames)
	if err == nil {
		err = b.run(ctx)
	}
	if _, rollback := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll(); rollback != nil && err == nil {
		err = rollback
	}
	if err != nil {
		return b.steps, err
	}
	if err := runFile(ctx, conn, "the plan", SQL(b.steps)); err != nil {
		return b.steps, err
	}
	got, err := b.read(ctx)
	if err != nil {
		return b.steps, err
	}
	if left := b.differences(got); len(left) > 0 {
		return b.steps, &IncompleteError{Left: left}
	}
	return b.steps, nil
}

// builder returns one that leads to a catalogue. What does not count between
// the sources does not count for it.
func (m *maker) builder(want catalog.Catalog) *builder {
	live := m.from.live() || m.to.live()
	read := m.shadow.read
	if live {
		read = func(ctx context.Context) (catalog.Catalog, error) {
			c, err := m.shadow.read(ctx)
			return strip(c, m.options.Roles), err
		}
	}
	return &builder{conn: m.shadow.conn, schema: m.options.schema(), want: want, read: read, parts: parts(), lenient: live}
}

// rename runs the renames that the caller asked for.
func (b *builder) rename(ctx context.Context, list []Rename) error {
	for _, s := range renameSteps(list) {
		refused, err := b.exec(ctx, []Step{s})
		if err != nil {
			return err
		}
		if refused != nil {
			return fmt.Errorf("%s: %w", s.SQL, refused)
		}
		b.steps = append(b.steps, s)
	}
	return nil
}
