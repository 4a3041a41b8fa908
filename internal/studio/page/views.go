package page

import (
	"net/url"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// View is what one page shows.
type View interface{ page() string }

// Chrome is what every page has around its content.
type Chrome struct {
	Base address.Base
	// Title names the page in the window and in history.
	Title string
	// Tab is the current one: "tables", "sql" or "diagram"; empty: none.
	Tab string
	// Theme is "light" or "dark"; all else follows the system.
	Theme string
	// Path is this page's address, to come back to.
	Path string
	// Database and Host say where the reader is; Place is "Local", "Remote" or
	// "Production".
	Database, Host, Place string
	ReadOnly              bool
	// Say is what a screen reader is told when the page has changed.
	Say string
	// Tabs are the links in the bar.
	Tabs []Tab
	// Side lists the tables beside a table.
	Side []SideSchema
	// Door says that nobody is signed in: the bar has no links.
	Door bool
	// Again reloads the page once: see the guard of package studio.
	Again bool
}

// Tab is a link in the bar.
type Tab struct {
	Name, Label, Href string
}

// Scheme is the value of data-theme, or empty where the system decides.
func (c Chrome) Scheme() string {
	if c.Theme == "light" || c.Theme == "dark" {
		return c.Theme
	}
	return ""
}

// Asset returns the address of a file.
func (c Chrome) Asset(name string) string { return c.Base.Path(assetsPath + assets.names[name]) }

// Themes returns the buttons of the theme switch.
func (c Chrome) Themes() []Choice {
	return []Choice{{"system", "System", c.Scheme() == ""}, {"light", "Light", c.Scheme() == "light"}, {"dark", "Dark", c.Scheme() == "dark"}}
}

// Choice is one of several.
type Choice struct {
	Value, Label string
	Current      bool
}

// SideSchema is a schema in the list beside a table.
type SideSchema struct {
	Name   string
	Tables []SideTable
}

// SideTable is a table in that list.
type SideTable struct {
	Name, Rows, Href string
	Current          bool
}

// Home is the list of tables.
type Home struct {
	Chrome
	// Facts is the line below the heading.
	Facts   string
	Search  string
	Schemas []HomeSchema
	// Found says that Search was looked for and found nothing.
	None   bool
	Masked []string
	// Diagram is the small drawing, empty where there is nothing to draw.
	Diagram Drawing
}

func (Home) page() string { return "home" }

// HomeSchema is a schema's tables.
type HomeSchema struct {
	Name   string
	Tables []HomeTable
}

// HomeTable is a line of the list.
type HomeTable struct {
	Name, Href, Kind, Comment   string
	Rows, Size, Columns, Masked string
	// Points are the tables that it points at; Pointed how many point here.
	Points  []Link
	Pointed string
	// Matches are the columns that were looked for.
	Matches string
}

// Link is a word that leads somewhere.
type Link struct{ Text, Href string }

// Grid is a table's rows.
type Grid struct {
	Chrome
	Name, Kind, Comment string
	// Total is how many rows there are, as far as is known; CountHref asks for
	// the exact number.
	Total, CountHref string
	Search           Form
	SearchValue      string
	Chips            []Chip
	// AddHref opens the choice of a column to filter by; Add is that choice.
	AddHref string
	Add     *FilterChoice
	SortBy  *SortChip
	// ColumnsHref opens the choice of columns.
	ColumnsHref string
	Choose      *ColumnChoice
	Jump        *Form
	JumpLabel   string
	// Width is that of the whole grid, in px.
	Width     int
	Heads     []Head
	Relations []Head
	Lines     []Line
	// Range is "Rows 1–50"; Took how long PostgreSQL took.
	Range, Took  string
	Newer, Older string
	NewerText    string
	OlderText    string
	// Notes are what has to be said of these rows: slow, no key.
	Notes   []string
	Unpaged string
	// Nothing is shown in place of rows.
	Nothing *Nothing
	Panel   *Panel
	Export  *ExportMenu
	// Fault is shown in place of rows: PostgreSQL did not answer.
	Fault *Fault
	// Edit is there where rows can be changed.
	Edit *Editing
}

func (Grid) page() string { return "grid" }

// Form is a GET form: where it goes, and what it carries along.
type Form struct {
	Action string
	Hidden []Field
}

// Field is a hidden field.
type Field struct{ Name, Value string }

// NewForm makes a form that carries a view along.
func NewForm(action string, values url.Values) Form {
	f := Form{Action: action}
	for _, name := range sortedKeys(values) {
		for _, v := range values[name] {
			f.Hidden = append(f.Hidden, Field{name, v})
		}
	}
	return f
}

// Chip is a filter.
type Chip struct {
	ID                   string
	Column, Op, Value    string
	EditHref, RemoveHref string
	// Form is there while it is edited.
	Form *FilterForm
}

// SortChip is the sort.
type SortChip struct {
	Column, Href, RemoveHref string
	Desc                     bool
}

// FilterChoice is the choice of a column to filter by, and once chosen the form.
type FilterChoice struct {
	Columns   []Link
	Closed    []string // masked columns: named, not offered
	CloseHref string
	Form      *FilterForm
}

// FilterForm asks for an operator and a value.
type FilterForm struct {
	Form
	Column, Type string
	Ops          []Choice
	Value        string
	// Choices are the values of a type that has few, where one is chosen; Labels
	// are those of a type of which several may be typed.
	Choices []Choice
	Labels  []string
	// Note says how a value is read.
	Note      string
	CloseHref string
}

// ColumnChoice is the form that chooses columns.
type ColumnChoice struct {
	Form
	Columns   []Choice
	CloseHref string
	AllHref   string
}

// Head is the head of a column.
type Head struct {
	ID, Name, Type string
	Comment        string
	// Key is "primary key", "key" or "→ users".
	Key           string
	Masked, Right bool
	Width         int
	SortHref      string
	Sorted        string // "ascending", "descending" or empty
	Sticky        bool
	// Filter is the beginning of an address that filters by this column.
	Filter string
}

// Line is a row of the grid.
type Line struct {
	ID, Href string
	Current  bool
	Cells    []Cell
	Related  []Link
	// State is "new", "deleted" or empty; Fault names the sentence about the row.
	State, Fault string
	// Drop takes a new row, or a deletion, back; Delete asks whether to delete.
	Drop       *RowAction
	DeleteHref string
	Version    string
}

// Cell is a value in the grid.
type Cell struct {
	value.Shown
	// Href leads to the row that a key names or a foreign key points at.
	Href   string
	Right  bool
	Sticky bool
	// Fits says that the value is surely no wider than its column: see fits.
	Fits bool
	ID   string
	// Edit is the address of its editor; Pending what it is to become.
	Edit    string
	Pending *Pending
}

// Nothing is an empty page: one heading, one sentence with facts, a way on.
type Nothing struct {
	Title, Text string
	Actions     []Link
}

// Panel is a row at the side.
type Panel struct {
	Title, CloseHref string
	Fields           []PanelField
	Related          []Link
	// Gone says that there is no such row.
	Gone bool
	Note string
	// New is the form for a new row, Delete the question; Drop takes a deletion
	// back, DeleteHref leads to the question.
	New        *NewRow
	Delete     *Deletion
	Drop       *RowAction
	DeleteHref string
}

// PanelField is one column of it.
type PanelField struct {
	Name, Type, Comment, Key string
	value.Shown
	Href, HrefText string
	Local          string
	Tree           *value.Node
	WholeHref      string
	// EditHref opens the Editor; Fixed says why there is none.
	EditHref, Fixed string
	Editor          *Editor
	Pending         *Pending
}

// Fault is an error, in words.
type Fault struct {
	Title, Text, Hint string
	Actions           []Link
}

// Failure is a page for what could not be shown.
type Failure struct {
	Chrome
	Status    int
	Fault     Fault
	Reference string
}

func (Failure) page() string { return "failure" }

// Diagram is the drawing of all tables.
type Diagram struct {
	Chrome
	Drawing   Drawing
	Relations []RelationLine
	Alone     []Link
}

func (Diagram) page() string { return "diagram" }

// RelationLine is a relation in words.
type RelationLine struct {
	From, To      Link
	Columns, Rule string
}

// Drawing is an SVG drawing in px.
type Drawing struct {
	Width, Height int
	Boxes         []Box
	Lines         []string // paths
	Dots          []Point
}

// Point is a place in a drawing.
type Point struct{ X, Y int }

// Box is a table in a drawing.
type Box struct {
	X, Y, Width, Height int
	Name, Href          string
	Fields              []BoxField
}

// BoxField is a column in a box.
type BoxField struct {
	Y    int
	Name string
	Key  bool
}
