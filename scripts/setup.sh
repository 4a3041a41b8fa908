#!/bin/sh
# Installs what this machine lacks to run af-auth (setup.sh run) or to test it
# (setup.sh test), and is quick where nothing is missing.
#
# It installs only where it may without asking: as root or with a sudo that
# wants no password, by apt. Everywhere else it prints the one command that
# does, and fails.
#
# PostgreSQL is needed for its server programs alone: af-auth starts a private
# server of its own. Debian's package makes a cluster and starts it on port
# 5432, where others may want to be, so it is told not to, before it comes. A
# cluster that is there already is left alone.
set -eu

readonly OLDEST_POSTGRESQL=14
readonly CLUSTER_SETTING=/etc/postgresql-common/createcluster.d/af-auth.conf

say() { printf '%s\n' "setup: $*"; }

fail() {
	printf '%s\n' "setup: $1" >&2
	shift
	for hint in "$@"; do printf '%s\n' "hint: $hint" >&2; done
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

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
	has_package fonts-inter || wanted="$wanted fonts-inter"
	has_package fonts-jetbrains-mono || wanted="$wanted fonts-jetbrains-mono"
}

# packages FAMILY: the names that a family of systems has for what is wanted.
packages() {
	names=
	for thing in $wanted; do
		case $1:$thing in
		apt:compiler) thing="gcc libc6-dev" ;;
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

# by_hand prints the one command for a person to run.
by_hand() {
	case $(uname -s) in
	Darwin)
		command=
		case " $wanted " in *" compiler "*) command="xcode-select --install" ;; esac
		case " $wanted " in *" postgresql "*) command="${command:+$command && }brew install postgresql@17" ;; esac
		case " $wanted " in *" chromium "*) command="${command:+$command && }brew install --cask google-chrome" ;; esac
		printf '%s' "$command"
		return
		;;
	esac
	if have apt-get; then
		quiet=
		case " $wanted " in *" postgresql "*)
			quiet="mkdir -p ${CLUSTER_SETTING%/*} && echo create_main_cluster = false > $CLUSTER_SETTING && "
			;;
		esac
		printf "sudo sh -c '%sapt-get update && apt-get install -y --no-install-recommends %s'" "$quiet" "$(packages apt)"
	elif have dnf; then
		printf 'sudo dnf install -y %s' "$(packages dnf)"
	elif have apk; then
		printf 'sudo apk add %s' "$(packages apk)"
	elif have pacman; then
		printf 'sudo pacman -S --noconfirm %s' "$(packages pacman)"
	elif have zypper; then
		printf 'sudo zypper install -y %s' "$(packages zypper)"
	else
		printf 'install these by hand, PostgreSQL %s or later with its server programs:%s' "$OLDEST_POSTGRESQL" "$wanted"
	fi
}

# as_root runs a command with root's rights, never asking for a password.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
	have apt-get || return 1
	[ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
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

# install_all installs what is wanted, and stops before PostgreSQL comes where it
# could not be told to stay quiet. The lists of packages are fetched only
# where they are missing, or too old to be of use.
install_all() {
	names=$(packages apt)
	say "installing $names"
	case " $wanted " in *" postgresql "*) no_cluster || return 1 ;; esac
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

main() {
	case ${1:-} in
	run | test) ;;
	*) fail "usage: scripts/setup.sh run|test" ;;
	esac
	have go || fail "Go is not installed" "get it from https://go.dev/dl/, see go.mod for the version"
	find_missing "$1"
	[ -n "$wanted" ] || return 0
	may_install || fail "missing:$wanted" "$(by_hand)"
	install_all || fail "apt could not install:$wanted" "$(by_hand)"
	find_missing "$1"
	[ -z "$wanted" ] || fail "still missing:$wanted" "$(by_hand)"
	say "done"
}

main "$@"
