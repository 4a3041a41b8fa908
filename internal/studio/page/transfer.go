package page

import "github.com/af-auth/af-auth/internal/studio/value"

// ExportMenu offers a table's rows as files.
type ExportMenu struct {
	Files []Link
	// Filtered says that the files hold some of the rows.
	Filtered bool
	// Masked and Closed are the columns that are left out: masked ones, and ones
	// that the role may not read.
	Masked, Closed []string
	ImportHref     string
}

// Import is the page that puts a CSV file into a table.
type Import struct {
	Chrome
	Name, TableHref string
	// Refused is why nothing can go in.
	Refused string
	Action  string
	Limit   string
	// Open are the columns that can be filled, Closed those that cannot.
	Open   []string
	Closed []ClosedColumn
	// File is there once a file was sent.
	File *ImportFile
}

func (Import) page() string { return "import" }

// ClosedColumn is a column that cannot be filled.
type ClosedColumn struct{ Name, Why string }

// ImportFile is a file that waits.
type ImportFile struct {
	Name, Size, Action string
	// Fault is why it cannot be read.
	Fault  string
	Fields []ImportField
	Lines  []ImportLine
	// Rest says that there may be more lines.
	Rest bool
	// Missing need a value, have no default, and get none.
	Missing   []string
	Nulls     []Choice
	Clashes   []Choice
	Unskipped string
	Fuse      bool
	Report    *ImportReport
	Done      bool
}

// ImportField is a column of the file.
type ImportField struct {
	Index      int
	Name, Type string
	// Why is why it cannot go into the column of its name.
	Why     string
	Targets []Choice
}

// ImportLine is a line of the file.
type ImportLine struct {
	Number int
	Cells  []value.Shown
	Fault  string
}

// ImportReport is what became of a file.
type ImportReport struct {
	Title, Text, Rows string
	Good              bool
	Bad               []BadLine
}

// BadLine is a line that cannot go in.
type BadLine struct{ Line, Column, Text string }
