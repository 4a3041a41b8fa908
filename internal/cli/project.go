package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgserver"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
)

// projectFlags say whose migrations a command is about: af-auth's own, which are
// built in, or, with --dir, those of anybody's PostgreSQL project.
type projectFlags struct {
	Dir    string  `help:"Folder of the migrations; without it, af-auth's own." placeholder:"DIR" type:"path"`
	Schema string  `help:"Folder of .sql files that describe the wanted schema; without it, af-auth's own, or none beside --dir." placeholder:"DIR" type:"path"`
	URL    *string `name:"url" help:"The database; without it, AF_AUTH_OWNER_URL, else DIRECT_URL, else DATABASE_URL." placeholder:"URL"`
}

// shadowFlags name the empty database on which files are tried.
type shadowFlags struct {
	ShadowURL *string `name:"shadow-url" help:"An empty database to try files on; without it AF_AUTH_SHADOW_URL, else a private PostgreSQL on this machine." placeholder:"URL"`
}

// project is a folder of migrations, the schema that it should lead to, and a
// database.
type project struct {
	env      *Env
	settings *config.Config
	own      bool   // af-auth's own
	writing  bool   // the command is for writing the files
	dir      string // of the migrations, "" where they are built in
	files    []migrate.File
	schema   fs.FS // the wanted state; nil where there is none
	// where it is, "" where it is built in or there is none.
	schemaDir string
	url       pgurl.URL
	// guarded: what changes the database is shown and asked for first.
	guarded bool
}

// project reads the files of a project. Those of af-auth are the built-in ones,
// unless the command is for writing them (source) and runs in their tree.
func (e *Env) project(f projectFlags, source bool) (*project, error) {
	settings, err := e.load()
	if err != nil {
		return nil, err
	}
	return e.projectWith(settings, f, source)
}

func (e *Env) projectWith(settings *config.Config, f projectFlags, source bool) (_ *project, err error) {
	p := &project{env: e, settings: settings, own: f.Dir == "", writing: source, dir: f.Dir, schemaDir: f.Schema, guarded: settings.Production}
	if p.url, err = given("--url", f.URL); err != nil {
		return nil, err
	}
	if p.own && source && isDir(filepath.Join(e.Dir, sourceFolder)) {
		p.dir = filepath.Join(e.Dir, sourceFolder)
		if p.schemaDir == "" && isDir(filepath.Join(e.Dir, sourceSchema)) {
			p.schemaDir = filepath.Join(e.Dir, sourceSchema)
		}
	}
	switch {
	case p.schemaDir != "":
		if !isDir(p.schemaDir) {
			return nil, noFolder("--schema", p.schemaDir)
		}
		p.schema = os.DirFS(p.schemaDir)
	case p.own:
		p.schema = postgres.Schema()
	}
	return p, p.read()
}

// given is the URL of a flag; the zero URL where it was not given. Given empty, as
// by an unset variable of a script, it is an error: another database would be
// the worst answer to that.
func given(flag string, value *string) (pgurl.URL, error) {
	switch {
	case value == nil:
		return pgurl.URL{}, nil
	case *value == "":
		return pgurl.URL{}, &afauth.Error{Code: afauth.CodeInvalid, Message: flag + " is empty", Hint: "leave it out, or name a database"}
	}
	return pgurl.Parse(*value)
}

// read reads the folder of migrations, again after something was written there.
func (p *project) read() (err error) {
	var folder fs.FS = postgres.Migrations()
	if p.dir != "" {
		if !isDir(p.dir) {
			return noFolder("--dir", p.dir)
		}
		folder = os.DirFS(p.dir)
	}
	rules := migrate.Rules{HeaderOptional: !p.own, DownOptional: !p.own, Unlisted: p.writing}
	p.files, err = rules.Load(folder)
	return noRights(p.dir, p.writing, err)
}

// noRights names a folder that may not be read, which the file system behind it
// calls ".", and the rights that are missing. What is wrong with its files is
// said by their names already.
func noRights(dir string, writing bool, err error) error {
	var files *migrate.LoadError
	if !errors.Is(err, fs.ErrPermission) || errors.As(err, &files) {
		return err
	}
	rights := "the right to list it and to read its files (r-x)"
	if writing {
		rights = "the right to list it, and to read and write its files (rwx)"
	}
	return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("the folder of migrations %s cannot be read: %v", dir, err),
		Hint: "whoever runs af-auth needs " + rights + ": " + shellWords([]string{"ls", "-ld", dir}), Err: err}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func noFolder(flag, path string) error {
	return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("there is no folder %s", path), Hint: flag + " names a folder that is there"}
}

// address is the database of a project, as the role that may change the schema.
func (p *project) address() (pgurl.URL, error) {
	if url := first(p.url, p.settings.OwnerURL, p.settings.DirectURL, p.settings.DatabaseURL); !url.IsZero() {
		return url, nil
	}
	return pgurl.URL{}, p.env.needDatabase(p.settings)
}

// command is how to run a command of db migrate on this project, to be pasted. A
// database that was named stays a word: its URL may hold a password.
func (p *project) command(words string) string {
	text := "af-auth db migrate " + words
	if !p.own {
		text += " --dir " + p.env.short(p.dir)
	}
	if !p.url.IsZero() {
		text += " --url URL"
	}
	return text
}

// outdated reports whether the records are of files that stand in af-auth's own
// tree, and that this program does not have built in.
func (p *project) outdated(missing []migrate.Record) bool {
	dir := filepath.Join(p.env.Dir, sourceFolder)
	if !p.own || p.dir != "" || len(missing) == 0 || !isDir(dir) {
		return false
	}
	for _, r := range missing {
		if _, err := os.Stat(filepath.Join(dir, r.FileName())); err != nil {
			return false
		}
	}
	return true
}

// connect opens a direct connection to the database.
func (p *project) connect(ctx context.Context) (*pgx.Conn, error) {
	url, err := p.address()
	if err != nil {
		return nil, err
	}
	return dialer(p.settings, url, "af-auth migrate", p.env.quiet()).Connect(ctx)
}

// withConn runs fn on a connection of its own.
func (p *project) withConn(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}

// options are what every change of a schema is made with.
func (p *project) options() migrate.Options {
	o := migrate.Options{Actor: p.env.whoAmI(), Release: p.env.Version, Progress: p.env.migrationProgress, Shape: diff.Shape, Stamp: catalog.Stamp, NoStrangers: true}
	if p.own {
		o.OlderInstances = func(ctx context.Context, conn *pgx.Conn, _ migrate.File) ([]string, error) {
			return postgres.OlderInstances(ctx, conn, p.env.Version)
		}
	}
	return o
}

// diffOptions are what schemas are compared with.
func (p *project) diffOptions(f shadowFlags) (diff.Options, error) {
	shadow, err := p.shadow(f)
	if err != nil {
		return diff.Options{}, err
	}
	o := diff.Options{Shadow: shadow}
	if url, err := p.address(); err == nil {
		o.Schema = url.Schema
	}
	return o, nil
}

// shadow is the scratch database: the one that was named, a new one in the
// private server that runs in this tree, or one in a server started for it.
func (p *project) shadow(f shadowFlags) (diff.Shadow, error) {
	url, err := given("--shadow-url", f.ShadowURL)
	if err != nil {
		return nil, err
	}
	if url = first(url, p.settings.ShadowURL); !url.IsZero() {
		config, err := pgx.ParseConfig(url.Pgx())
		if err != nil {
			return nil, err
		}
		return diff.At(config), nil
	}
	return func(ctx context.Context) (*pgx.ConnConfig, func(context.Context) error, error) {
		if data := p.env.dataDir(); data != "" {
			address, err := pgserver.Lookup(data)
			if err == nil {
				return diff.NewDatabase(ctx, address.URL("postgres"))
			}
			if !errors.Is(err, pgserver.ErrNotRunning) && !errors.Is(err, fs.ErrPermission) {
				return nil, nil, err
			}
		}
		return scratchServer(ctx)
	}, nil
}

// scratchServer starts a private PostgreSQL that is gone afterwards.
func scratchServer(ctx context.Context) (*pgx.ConnConfig, func(context.Context) error, error) {
	dir, err := os.MkdirTemp("", "af-auth-shadow-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for the shadow database: %w", err)
	}
	remove := func() error { return os.RemoveAll(dir) }
	// The server's own account must be able to pass through.
	if err := os.Chmod(dir, 0o755); err != nil { // #nosec G302 -- what is inside is closed
		return nil, nil, errors.Join(err, remove())
	}
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(dir, "data"), Ephemeral: true})
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	end := func(ctx context.Context) error { return errors.Join(server.Stop(ctx), remove()) }
	config, drop, err := diff.NewDatabase(ctx, server.URL("postgres"))
	if err != nil {
		return nil, nil, errors.Join(err, end(ctx))
	}
	return config, func(ctx context.Context) error { return errors.Join(drop(ctx), end(ctx)) }, nil
}
