package cli

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgurl"
)

type migrateDiffCmd struct {
	projectFlags
	shadowFlags
	From     string   `arg:"" help:"database, migrations, schema, the URL of a database, or a folder of .sql files."`
	To       string   `arg:"" help:"The same."`
	SQL      bool     `name:"sql" help:"Print the statements that lead from the first to the second."`
	Rename   []string `help:"Something that changed its name: users:people, or users.login:handle. Repeatable." placeholder:"A:B"`
	ExitCode bool     `help:"Exit with 2 where something differs."`
	JSON     bool     `help:"Print the differences as JSON."`
}

// Help is shown by --help.
func (migrateDiffCmd) Help() string {
	return `database is the one that --url or the settings name, migrations are the files as
they run on an empty database, schema is the wanted state. Files are run on a
private PostgreSQL on this machine, or on --shadow-url. Nothing is changed.`
}

// differenceJSON is what scripts read.
type differenceJSON struct {
	Kind      string `json:"kind"`
	Object    string `json:"object"`
	Attribute string `json:"attribute,omitempty"`
	From      string `json:"from"`
	To        string `json:"to"`
	Added     bool   `json:"added"`
	Removed   bool   `json:"removed"`
}

// Run compares.
func (c *migrateDiffCmd) Run(ctx context.Context, e *Env) error {
	return e.asJSON(c.JSON, c.run(ctx, e))
}

func (c *migrateDiffCmd) run(ctx context.Context, e *Env) error {
	p, err := e.project(c.projectFlags, true)
	if err != nil {
		return err
	}
	o, err := p.diffOptions(c.shadowFlags)
	if err != nil {
		return err
	}
	if o.Renames, err = renames(c.Rename); err != nil {
		return err
	}
	from, err := p.source(c.From)
	if err != nil {
		return err
	}
	to, err := p.source(c.To)
	if err != nil {
		return err
	}
	if c.SQL {
		return c.statements(ctx, e, from, to, o)
	}
	found, err := diff.Compare(ctx, from, to, o)
	if err != nil {
		return err
	}
	if c.JSON {
		err = e.printJSON(differences(found))
	} else {
		e.printDifferences(c.From, c.To, found)
	}
	return errors.Join(err, c.exit(len(found) > 0))
}

func (c *migrateDiffCmd) exit(differs bool) error {
	if c.ExitCode && differs {
		return exit{2}
	}
	return nil
}

// statements prints the way from one to the other.
func (c *migrateDiffCmd) statements(ctx context.Context, e *Env, from, to diff.Source, o diff.Options) error {
	plan, err := diff.Make(ctx, from, to, o)
	if len(plan.Up) > 0 {
		_, _ = e.Stdout.Write([]byte(diff.SQL(plan.Up)))
	}
	if err != nil {
		return err
	}
	if plan.Empty() {
		e.complain("nothing differs", "")
	}
	e.noteCandidates(plan.Candidates)
	return c.exit(!plan.Empty())
}

func (e *Env) noteCandidates(list []diff.Rename) {
	for _, r := range list {
		e.complain("this may be a rename: "+r.String(), shellWords([]string{"--rename", r.String()})+" keeps the data; as it is, one is dropped and another made")
	}
}

func differences(found []catalog.Difference) []differenceJSON {
	out := []differenceJSON{}
	for _, d := range found {
		out = append(out, differenceJSON{Kind: string(d.Kind), Object: d.Object, Attribute: d.Attribute, From: d.Have, To: d.Want, Added: d.Missing, Removed: d.Extra})
	}
	return out
}

func (e *Env) printDifferences(from, to string, found []catalog.Difference) {
	if len(found) == 0 {
		e.say("nothing differs")
		return
	}
	for _, d := range found {
		object := string(d.Kind) + " " + d.Object
		switch {
		case d.Missing:
			e.say("+ %s", printable(object))
		case d.Extra:
			e.say("- %s", printable(object))
		case strings.Contains(d.Want+d.Have, "\n"):
			e.say("~ %s", strings.TrimSpace(strings.TrimLeft(indented([]string{d.String()}), " ")))
		default:
			e.say("~ %s: %s %s → %s", printable(object), d.Attribute, printable(dash(d.Have)), printable(dash(d.Want)))
		}
	}
	e.say("\n%s from %s to %s: + is new, - goes, ~ changes", count(len(found), "difference"), from, to)
}

// source is what a word on the command line means.
func (p *project) source(word string) (diff.Source, error) {
	switch {
	case word == "database":
		url, err := p.address()
		if err != nil {
			return diff.Source{}, err
		}
		return live(word, url)
	case word == "migrations":
		return diff.Migrations(word, p.files), nil
	case word == "schema" && p.schema == nil:
		return diff.Source{}, &afauth.Error{Code: afauth.CodeInvalid, Message: "this project has no wanted schema", Hint: "--schema DIR names its folder"}
	case word == "schema":
		return diff.Folder(word, p.schema), nil
	case strings.HasPrefix(word, "postgres://") || strings.HasPrefix(word, "postgresql://"):
		url, err := pgurl.Parse(word)
		if err != nil {
			return diff.Source{}, err
		}
		return live(url.Redacted(), url)
	case isDir(word):
		return p.folder(word)
	}
	return diff.Source{}, &afauth.Error{Code: afauth.CodeInvalid, Message: "there is nothing to compare called " + word,
		Hint: "database, migrations, schema, the URL of a database, or a folder of .sql files"}
}

// folder is a folder of migrations, where their names say so, or of plain files
// that describe a schema.
func (p *project) folder(path string) (diff.Source, error) {
	folder := os.DirFS(path)
	files, err := migrate.Rules{HeaderOptional: true, DownOptional: true, Unlisted: true}.Load(folder)
	if err == nil && len(files) > 0 {
		return diff.Migrations(path, files), nil
	}
	return diff.Folder(path, folder), nil
}

func live(name string, url pgurl.URL) (diff.Source, error) {
	config, err := pgx.ParseConfig(url.Pgx())
	if err != nil {
		return diff.Source{}, err
	}
	return diff.Database(name, config), nil
}

// renames reads --rename.
func renames(list []string) ([]diff.Rename, error) {
	var out []diff.Rename
	for _, s := range list {
		r, err := diff.ParseRename(s)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
