// Command af-auth lets a team say which GitHub people may come in.
package main

import (
	"os"

	"github.com/af-auth/af-auth/internal/cli"
)

// version is set by the linker; see the Makefile.
var version = "dev"

func main() { os.Exit(cli.Process(version, os.Args[1:])) }
