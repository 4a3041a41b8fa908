package pgserver

import (
	"os"
	"runtime"
	"strings"
)

// installCommand returns the command that installs the server programs here.
func installCommand() string {
	// No os-release (macOS, BSD) reads as an unknown distribution.
	release, _ := os.ReadFile("/etc/os-release")
	return installFor(runtime.GOOS, string(release), os.Geteuid() == 0)
}

// installFor picks the command by operating system and /etc/os-release
// (freedesktop's format, ID and ID_LIKE are read).
func installFor(goos, release string, root bool) string {
	if goos == "darwin" {
		return "brew install postgresql@17"
	}
	sudo := "sudo "
	if root {
		sudo = ""
	}
	for _, id := range distributions(release) {
		switch id {
		case "debian", "ubuntu":
			// Debian's package makes a cluster and starts it on port 5432, which
			// belongs to others; it must be told not to before it is installed.
			return sudo + `sh -c 'apt-get install -y postgresql-common && ` +
				`sed -ri "s/^#?create_main_cluster.*/create_main_cluster = false/" /etc/postgresql-common/createcluster.conf && ` +
				`apt-get install -y postgresql'`
		case "fedora", "rhel", "centos":
			return sudo + "dnf install -y postgresql-server"
		case "alpine":
			return sudo + "apk add postgresql"
		case "arch":
			return sudo + "pacman -S --noconfirm postgresql"
		case "suse", "opensuse":
			return sudo + "zypper install -y postgresql-server"
		}
	}
	return "install PostgreSQL 14 or later with its server programs (postgres and initdb)"
}

// distributions returns ID and then the words of ID_LIKE.
func distributions(release string) []string {
	var ids, like []string
	for line := range strings.Lines(release) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch name {
		case "ID":
			ids = strings.Fields(value)
		case "ID_LIKE":
			like = strings.Fields(value)
		}
	}
	return append(ids, like...)
}
