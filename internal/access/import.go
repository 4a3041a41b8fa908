package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// ImportPlan is what an import does; ImportLoser is somebody who would lose
// something by it.
type (
	ImportPlan  = postgres.ImportPlan
	ImportLoser = postgres.ImportLoser
)

// ImportFile says where a list of people is, and what it is held against.
type ImportFile struct {
	// Open opens the file from its beginning, each time: it is read twice, and
	// never held in memory.
	Open func() (io.ReadCloser, error)
	// Host says what is wrong with the host of an application; "": nothing.
	Host func(string) string
	// Resolved is where GitHub's answers are kept until the import is done; "":
	// nowhere.
	Resolved string
	// Progress, if set, is told how many logins of all are resolved.
	Progress func(done, all int)
	// Now is our clock, for the age of GitHub's answers.
	Now func() time.Time
}

// FlawsError is all that is wrong with a file. Nothing was written.
type FlawsError struct{ Flaws []Flaw }

// Error lists the flaws, one a line.
func (e *FlawsError) Error() string {
	lines := make([]string, len(e.Flaws))
	for i, f := range e.Flaws {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Unknown is a line whose login nobody has.
type Unknown struct {
	Line  int
	Login string
	Why   string
}

// Import is a file that has been read and is without flaws.
type Import struct {
	people *People
	file   ImportFile
	checks csvChecks
	// byLogin has GitHub's answer for each login of the file, in lower case.
	byLogin map[string]answered
	// People is how many the file names, Unknown those among them whom GitHub
	// does not know; these are left out.
	People  int
	Unknown []Unknown
	// Apps are the hosts that it names, sorted, each once.
	Apps []string
}

// ReadImport reads a whole file, and resolves its logins. All that is wrong is
// told at once, as a *FlawsError.
func (p *People) ReadImport(ctx context.Context, file ImportFile) (*Import, error) {
	im := &Import{people: p, file: file, checks: csvChecks{now: p.db.Now(), host: file.Host}}
	found, err := im.check()
	if err != nil {
		return nil, err
	}
	if im.byLogin, err = p.resolve(ctx, file, found.logins); err != nil {
		return nil, err
	}
	flaws := found.flaws
	for _, l := range found.logins {
		a := im.byLogin[strings.ToLower(l.login)]
		switch first := found.ids[a.id]; {
		case a.id == 0:
			im.Unknown = append(im.Unknown, Unknown{l.number, l.login, a.why})
		case first != 0:
			flaws = append(flaws, Flaw{l.number, columnLogin, fmt.Sprintf("%q is GitHub id %d, whom line %d names already", l.login, a.id, first)})
		default:
			found.ids[a.id] = l.number
		}
	}
	if len(flaws) > 0 {
		return nil, &FlawsError{flaws}
	}
	return im, nil
}

// checked is what reading a file through has found.
type checked struct {
	ids    map[int64]int // line by GitHub id
	logins []line
	flaws  []Flaw
}

// mostFlaws is after how many flaws a file is no list of people, and is read no
// further.
const mostFlaws = 1000

// check reads the file through. With flaws nobody is looked up.
func (im *Import) check() (checked, error) {
	c := checked{ids: map[int64]int{}}
	byLogin, apps := map[string]int{}, map[string]bool{}
	file, err := im.file.Open()
	if err != nil {
		return c, err
	}
	defer func() { _ = file.Close() }()
	records, flaw := readHeader(file, im.checks)
	if flaw != nil {
		return c, &FlawsError{[]Flaw{*flaw}}
	}
	for l, flaws := range records.lines() {
		if c.flaws = append(c.flaws, flaws...); len(c.flaws) >= mostFlaws {
			c.flaws = append(c.flaws, Flaw{Why: "what follows was not read"})
			break
		}
		switch {
		case len(flaws) > 0:
			continue
		case l.githubID != 0 && c.ids[l.githubID] != 0:
			c.flaws = append(c.flaws, Flaw{l.number, columnID, fmt.Sprintf("%s is in line %d already", l.called(), c.ids[l.githubID])})
		case l.githubID != 0:
			c.ids[l.githubID] = l.number
		case byLogin[strings.ToLower(l.login)] != 0:
			c.flaws = append(c.flaws, Flaw{l.number, columnLogin, fmt.Sprintf("%s is in line %d already", l.called(), byLogin[strings.ToLower(l.login)])})
		default:
			byLogin[strings.ToLower(l.login)] = l.number
			c.logins = append(c.logins, line{number: l.number, login: l.login})
		}
		im.People++
		for _, host := range l.apps {
			apps[host] = true
		}
	}
	im.Apps = slices.Sorted(maps.Keys(apps))
	if len(c.flaws) > 0 {
		return c, &FlawsError{c.flaws}
	}
	return c, nil
}

// Run allows the people of the file: see postgres.DB.Import. Where decide
// returns an error, nothing has happened.
func (im *Import) Run(ctx context.Context, actor Actor, decide func(ImportPlan) error) (ImportPlan, error) {
	if err := checkReason(actor); err != nil {
		return ImportPlan{}, err
	}
	file, err := im.file.Open()
	if err != nil {
		return ImportPlan{}, err
	}
	defer func() { _ = file.Close() }()
	records, flaw := readHeader(file, im.checks)
	if flaw != nil {
		return ImportPlan{}, &FlawsError{[]Flaw{*flaw}}
	}
	list := postgres.ImportList{SetUntil: records.has(columnUntil), SetApps: records.has(columnApps), Rows: im.rows(records)}
	return im.people.db.Import(ctx, actor, list, decide)
}

// Forget removes GitHub's answers: the database knows by now.
func (im *Import) Forget() error {
	if err := os.Remove(im.file.Resolved); im.file.Resolved != "" && err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing what GitHub has said: %w", err)
	}
	return nil
}

var errFileChanged = errors.New("the file has changed while it was read")

func (im *Import) rows(records *csvFile) iter.Seq2[postgres.ImportRow, error] {
	return func(yield func(postgres.ImportRow, error) bool) {
		n := 0
		for l, flaws := range records.lines() {
			if len(flaws) > 0 {
				yield(postgres.ImportRow{}, &FlawsError{flaws})
				return
			}
			n++
			row := postgres.ImportRow{GitHubID: l.githubID, Until: l.until, Apps: l.apps, Reason: l.reason}
			if l.githubID == 0 {
				a, ok := im.byLogin[strings.ToLower(l.login)]
				if !ok {
					yield(postgres.ImportRow{}, errFileChanged)
					return
				}
				if a.id == 0 {
					continue
				}
				row.GitHubID, row.Login = a.id, a.login
			}
			if !yield(row, nil) {
				return
			}
		}
		if n != im.People {
			yield(postgres.ImportRow{}, errFileChanged)
		}
	}
}

var errNoGitHub = &afauth.Error{Code: afauth.CodeInvalid, Message: "the file names people by login, and GitHub cannot be asked for their ids",
	Hint: "set GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET, or give a column github_user_id"}
