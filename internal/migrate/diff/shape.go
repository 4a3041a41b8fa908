package diff

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Shape takes the shape of a schema, for [migrate.Options]. What it looks like
// depends on the major version of the server, so that stands before the
// fingerprint.
//
// Of rights, those of PUBLIC count: they are the same in every installation, and
// a table that everybody may write is a change that somebody should hear of.
// Rights of named roles and owners differ, and change without a migration by
// right.
func Shape(ctx context.Context, conn *pgx.Conn, namespace string) (migrate.Shape, error) {
	c, err := catalog.Read(ctx, conn, namespace, migrate.Tables()...)
	if err != nil {
		return migrate.Shape{}, err
	}
	c.Objects = slices.DeleteFunc(c.Objects, func(o catalog.Object) bool { return o.Kind == catalog.DefaultRights })
	for i, o := range c.Objects {
		c.Objects[i].Grants = slices.DeleteFunc(o.Grants, func(g catalog.Grant) bool { return g.Role != "PUBLIC" })
	}
	major, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	return migrate.Shape{Fingerprint: major + ":" + c.Fingerprint(catalog.Grants), Text: c.Text(catalog.Grants)}, nil
}
