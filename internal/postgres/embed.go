package postgres

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql migrations/checksums.txt
var migrations embed.FS

//go:embed schema/*.sql
var schema embed.FS

// Migrations returns the files that lead from an empty database to this
// release's schema: YYYYMMDDhhmmss_name.up.sql, each with its .down.sql, and their checksums.
func Migrations() fs.FS { return mustSub(migrations, "migrations") }

// Schema returns the wanted state, the one place where a person describes a
// table.
func Schema() fs.FS { return mustSub(schema, "schema") }

func mustSub(f embed.FS, dir string) fs.FS {
	sub, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the folder is named in the embed line above
	}
	return sub
}
