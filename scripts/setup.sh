#!/bin/sh
# Installs what this machine lacks to run af-auth (setup.sh run) or to test it
# (setup.sh test), and is quick where nothing is missing.
#
# It installs only where it may without asking: as root or with a sudo that
# wants no password, by apt. Everywhere else it prints the one command that
# does, and fails. The end of what apt writes is shown when it fails.
#
# PostgreSQL is needed for its server programs alone: af-auth starts a private
# server of its own. Debian's package makes a cluster and starts it on port
# 5432, where others may want to be, so it is told not to, before it comes. A
# cluster that is there already is left alone. Likewise Caddy and nginx: the tests
# start them by themselves, and the packages' own services stay off.
set -eu

readonly OLDEST_POSTGRESQL=14
# An older Go cannot read go.mod; a later one than this says itself what it lacks.
readonly OLDEST_GO_MINOR=21
readonly CLUSTER_SETTING=/etc/postgresql-common/createcluster.d/af-auth.conf
readonly START_POLICY=/usr/sbin/policy-rc.d
# What tests look for barriers with; e2e/studio_axe_test.go knows its checksum.
readonly AXE_VERSION=4.14.1
readonly AXE=bin/axe-$AXE_VERSION.min.js

say() { printf '%s\n' "setup: $*"; }

# fail WHAT [HINT [COMMAND]]
fail() {
	printf '%s\n' "setup: $1" >&2
	shift
	if [ $# -gt 0 ]; then printf '%s\n' "hint: $1" >&2; fi
	if [ $# -gt 1 ]; then printf '\n  %s\n\n' "$2" >&2; fi
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# need_go: Debian 12's own package is such an old one.
need_go() {
	have go || fail "Go is not installed" \
		"get it from https://go.dev/dl/; go.mod names the version"
	minor=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9][0-9]*\).*$/\1/p')
	[ -z "$minor" ] || [ "$minor" -ge "$OLDEST_GO_MINOR" ] || fail "$(command -v go) is Go 1.$minor, which is too old" \
		"get a new one from https://go.dev/dl/; go.mod names the version"
}

# is_ubuntu: its chromium has another name, and comes as a snap.
is_ubuntu() { grep -q '^ID=ubuntu$' /etc/os-release 2>/dev/null; }

# postgresql_in DIR: does the folder hold server programs that are new enough?
postgresql_in() {
	[ -x "$1/postgres" ] && [ -x "$1/initdb" ] || return 1
	major=$("$1/postgres" --version 2>/dev/null | sed -n 's/^.*(PostgreSQL) \([0-9][0-9]*\).*$/\1/p')
	[ -n "$major" ] && [ "$major" -ge "$OLDEST_POSTGRESQL" ]
}

# The places are those of internal/pgserver, which starts the programs.
has_postgresql() {
	program=$(command -v postgres 2>/dev/null) && postgresql_in "$(dirname "$program")" && return 0
	have pg_config && postgresql_in "$(pg_config --bindir)" && return 0
	for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /usr/local/pgsql/bin \
		/opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
		/home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin; do
		postgresql_in "$dir" && return 0
	done
	return 1
}

# The race detector is written in C: it needs a compiler and the headers of libc.
has_compiler() {
	cc=${CC:-gcc}
	[ "$(uname -s)" = Darwin ] && cc=${CC:-clang}
	have "$cc" && printf '#include <stdlib.h>\nint main(void) { return 0; }\n' |
		"$cc" -x c -o /dev/null - >/dev/null 2>&1
}

has_browser() {
	for name in headless_shell headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
		have "$name" && return 0
	done
	[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] ||
		[ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ]
}

# The proxies that deploy/ has files for. Debian keeps nginx where an ordinary
# user's path does not lead; the tests look there too.
has_proxy() { have "$1" || [ -x "/usr/sbin/$1" ]; }

# Fonts of the pages, for tests that look at them. Elsewhere the pages fall back
# to the system's own, so they are asked for only where packages carry them.
has_package() {
	have dpkg-query || return 0
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# wanted is one word for each thing that is missing.
find_missing() {
	wanted=
	has_postgresql || wanted="$wanted postgresql"
	[ "$1" = test ] || return 0
	has_compiler || wanted="$wanted compiler"
	has_browser || wanted="$wanted chromium"
	has_proxy caddy || wanted="$wanted caddy"
	has_proxy nginx || wanted="$wanted nginx"
	have sqlmap || wanted="$wanted sqlmap"
	[ -f "$AXE" ] || have npm || wanted="$wanted npm"
	has_package fonts-inter || wanted="$wanted fonts-inter"
	has_package fonts-jetbrains-mono || wanted="$wanted fonts-jetbrains-mono"
}

# packages FAMILY: the names that a family of systems has for what is wanted.
packages() {
	names=
	for thing in $wanted; do
		case $1:$thing in
		apt:compiler) thing="gcc libc6-dev" ;;
		apt:chromium)
			# Without chromium-sandbox it starts for ordinary users only where
			# the kernel lets them make namespaces: not in many containers.
			thing="chromium chromium-sandbox"
			if is_ubuntu; then thing=chromium-browser; fi
			;;
		dnf:postgresql | zypper:postgresql) thing="postgresql-server postgresql-contrib" ;;
		dnf:compiler | zypper:compiler) thing="gcc glibc-devel" ;;
		apk:postgresql) thing="postgresql postgresql-contrib" ;;
		apk:compiler) thing="gcc musl-dev" ;;
		pacman:compiler) thing="gcc" ;;
		esac
		names="$names $thing"
	done
	printf '%s' "${names# }"
}

# by_root COMMAND: how a person here runs a command with root's rights. A
# login shell, because the path of an ordinary user lacks what dpkg calls.
by_root() {
	if [ "$(id -u)" -eq 0 ]; then
		printf '%s' "$1"
	elif have sudo; then
		printf "sudo sh -c '%s'" "$1"
	else
		printf "su - -c '%s'" "$1"
	fi
}

# by_hand prints the one command for a person to run.
by_hand() {
	if [ "$(uname -s)" = Darwin ]; then
		command=
		case " $wanted " in *" compiler "*) command="xcode-select --install" ;; esac
		case " $wanted " in *" postgresql "*) command="${command:+$command && }brew install postgresql@17" ;; esac
		case " $wanted " in *" chromium "*) command="${command:+$command && }brew install --cask google-chrome" ;; esac
		for name in caddy nginx npm sqlmap; do
			case " $wanted " in *" $name "*) command="${command:+$command && }brew install $name" ;; esac
		done
		printf '%s' "$command"
	elif have apt-get; then
		quiet=
		case " $wanted " in *" postgresql "*)
			quiet="mkdir -p ${CLUSTER_SETTING%/*} && echo create_main_cluster = false > $CLUSTER_SETTING && "
			;;
		esac
		by_root "${quiet}apt-get update && apt-get install -y --no-install-recommends $(packages apt)"
	elif have dnf; then
		by_root "dnf install -y $(packages dnf)"
	elif have apk; then
		by_root "apk add $(packages apk)"
	elif have pacman; then
		by_root "pacman -S --noconfirm $(packages pacman)"
	elif have zypper; then
		by_root "zypper install -y $(packages zypper)"
	else
		printf 'install by hand:%s (PostgreSQL %s or later, with its server programs)' "$wanted" "$OLDEST_POSTGRESQL"
	fi
}

# give_up WHY: the command stands on a line of its own, to be copied.
give_up() { fail "$1" "run this, then make again:" "$(by_hand)"; }

# as_root runs a command with root's rights, never asking for a password.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
	have apt-get || return 1
	[ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1
}

# no_cluster tells Debian's package not to make one. The setting counts for
# later versions as well, so it is said where it stands.
no_cluster() {
	if [ -e "$CLUSTER_SETTING" ]; then return 0; fi
	say "PostgreSQL comes without a server on port 5432: $CLUSTER_SETTING says create_main_cluster = false"
	as_root mkdir -p "${CLUSTER_SETTING%/*}" || return 1
	printf '%s\n' \
		"# Written by af-auth's scripts/setup.sh: a new PostgreSQL package makes no" \
		"# cluster and starts none on port 5432. Delete this file to have one again." \
		"create_main_cluster = false" | as_root tee "$CLUSTER_SETTING" >/dev/null
}

# no_services keeps what is installed from starting while apt works, by Debian's
# own means. A policy that is there already is somebody's decision.
no_services() {
	if [ -e "$START_POLICY" ]; then return 0; fi
	say "no service starts: $START_POLICY stands until the end of this"
	printf '%s\n' '#!/bin/sh' '# af-auth, while scripts/setup.sh runs' 'exit 101' | as_root tee "$START_POLICY" >/dev/null &&
		as_root chmod 755 "$START_POLICY" && wrote_policy=yes
}

# services_off takes the policy away and has the new services stay off when the
# machine starts again.
services_off() {
	if [ -n "$wrote_policy" ]; then as_root rm -f "$START_POLICY"; fi
	have systemctl || return 0
	for name in caddy nginx; do
		case " $wanted " in *" $name "*)
			say "$name comes without its service: systemctl enable --now $name has it"
			as_root systemctl disable --quiet "$name" >>"$log" 2>&1 || true
			;;
		esac
	done
}

# install_all installs what is wanted, and stops before PostgreSQL comes where it
# could not be told to stay quiet. The lists of packages are fetched only
# where they are missing, or too old to be of use.
install_all() {
	names=$(packages apt)
	say "installing $names; this may take some minutes"
	case " $wanted " in *" postgresql "*) no_cluster || return 1 ;; esac
	case " $wanted " in *" caddy "* | *" nginx "*) no_services || return 1 ;; esac
	for name in $names; do
		# Without a list apt-cache knows no such package.
		apt-cache show "$name" >/dev/null 2>&1 && continue
		apt_get update
		break
	done
	# shellcheck disable=SC2086 # a list of package names
	apt_get install -y --no-install-recommends $names || {
		say "once more, with fresh lists of packages"
		apt_get update || return 1
		# shellcheck disable=SC2086
		apt_get install -y --no-install-recommends $names
	}
}

# fetch_axe gets axe-core's one file from npm's package.
fetch_axe() {
	[ ! -f "$AXE" ] || return 0
	say "fetching axe-core $AXE_VERSION from npm"
	mkdir -p bin
	from=$(mktemp -d)
	(cd "$from" && npm pack --silent "axe-core@$AXE_VERSION" >/dev/null && tar xzf "axe-core-$AXE_VERSION.tgz" package/axe.min.js) && mv "$from/package/axe.min.js" "$AXE" || {
		rm -rf "$from"
		fail "npm has not brought axe-core $AXE_VERSION" "npm says why" "npm pack axe-core@$AXE_VERSION"
	}
	rm -rf "$from"
}

main() {
	case ${1:-} in
	run | test) ;;
	*) fail "usage: scripts/setup.sh run|test" ;;
	esac
	need_go
	find_missing "$1"
	[ -z "$wanted" ] || get_missing "$1"
	[ "$1" = run ] || fetch_axe
}

# get_missing installs what is wanted for $1, or says how.
get_missing() {
	may_install || give_up "missing:$wanted"
	log=$(mktemp)
	wrote_policy=
	trap 'services_off; rm -f "$log"' EXIT
	install_all || {
		tail -n 20 "$log" >&2
		give_up "apt could not install:$wanted"
	}
	find_missing "$1"
	[ -z "$wanted" ] || give_up "still missing:$wanted"
	say "done"
}

main "$@"
