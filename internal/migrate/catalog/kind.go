package catalog

import "slices"

// Kind is what an object is, in the words of SQL.
type Kind string

// The kinds of objects.
const (
	Schema           Kind = "schema"
	Extension        Kind = "extension"
	Collating        Kind = "collation"
	Conversion       Kind = "conversion"
	Enum             Kind = "enum"
	Domain           Kind = "domain"
	Composite        Kind = "composite type"
	Range            Kind = "range type"
	BaseType         Kind = "base type"
	Sequence         Kind = "sequence"
	Table            Kind = "table"
	ForeignTable     Kind = "foreign table"
	View             Kind = "view"
	Materialized     Kind = "materialized view"
	Column           Kind = "column"
	Constraint       Kind = "constraint"
	Index            Kind = "index"
	Statistics       Kind = "statistics"
	Function         Kind = "function"
	Procedure        Kind = "procedure"
	Aggregate        Kind = "aggregate"
	Operator         Kind = "operator"
	OperatorFamily   Kind = "operator family"
	OperatorClass    Kind = "operator class"
	SearchParser     Kind = "text search parser"
	SearchTemplate   Kind = "text search template"
	SearchDictionary Kind = "text search dictionary"
	SearchConfig     Kind = "text search configuration"
	Trigger          Kind = "trigger"
	Rule             Kind = "rule"
	Policy           Kind = "policy"
	EventTrigger     Kind = "event trigger"
	DefaultRights    Kind = "default privileges"
)

// kinds is the order in which objects are listed.
var kinds = []Kind{
	Schema, Extension, Collating, Conversion, Enum, Domain, Composite, Range, BaseType, Sequence,
	Table, ForeignTable, View, Materialized, Column, Constraint, Index, Statistics,
	Function, Procedure, Aggregate, Operator, OperatorFamily, OperatorClass,
	SearchParser, SearchTemplate, SearchDictionary, SearchConfig,
	Trigger, Rule, Policy, EventTrigger, DefaultRights,
}

func (k Kind) rank() int { return slices.Index(kinds, k) }

// Relation reports whether other objects can be part of one of this kind.
func (k Kind) Relation() bool {
	return k == Table || k == ForeignTable || k == View || k == Materialized
}

// Part is something that counts only when it is asked for.
type Part int

// The parts.
const (
	Owners   Part = iota + 1 // who owns what
	Grants                   // rights, and ALTER DEFAULT PRIVILEGES
	Database                 // extensions and event triggers of the database
	Order                    // the order of a table's columns
)

// counts reports whether objects of a kind count, with these parts asked for.
func (k Kind) counts(with []Part) bool {
	switch k {
	case Extension, EventTrigger:
		return slices.Contains(with, Database)
	case DefaultRights:
		return slices.Contains(with, Grants)
	}
	return true
}
