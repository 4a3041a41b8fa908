package page

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
