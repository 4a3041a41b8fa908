#!/bin/sh
# Proves that the release before this one works on this tree's schema: its own
# tests of signing in, revoking and changing hosts run, with its own program, on
# databases that have had this tree's migrations.
#
# The release is the newest tag vX.Y.Z before this commit. Where there is none,
# the exit code is 75: not run.
set -eu
cd "$(dirname "$0")/.."

readonly NOT_RUN=75
readonly TESTS='^(TestReplayedCallback|TestSignInAgainAfterNo|TestRevocationByAnyHand|TestTickets|TestTwoHosts)$'

here=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null || true)
tag=$(git tag --merged HEAD --sort=-version:refname --list 'v[0-9]*' | grep -vxF "${here:-none}" | head -n 1 || true)
if [ -z "$tag" ]; then
	printf '   not run: there is no release before this one\n'
	exit "$NOT_RUN"
fi

tree=$(mktemp -d)
leave() {
	git worktree remove --force "$tree/$tag" 2>/dev/null || true
	rm -rf "$tree"
}
trap leave EXIT INT TERM
git worktree add --quiet --detach "$tree/$tag" "$tag"
printf '   %s on the schema of this tree\n' "$tag"
PGTEST_MIGRATIONS=$PWD/internal/postgres/migrations
export PGTEST_MIGRATIONS
cd "$tree/$tag"
go run -buildvcs=false ./internal/pgtest/run go test -buildvcs=false -count=1 -run "$TESTS" ./e2e
