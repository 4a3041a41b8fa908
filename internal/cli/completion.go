package cli

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by --help.
func (completionCmd) Help() string {
	return `Put the line of your shell into its start file:

  bash, ~/.bashrc:                   source <(af-auth completion bash)
  zsh, ~/.zshrc:                     source <(af-auth completion zsh)
  fish, ~/.config/fish/config.fish:  af-auth completion fish | source`
}

// Run prints the script. It holds every command and flag, so completing needs
// no call of af-auth.
func (c *completionCmd) Run(e *Env, k *kong.Kong) error {
	words := map[string][]string{}
	collect(k.Model.Node, "", nil, words)
	var paths []string
	for path := range words {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	switch c.Shell {
	case "fish":
		e.say("%s", fish(paths, words))
	case "zsh":
		// bashcompinit builds on compinit, which a bare zsh has not run.
		e.say("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n%s", bash(paths, words))
	default:
		e.say("%s", bash(paths, words))
	}
	return nil
}

// collect notes for each command path what may follow it: the commands below, its
// flags, and those of all commands above.
func collect(n *kong.Node, path string, above []string, words map[string][]string) {
	flags := slices.Clone(above)
	for _, f := range n.Flags {
		if !f.Hidden {
			flags = append(flags, "--"+f.Name)
		}
	}
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		words[path] = append(words[path], child.Name)
		collect(child, strings.TrimSpace(path+" "+child.Name), flags, words)
	}
	words[path] = append(words[path], flags...)
}

func bash(paths []string, words map[string][]string) string {
	var b strings.Builder
	b.WriteString("_af_auth() {\n  local path='' word\n  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n")
	b.WriteString("    case \"$path $word\" in\n")
	for _, p := range paths {
		if p == "" {
			continue
		}
		parent, last := "", p
		if i := strings.LastIndexByte(p, ' '); i >= 0 {
			parent, last = p[:i], p[i+1:]
		}
		fmt.Fprintf(&b, "      '%s %s') path='%s' ;;\n", parent, last, p)
	}
	b.WriteString("    esac\n  done\n  local words=''\n  case \"$path\" in\n")
	for _, p := range paths {
		fmt.Fprintf(&b, "    '%s') words='%s' ;;\n", p, strings.Join(words[p], " "))
	}
	b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -F _af_auth af-auth")
	return b.String()
}

// fish finds the path as bash does: flags, their values and names of people lie
// between its words and are passed over.
func fish(paths []string, words map[string][]string) string {
	var b strings.Builder
	b.WriteString("function __af_auth_at\n  set -l at ''\n  for word in (commandline -opc)[2..-1]\n    switch (string trim -- \"$at $word\")\n")
	for _, p := range paths {
		if p != "" {
			fmt.Fprintf(&b, "      case '%s'\n        set at '%s'\n", p, p)
		}
	}
	b.WriteString("    end\n  end\n  test \"$at\" = \"$argv[1]\"\nend\ncomplete -c af-auth -f")
	for _, p := range paths {
		for _, w := range words[p] {
			if flag, ok := strings.CutPrefix(w, "--"); ok {
				fmt.Fprintf(&b, "\ncomplete -c af-auth -n \"__af_auth_at '%s'\" -l %s", p, flag)
			} else {
				fmt.Fprintf(&b, "\ncomplete -c af-auth -n \"__af_auth_at '%s'\" -a %s", p, w)
			}
		}
	}
	return b.String()
}
