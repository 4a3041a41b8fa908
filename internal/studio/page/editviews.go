package page

import "github.com/af-auth/af-auth/internal/studio/value"

// Editing is what a grid has where rows can be changed.
type Editing struct {
	InsertHref string
	// Bar says what is not saved; nil: nothing is.
	Bar *PendingBar
	// Toast says what was saved just now.
	Toast string
	// Faults are the cells and rows that cannot be saved.
	Faults []CellFault
}

// PendingBar is the bar of changes that are not saved.
type PendingBar struct {
	// Text is "2 changes in 2 rows of users", empty where only other tables have
	// some; Save what the button says.
	Text, Save string
	Revision   int
	// Back is where saving leads to.
	Back                                            string
	SaveHref, ReviewHref, DiscardHref, ConflictHref string
	// Careful says that the changes have to be looked at before they are saved.
	Careful bool
	Others  []Link
}

// CellFault is a sentence about a cell or a row.
type CellFault struct{ ID, Name, Text, Href string }

// Pending is what a cell is to become.
type Pending struct {
	// New is drawn behind the old value, which is struck; a Default has no value yet.
	New value.Shown
	// Fault names the sentence about it, empty where there is none.
	Fault string
}

// Editor is the form for the value of one column.
type Editor struct {
	Action       string
	Hidden       []Field
	Column, Type string
	// Field is "area", "line" or "choice".
	Field   string
	Rows    int
	Value   string
	Choices []Choice
	Ways    []Way
	// Typed says that a value can be typed.
	Typed     bool
	Pending   bool
	Fault     string
	Note      string
	CloseHref string
}

// Way is a value that is chosen and not typed: NULL, empty, the default.
type Way struct {
	How, Label string
	// Why says why it cannot be chosen, empty where it can.
	Why string
}

// NewRow is the form for a new row.
type NewRow struct {
	Action    string
	Hidden    []Field
	Fields    []NewField
	CloseHref string
	// Drafted says that the row is in the draft already.
	Drafted bool
	Refused string
}

// NewField is one column of it.
type NewField struct {
	ID, Name, Type, Comment string
	Field                   string
	Value                   string
	Hows                    []Choice
	Choices                 []Choice
	// Why says why nothing can be given, empty where something can.
	Why, Fault string
	// Focus says that typing begins here.
	Focus bool
}

// Deletion asks whether a row is to be deleted.
type Deletion struct {
	Action  string
	Hidden  []Field
	Effects []string
	// Forbidden says that rows of other tables keep it.
	Forbidden bool
	CloseHref string
}

// RowAction is a button on a row: a form with one purpose.
type RowAction struct {
	Action string
	Hidden []Field
	Label  string
}

// Review is what saving a draft would do.
type Review struct {
	Chrome
	Name, TableHref string
	Summary         string
	Unknown         bool
	Steps           []ReviewStep
	Bar             *PendingBar
}

func (Review) page() string { return "review" }

// ReviewStep is one statement.
type ReviewStep struct {
	Title, Href, SQL string
	Effects          []string
	Faults           []string
	Undo             RowAction
}

// Conflict is rows that somebody else has changed meanwhile.
type Conflict struct {
	Chrome
	Name, TableHref string
	Rows            []ConflictRow
}

func (Conflict) page() string { return "conflict" }

// ConflictRow is one of them, with the columns that differ.
type ConflictRow struct {
	Title  string
	Action string
	Hidden []Field
	Lines  []ConflictLine
	// Gone says that the row is no longer there; Delete that it was to be deleted.
	Gone, Delete bool
	// Over names the columns that saving mine would write over.
	Over string
}

// ConflictLine is a column: as it was, as it is, as it is to be.
type ConflictLine struct {
	Name             string
	Was, Theirs      value.Shown
	Mine             *value.Shown
	Unknown, Changed bool
}
