package cli

import (
	"context"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/term"

	"github.com/af-auth/af-auth"
)

// openBrowser opens a link that holds a key, where somebody sits at a terminal
// and has a browser. It returns what to do at the end.
//
// The arguments of programs are readable by everybody on the machine: the
// browser gets the name of a file that only its owner can read, and that leads
// on. It stands in the home folder, because browsers in a sandbox see neither
// /tmp nor hidden folders.
func (e *Env) openBrowser(ctx context.Context, link string) (end func()) {
	nothing := func() {}
	file, ok := e.Stdout.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { // #nosec G115 -- a file descriptor is small
		return nothing
	}
	program := e.opener()
	home, err := os.UserHomeDir()
	if program == "" || err != nil {
		return nothing
	}
	path := filepath.Join(home, "af-auth-studio-"+afauth.NewToken().Reveal()[:12]+".html")
	text := `<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
		`<meta http-equiv="refresh" content="0; url=` + html.EscapeString(link) + `"><title>Studio</title>`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nothing
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "file://"+path) // #nosec G204 -- one of the names in opener
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
	return func() { _ = os.Remove(path) }
}

// opener is the program that opens the browser, "" where there is none.
func (e *Env) opener() string {
	name := "xdg-open"
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "linux":
		if e.getenv("DISPLAY") == "" && e.getenv("WAYLAND_DISPLAY") == "" {
			return ""
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}
