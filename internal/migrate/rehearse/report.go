package rehearse

import (
	"strconv"
	"time"

	"github.com/af-auth/af-auth/internal/migrate"
)

// Millis is a length of time that JSON holds in milliseconds.
type Millis time.Duration

// MarshalJSON writes milliseconds, exact to a microsecond.
func (m Millis) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Duration(m).Microseconds())/1000, 'f', -1, 64), nil
}

// Report is what a rehearsal found.
type Report struct {
	PostgreSQL string `json:"postgresql"` // the server's version
	Applied    string `json:"applied"`    // the file up to which the schema was before; "" for none
	// Durable says that commits reached the disk, as in production.
	Durable  bool          `json:"durable"`
	Tables   []TableReport `json:"tables"` // in the order in which they were filled
	FillTook Millis        `json:"fill_ms"`
	Load     *LoadReport   `json:"load"` // nil: nothing ran beside the files
	Files    []FileReport  `json:"files"`
	Notes    []string      `json:"notes"`  // what limits the meaning of all this
	Faults   []string      `json:"faults"` // what is not good, all of the files'
	Good     bool          `json:"good"`
}

// Nothing is the report where there is nothing to rehearse.
func Nothing() Report {
	return Report{Tables: []TableReport{}, Files: []FileReport{}, Notes: []string{}, Faults: []string{}, Good: true}
}

// TableReport is a table and its rows.
type TableReport struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	Note string `json:"note,omitempty"` // why there are not as many as were asked for
}

// LoadReport is what ran beside the files, and how it did without them.
type LoadReport struct {
	Name    string `json:"name"`
	Clients int    `json:"clients"`
	Rate    int    `json:"rate"` // operations a second; 0: as fast as they go
	Quiet   Stats  `json:"quiet"`
}

// Stats are operations of the load.
type Stats struct {
	Operations int    `json:"operations"`
	Failed     int    `json:"failed"`
	Slowed     int    `json:"slowed"` // took longer than Options.MaxWait
	P50        Millis `json:"p50_ms"`
	P99        Millis `json:"p99_ms"`
	Max        Millis `json:"max_ms"`
	FirstError string `json:"first_error,omitempty"`
}

// FileReport is one file.
type FileReport struct {
	Version  string `json:"version"`
	Name     string `json:"name"`
	Checksum string `json:"checksum"` // of the up file
	// DownChecksum is that of the down file; "" where there is none.
	DownChecksum string `json:"down_checksum"`

	Took  Millis `json:"took_ms"`  // beside the load, commit included
	Alone Millis `json:"alone_ms"` // on a copy, without the load; 0: not measured

	Error string `json:"error,omitempty"` // the file failed
	Hint  string `json:"hint,omitempty"`  // of the error

	Locks     []Lock    `json:"locks"` // on relations that were there before, strongest first
	Rewritten []Rewrite `json:"rewritten"`
	// WAL, Tables and Indexes are in bytes, taken when the file ran alone: what was
	// written to the log, and by how much tables (TOAST included) and indexes grew.
	WAL     int64 `json:"wal_bytes"`
	Tables  int64 `json:"table_bytes"`
	Indexes int64 `json:"index_bytes"`

	Load   *Stats   `json:"load"` // operations that met the file; nil: no load
	Back   Back     `json:"way_back"`
	Faults []string `json:"faults"`
	Good   bool     `json:"good"`
}

// FileName returns the name of the file that ran.
func (f FileReport) FileName() string { return f.Version + "_" + f.Name }

// Lock is what a file held on one relation.
type Lock struct {
	Relation string `json:"relation"` // as SQL has it; "rows" where it is not known which
	Kind     string `json:"kind"`     // "table", "index" or "materialized view"; "" for rows
	Mode     string `json:"mode"`     // the strongest, as SQL has it: ACCESS EXCLUSIVE
	Blocks   string `json:"blocks"`   // "reads and writes", "writes", or "" for neither
	// Held is how long that mode was seen; 0: shorter than a look.
	Held   Millis `json:"held_ms"`
	Waited Millis `json:"waited_ms"` // the longest that another session waited for it
	// Waiters is how many others waited for it.
	Waiters int `json:"waiters"`
	// Behind is how long the file itself waited for the sessions of others.
	Behind Millis `json:"behind_ms"`
}

// Rewrite is a relation whose file was written anew as a whole.
type Rewrite struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`  // "table", "index" or "materialized view"
	Bytes int64  `json:"bytes"` // after
}

// The ways in which a way back can end.
const (
	LeadsBack  = "leads back"
	LeadsAway  = "does not lead back"
	NoWayBack  = "none"       // there is no down file
	NotTested  = "not tested" // something before it failed
	LosesNamed = "leads back, and loses what its file names"
)

// Back is the way back of a file.
type Back struct {
	Result string `json:"result"`
	Took   Millis `json:"took_ms"`         // over the rows that the load wrote; 0: not tried there
	Error  string `json:"error,omitempty"` // the down file failed
	Hint   string `json:"hint,omitempty"`
	// Schema is what differs from the schema before the file, Again what differs
	// after going forward once more.
	Schema []string `json:"schema"`
	Again  []string `json:"again"`
	// Contents are the tables and columns that do not hold what they did.
	Contents []string `json:"contents"`
	Lost     string   `json:"lost,omitempty"` // what the down file says it loses
}

func newFileReport(f migrate.File) FileReport {
	return FileReport{
		Version: f.Version, Name: f.Name, Checksum: f.Checksum, DownChecksum: downChecksum(f),
		Locks: []Lock{}, Rewritten: []Rewrite{}, Faults: []string{},
		Back: Back{Result: NotTested, Lost: f.Lost, Schema: []string{}, Again: []string{}, Contents: []string{}},
	}
}
