#!/bin/sh
# Runs the tests of networks that take longer: requests through each mode, nginx behind -p, a hundred
# containers on one bridge, egress lists, name servers that change. As root; each has network namespaces of
# its own. Closes with one line that counts: `N passed, N failed`.
#
#   tools/test-networks.sh              all files, one after the other
#   tools/test-networks.sh nginx modes  these alone
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
[ $# -gt 0 ] || set -- egress many modes nginx resolver
for name; do set -- "$@" "./test/networks.$name.ts" && shift; done
report=build/networks.xml
rm -f "$report"
node_modules/.bin/bun test --timeout 900000 --reporter=junit --reporter-outfile="$report" "$@" </dev/null
exec node_modules/.bin/bun tools/count-tests.ts "$report" "$?"
