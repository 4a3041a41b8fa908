package page

// SQL is the box for typed statements.
type SQL struct {
	Chrome
	// Role is who runs the statements, Where the database as that role reaches it.
	Role, Where string
	// Off is there where the box is closed, and says why.
	Off *SQLOff
	// Statement is the text in the box; Run names its run, for the cancel button.
	Statement, Run string
	Limits         []Choice
	// Writes offers the switch, Writing is its place; NoWrites says why the switch
	// that the start allowed is not there.
	Writes, Writing bool
	NoWrites        []string
	Confirm         *SQLConfirm
	Fault           *SQLFault
	Result          *SQLResult
	// History names what the browser keeps its history under.
	History string
	// Rows is how many rows are shown at most.
	Rows int
}

func (SQL) page() string { return "sql" }

// SQLOff says why there is no box, and which statements mend it.
type SQLOff struct {
	Why   []string
	Mend  string
	Start string
}

// SQLConfirm shows a statement that writes before it runs.
type SQLConfirm struct {
	Statement, Token, Run string
	// Recorded says that the statement becomes an event.
	Recorded bool
}

// SQLFault is PostgreSQL's refusal, or studio's.
type SQLFault struct {
	Title, Text, Detail, Hint, State string
	// The statement, around the place that the error is at; Mark is empty where
	// none is named.
	Before, Mark, After string
}

// SQLResult is an answer.
type SQLResult struct {
	Heads []Head
	Width int
	Lines [][]Cell
	// Plan is there in place of rows where the statement was EXPLAIN.
	Plan string
	// Said is the line below: "500 rows", "UPDATE 3"; Took how long it took.
	Said, Took string
	// Note says what was not kept.
	Note string
}

// Cancel is the form that stops a run.
func (s SQL) Cancel(run string) Form {
	return Form{Action: s.Base.Path("/sql/cancel"), Hidden: []Field{{"run", run}}}
}
