// Command af-auth lets a team say which GitHub people may come in.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/af-auth/af-auth/internal/cli"
)

// version is set by the linker; see the Makefile.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.OS(version), os.Args[1:])
	stop()
	os.Exit(code)
}
