package cli

import (
	"fmt"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by --help.
func (completionCmd) Help() string {
	return `bash:  source <(af-auth completion bash)
zsh:   source <(af-auth completion zsh)
fish:  af-auth completion fish | source`
}

// Run prints the script. It holds every command and flag, so completing needs
// no call of af-auth.
func (c *completionCmd) Run(e *Env, k *kong.Kong) error {
	words := map[string][]string{}
	collect(k.Model.Node, "", words)
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

// collect notes for each command path what may follow it.
func collect(n *kong.Node, path string, words map[string][]string) {
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		words[path] = append(words[path], child.Name)
		collect(child, strings.TrimSpace(path+" "+child.Name), words)
	}
	for _, f := range n.Flags {
		if !f.Hidden {
			words[path] = append(words[path], "--"+f.Name)
		}
	}
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

func fish(paths []string, words map[string][]string) string {
	var b strings.Builder
	b.WriteString("function __af_auth_at\n  set -l words (commandline -opc)[2..-1]\n  set -l path (string match -v -- '-*' $words)\n  test \"$path\" = \"$argv[1]\"\nend\ncomplete -c af-auth -f")
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
