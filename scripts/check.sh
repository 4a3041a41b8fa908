#!/bin/sh
# Looks at the code without running it, but for the few tests that guard the
# sources themselves. Every step runs, whatever the one before it said; the end
# names those that failed.
#
# The tools come from the modules under tools/, with the versions pinned there.
# Building them takes some minutes the first time, and seconds later on.
set -u
cd "$(dirname "$0")/.." || exit 1

# No step needs a C compiler.
export CGO_ENABLED=0

# What a step answers that could not be run, and is no fault of the code.
readonly NOT_RUN=75

failed=
bin=$PWD/bin/lint

# step NAME COMMAND…: run it, tell how long it took.
step() {
	name=$1
	shift
	begin=$(date +%s)
	printf '== %s\n' "$name"
	"$@"
	case $? in
	0) printf '   ok, %ss\n' "$(($(date +%s) - begin))" ;;
	"$NOT_RUN") ;;
	*)
		printf '   FAILED\n'
		failed="$failed $name"
		;;
	esac
}

formatted() {
	bad=$(gofmt -l .) || return 1
	[ -z "$bad" ] && return 0
	printf '%s\n' "$bad" "hint: gofmt -w ."
	return 1
}

# build NAME PACKAGE: the tool's own go.mod decides the version.
build() { go build -C tools/lint -buildvcs=false -o "$bin/$1" "$2"; }

staticcheck() {
	build staticcheck honnef.co/go/tools/cmd/staticcheck && "$bin/staticcheck" ./...
}

# tools/lint/gosec.exclude holds lines "RULES PATHS REASON"; gosec wants
# "PATHS:RULES;…".
gosec() {
	build gosec github.com/securego/gosec/v2/cmd/gosec || return 1
	rules=$(awk '/^[^#]/ { printf "%s%s:%s", sep, $2, $1; sep = ";" }' tools/lint/gosec.exclude) || return 1
	"$bin/gosec" -quiet -color=false -exclude-generated -exclude-rules="$rules" ./...
}

# The list of vulnerabilities is on the network. Where it does not answer this
# is no fault of the code.
govulncheck() {
	build govulncheck golang.org/x/vuln/cmd/govulncheck || return 1
	patience=
	command -v timeout >/dev/null 2>&1 && patience="timeout 180"
	out=$($patience "$bin/govulncheck" ./... 2>&1)
	code=$?
	case $code:$out in
	0:*) return 0 ;;
	124:* | *"fetching vulnerabilities"*)
		printf '   not run: the database of vulnerabilities does not answer\n'
		return "$NOT_RUN"
		;;
	esac
	printf '%s\n' "$out"
	return 1
}

# squawk is a second opinion on the migrations, by a linter that shares no code
# with ours. It comes from npm; where that is missing or does not answer, this is
# no fault of the code.
readonly SQUAWK=2.66.0

squawk() {
	dir=$PWD/bin/squawk
	program=$dir/node_modules/.bin/squawk
	if [ "$("$program" --version 2>/dev/null)" != "squawk $SQUAWK" ]; then
		command -v npm >/dev/null 2>&1 || {
			printf '   not run: there is no npm\n'
			return "$NOT_RUN"
		}
		patience=
		command -v timeout >/dev/null 2>&1 && patience="timeout 180"
		mkdir -p "$dir" && $patience npm install --prefix "$dir" --no-audit --no-fund --silent \
			"squawk-cli@$SQUAWK" >/dev/null 2>&1 || {
			printf '   not run: the npm registry does not answer\n'
			return "$NOT_RUN"
		}
	fi
	found=$(
		for file in internal/postgres/migrations/*.up.sql; do
			# Outside a transaction other advice holds.
			transaction=--assume-in-transaction
			grep -q '^-- *transaction: *none' "$file" && transaction=
			# shellcheck disable=SC2086 # an option, or none
			"$program" --pg-version 14 --reporter gcc $transaction "$file"
		done
	)
	printf '%s\n' "$found" | awk -f tools/lint/explained.awk tools/lint/squawk.explained -
}

scripts() {
	for file in scripts/*.sh; do sh -n "$file" || return 1; done
	command -v shellcheck >/dev/null 2>&1 || return 0
	shellcheck scripts/*.sh .ci/run
}

architecture() { go test -count=1 ./internal/archtest; }

# Files that are written by a program: their tests are named so, and stand in
# the package that writes them.
fresh() {
	# shellcheck disable=SC2046 # a list of folders
	go test -count=1 -run 'Fresh|Generated|Golden' $(
		grep -rlE --include='*_test.go' '^func Test[A-Za-z0-9_]*(Fresh|Generated|Golden)' . |
			sed 's|/[^/]*$||' | sort -u
	)
}

step gofmt formatted
step scripts scripts
step vet go vet ./...
step architecture architecture
step previous-release sh scripts/previous.sh
step generated-files fresh
step staticcheck staticcheck
step gosec gosec
step govulncheck govulncheck
step squawk squawk

if [ -n "$failed" ]; then
	printf 'check: failed:%s\n' "$failed" >&2
	exit 1
fi
