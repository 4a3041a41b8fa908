package cli

import "github.com/af-auth/af-auth/internal/migrate/adopt"

// adoptJSON is what scripts read of an adoption.
type adoptJSON struct {
	DryRun         bool           `json:"dry_run"`
	AlreadyAdopted bool           `json:"already_adopted"`
	Prisma         []prismaJSON   `json:"prisma"`
	Has            []string       `json:"has"`
	Unseen         []string       `json:"unseen"`
	Differences    []string       `json:"differences"`
	Statements     []stepJSON     `json:"statements"`
	Stays          []string       `json:"stays"`
	Unproved       []string       `json:"unproved"`
	Notes          []string       `json:"notes"`
	Pending        []string       `json:"pending"` // what runs after the adoption
	Obstacles      []obstacleJSON `json:"obstacles"`

	// What was done.
	Adopted       []string `json:"adopted"`
	Applied       []string `json:"applied"`
	SchemaVersion string   `json:"schema_version"`
	InSync        bool     `json:"in_sync"`
}

type prismaJSON struct {
	Name  string `json:"name"`
	State string `json:"state"` // finished, rolled back or failed
}

type stepJSON struct {
	SQL      string   `json:"sql"`
	Locks    []string `json:"locks"`
	Rewrites []string `json:"rewrites"`
	Builds   []string `json:"builds"`
	Scans    bool     `json:"scans"`
}

type obstacleJSON struct {
	What string `json:"what"`
	Hint string `json:"hint"`
}

func newAdoptJSON(p adopt.Plan, dry bool) adoptJSON {
	out := adoptJSON{
		DryRun: dry, AlreadyAdopted: p.Adopted, Has: fileNames(p.Had), Unseen: fileNames(p.Unseen), Pending: fileNames(p.Pending),
		Prisma: []prismaJSON{}, Differences: []string{}, Statements: []stepJSON{}, Obstacles: []obstacleJSON{},
		Stays: append(append([]string{}, p.Foreign...), p.Extra...), Unproved: notNull(p.Unproved), Notes: notNull(p.Notes),
		Adopted: []string{}, Applied: []string{}, SchemaVersion: p.State.SchemaVersion, InSync: p.Adopted && len(p.Pending) == 0,
	}
	for _, m := range p.Prisma {
		out.Prisma = append(out.Prisma, prismaJSON{m.Name, m.State})
	}
	for _, d := range p.Differences {
		out.Differences = append(out.Differences, d.String())
	}
	for _, s := range p.Steps {
		out.Statements = append(out.Statements, stepJSON{s.SQL, notNull(s.Locks), notNull(s.Rewrites), notNull(s.Builds), s.Scans})
	}
	for _, o := range p.Obstacles {
		out.Obstacles = append(out.Obstacles, obstacleJSON(o))
	}
	return out
}
