#!/bin/sh
# Writes anew what programs write: the queries' Go code (sqlc), the documents
# made from tables in the code, and the golden files of tests.
#
# Building sqlc takes minutes the first time, so it is built only where the
# sources of its code have changed (the test that guards them says so), or with
# FORCE=1.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "generate: $*"; }

queries_are_fresh() {
	[ -z "${FORCE:-}" ] && CGO_ENABLED=0 go test -run Fresh ./internal/postgres >/dev/null 2>&1
}

if queries_are_fresh; then
	say "queries are up to date"
else
	say "sqlc: building the tool takes some minutes the first time"
	CGO_ENABLED=0 go build -C tools/sqlc -buildvcs=false -o "$PWD/bin/sqlc" github.com/sqlc-dev/sqlc/cmd/sqlc
	bin/sqlc generate
fi

# Every package whose tests take -update writes its own files with it.
for dir in $(grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | sed 's|/[^/]*$||' | sort -u); do
	say "$dir"
	CGO_ENABLED=0 go test -count=1 -run 'Fresh|Generated|Golden' "$dir" -update
done
