package catalog

// Names of attributes. Where no values are listed, the value is what SQL wants
// in that place.
const (
	Comment    = "comment"    // of any object, as it is
	Definition = "definition" // the statement, or the clause, that makes the object
	Options    = "options"    // name=value, …
	Unlogged   = "unlogged"   // of a table or sequence: "yes"
	Enabled    = "enabled"    // of a trigger, rule or foreign key: "no", "replica" or "always"
	Statistic  = "statistics" // of a column: its target

	// Of a relation.
	PartitionBy   = "partition by"
	Partition     = "partition" // FOR VALUES …
	Inherits      = "inherits"
	OfType        = "of type"
	AccessMethod  = "access method"
	Security      = "row security"        // "yes"
	SecurityForce = "row security forced" // "yes"
	Replica       = "replica identity"
	Server        = "server"

	// Of a column or domain.
	Type        = "type"
	NotNull     = "not null" // "yes"
	Default     = "default"
	Collation   = "collation" // where it is not the type's
	Identity    = "identity"  // "ALWAYS" or "BY DEFAULT"
	Generated   = "generated" // an expression
	Virtual     = "virtual"   // of a generated column: "yes"
	Storage     = "storage"
	Compression = "compression"

	// Of an index.
	State     = "state"     // "invalid"
	Clustered = "clustered" // "yes"
	PartOf    = "part of"   // the index that it is a partition of

	// Of a sequence.
	Start     = "start"
	Increment = "increment"
	Minimum   = "minimum"
	Maximum   = "maximum"
	Cache     = "cache"
	Cycle     = "cycle"    // "yes"
	OwnedBy   = "owned by" // table.column
	// Identity is "yes" where the sequence is that of an identity column.

	// Of other objects.
	Labels      = "labels"     // of an enum: quoted, in order, with commas
	Members     = "attributes" // of a composite type
	Subtype     = "range"      // of a range type: its options
	Columns     = "columns"    // of statistics
	Kinds       = "kinds"      // of statistics: d, f and m
	Target      = "target"     // of statistics
	Arguments   = "arguments"  // of a routine: modes, names, types and defaults
	Returns     = "returns"    // of a routine
	Inherited   = "inherited"  // of a trigger: "yes" for a partition's copy
	Mode        = "mode"       // of a policy: PERMISSIVE or RESTRICTIVE
	For         = "for"        // of a policy
	To          = "to"         // of a policy
	Using       = "using"      // of a policy
	WithCheck   = "with check" // of a policy
	On          = "on"         // of an event trigger
	Tags        = "tags"       // of an event trigger
	Calls       = "function"   // of an event trigger
	ExtensionIn = "schema"     // of an extension: "this one", or its name

	// What counts only when asked for; fields of an Object.
	Owner    = "owner"
	Rights   = "grants"
	Position = "position"
)
