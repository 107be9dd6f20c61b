#!/bin/sh
# Runs the tests that need no root as an ordinary user, made for it (tools/as-user.sh): the unit tests of
# src, those of images again in the user's own namespace, and containers of such users. As root.
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
[ "$(id -u)" = 0 ] || {
  echo "test-rootless: only root can make another user" >&2
  exit 1
}
home=$(mktemp -d /tmp/pivot-user-XXXXXX)
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
failed=0
bun=node_modules/.bin/bun
part() {
  printf 'test-rootless: %s\n' "$1" >&2
  shift
  "$@" </dev/null || failed=$((failed + 1))
}
part "src, as an ordinary user" tools/as-user.sh range "$home" "$bun" test --timeout 60000 src
part "registries and volumes, in the user's namespace" tools/as-user.sh range "$home" \
  build/pivot unshare "$bun" test --timeout 60000 src/registry src/transfer src/engine src/snapshot
part "containers of ordinary users" env PIVOT_TEST_ALL=1 "$bun" test --timeout 60000 ./test/rootless.test.ts ./test/rootless.many.ts
echo "$((3 - failed)) passed, $failed failed"
[ "$failed" = 0 ]
