#!/bin/sh
# Puts faults into what pivot does: system calls that fail, kills after each change, disks without room,
# processes without descriptors, registries that lie. Closes with one line that counts: `N passed, N
# failed`. The first words are how names of files below test/faults begin (none: all of them), the others
# flags of `bun test`.
#
#   tools/test-faults.sh calls -t exec
#   PIVOT_FAULTS=0 tools/test-faults.sh      # at every point, and not at some of them: an hour
#   PIVOT_FAULTS_SHOW=1                      # what is wrong is told at once
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
report=build/faults-report-$$.xml
files=
while [ $# -gt 0 ] && ls test/faults/"$1"*.faults.ts >/dev/null 2>&1; do
  files="$files $(printf './%s ' test/faults/"$1"*.faults.ts)"
  shift
done
[ -n "$files" ] || files=$(printf './%s ' test/faults/*.faults.ts)
PIVOT_NETWORK=none
export PIVOT_NETWORK
tools/world.sh node_modules/.bin/bun test --timeout 120000 --reporter=junit --reporter-outfile="$report" \
  $files "$@" </dev/null
status=$?
node_modules/.bin/bun tools/count-tests.ts "$report" "$status"
status=$?
rm -f "$report"
exit "$status"
