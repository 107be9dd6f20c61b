#!/bin/sh
# Sets up, runs the tests, and closes with one line that counts them: `N passed, N failed`.
# `bun test` exits 0 when there are no tests, or when one of them calls process.exit: so the JUnit
# report is counted, and none is a failure.
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
report=build/test-report.xml
# No test makes a bridge or a rule of the machine's own, whatever is installed here.
PIVOT_NETWORK=none
export PIVOT_NETWORK
rm -f "$report"
# Two files at a time: most of what a test does is wait for others. Each cleans up by its own names.
# PIVOT_TEST_JOBS=1: one, where there is time and the machine has neighbours.
[ "${PIVOT_TEST_JOBS:-2}" -le 1 ] || set -- "--parallel=${PIVOT_TEST_JOBS:-2}" "$@"
node_modules/.bin/bun test --timeout 60000 --reporter=junit --reporter-outfile="$report" "$@" </dev/null
status=$?
node_modules/.bin/bun tools/count-tests.ts "$report" "$status"
