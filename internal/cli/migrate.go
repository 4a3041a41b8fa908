package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/postgres"
)

type dbCmd struct {
	Migrate migrateCmd `cmd:"" help:"Bring the schema up to date, and see where it is."`
	Psql    psqlCmd    `cmd:"" help:"Open psql on the database."`
}

type migrateCmd struct {
	Dev    migrateDevCmd    `cmd:"" help:"Development: apply what is pending; with --name, write a new pair of files."`
	Deploy migrateDeployCmd `cmd:"" help:"Production: apply what is pending."`
	Status migrateStatusCmd `cmd:"" help:"Say what is applied and what is not."`
	Adopt  migrateAdoptCmd  `cmd:"" help:"Take over a database that Prisma or somebody's hand made."`
}

// Where af-auth's own migrations and wanted schema are written.
const (
	sourceFolder = "internal/postgres/migrations"
	sourceSchema = "internal/postgres/schema"
)

type migrateDevCmd struct {
	Name       string `help:"Write a new migration with this name." placeholder:"NAME"`
	CreateOnly bool   `help:"Write the files and apply nothing."`
	Dir        string `help:"Folder of the migrations." default:"${migrations_dir}" type:"path"`
}

// Run creates and applies migrations.
func (c *migrateDevCmd) Run(ctx context.Context, e *Env) error {
	settings, err := e.load()
	if err != nil {
		return err
	}
	if settings.Production {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "db migrate dev is for development, and these settings are for production",
			Hint: "af-auth db migrate deploy"}
	}
	if c.Name != "" {
		up, down, err := migrate.Create(c.Dir, c.Name, e.Now())
		if err != nil {
			return err
		}
		e.say("wrote %s\nwrote %s", e.short(up), e.short(down))
		e.say("Write the change and its way back, then run: af-auth db migrate dev")
		return nil
	}
	if c.CreateOnly {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "--create-only needs a name", Hint: "--name add_column"}
	}
	// In the tree of the source, the files on disk are newer than those built in.
	var files fs.FS = postgres.Migrations()
	if info, err := os.Stat(c.Dir); err == nil && info.IsDir() {
		files = os.DirFS(c.Dir)
	}
	return e.deploy(ctx, settings, files)
}

type migrateDeployCmd struct{}

// Run applies what is pending.
func (c *migrateDeployCmd) Run(ctx context.Context, e *Env) error {
	settings, err := e.load()
	if err != nil {
		return err
	}
	return e.deploy(ctx, settings, postgres.Migrations())
}

func (e *Env) deploy(ctx context.Context, settings *config.Config, fsys fs.FS) error {
	files, err := migrate.Load(fsys)
	if err != nil {
		return err
	}
	conn, err := e.ownerConn(ctx, settings)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	result, err := migrate.Deploy(ctx, conn, files, migrate.Options{Actor: e.whoAmI(), Progress: e.migrationProgress})
	if err != nil {
		return err
	}
	if len(result.Applied) == 0 {
		e.say("nothing to do: the schema is at %s", result.SchemaVersion)
		return nil
	}
	e.say("applied %s; the schema is at %s", count(len(result.Applied), "migration"), result.SchemaVersion)
	return nil
}

func (e *Env) migrationProgress(v migrate.Event) {
	switch v.Kind {
	case migrate.Waiting:
		_, _ = fmt.Fprintf(e.Stderr, "waiting: %s migrates this database\n", v.Holder)
	case migrate.Applied:
		e.say("%d/%d  %s_%s  %s", v.Number, v.Total, v.File.Version, v.File.Name, v.Took.Round(time.Millisecond))
	}
}

// ownerConn connects as the role that may change the schema.
func (e *Env) ownerConn(ctx context.Context, c *config.Config) (*pgx.Conn, error) {
	url := first(c.OwnerURL, c.DirectURL, c.DatabaseURL)
	if url.IsZero() {
		return nil, c.Need("DATABASE_URL")
	}
	return dialer(c, url, "af-auth migrate", e.quiet()).Connect(ctx)
}

type migrateStatusCmd struct {
	JSON bool `help:"Print JSON."`
}

// Help is shown by --help.
func (migrateStatusCmd) Help() string {
	return "Exit code 0: in sync. 2: migrations are pending. 3: files were changed or are missing."
}

// statusJSON is what scripts read.
type statusJSON struct {
	InSync        bool     `json:"in_sync"`
	SchemaVersion string   `json:"schema_version"`
	Applied       []string `json:"applied"`
	Pending       []string `json:"pending"`
	Edited        []string `json:"edited"`
	Missing       []string `json:"missing"`
	OutOfOrder    []string `json:"out_of_order"`
}

// Run says where the schema is.
func (c *migrateStatusCmd) Run(ctx context.Context, e *Env) error {
	settings, err := e.load()
	if err != nil {
		return err
	}
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return err
	}
	conn, err := e.ownerConn(ctx, settings)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	state, err := migrate.Read(ctx, conn, files)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := e.printJSON(statusJSON{
			InSync: state.InSync(), SchemaVersion: state.SchemaVersion,
			Applied: recordNames(state.Applied), Pending: fileNames(state.Pending), Edited: fileNames(state.Edited),
			Missing: recordNames(state.Missing), OutOfOrder: fileNames(state.OutOfOrder),
		}); err != nil {
			return err
		}
	} else {
		e.printStatus(state)
	}
	switch {
	case len(state.Edited)+len(state.Missing)+len(state.OutOfOrder) > 0:
		return exit{3}
	case len(state.Pending) > 0:
		return exit{2}
	}
	return nil
}

func (e *Env) printStatus(state migrate.State) {
	wrong := map[string]string{}
	for _, f := range state.Edited {
		wrong[f.Version] = "edited after it was applied"
	}
	for _, r := range state.Missing {
		wrong[r.Version] = "applied, but this release has no such file"
	}
	for _, f := range state.OutOfOrder {
		wrong[f.Version] = "older than what is applied"
	}
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "MIGRATION\tSCHEMA\tSTATE\tWHEN\tTOOK")
		for _, r := range state.Applied {
			word := "applied"
			if s, ok := wrong[r.Version]; ok {
				word = s
			}
			_, _ = fmt.Fprintf(w, "%s_%s\t%s\t%s\t%s\t%s\n", r.Version, r.Name, dash(r.Schema), word, stamp(r.AppliedAt), r.Took.Round(time.Millisecond))
		}
		for _, f := range state.Pending {
			word := "pending"
			if s, ok := wrong[f.Version]; ok {
				word = s
			}
			_, _ = fmt.Fprintf(w, "%s_%s\t%s\t%s\t-\t-\n", f.Version, f.Name, dash(f.Schema), word)
		}
	})
	switch {
	case len(wrong) > 0:
		e.say("\nnot in sync: the files of this release are not those that were applied")
	case len(state.Pending) > 0:
		e.say("\n%s pending; apply: af-auth db migrate deploy", count(len(state.Pending), "migration"))
	default:
		e.say("\nin sync; the schema is at %s", state.SchemaVersion)
	}
}

func fileNames(list []migrate.File) []string {
	out := make([]string, 0, len(list))
	for _, f := range list {
		out = append(out, f.Version+"_"+f.Name)
	}
	return out
}

func recordNames(list []migrate.Record) []string {
	out := make([]string, 0, len(list))
	for _, r := range list {
		out = append(out, r.Version+"_"+r.Name)
	}
	return out
}

// short shows a path as people would type it here.
func (e *Env) short(path string) string {
	if rel, err := filepath.Rel(e.Dir, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
