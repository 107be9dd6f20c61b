#!/bin/sh
# Runs test files within a virtual machine, two at a time as `npm test` does, each by a `bun test` of
# its own: so what one said is kept whatever the next one does to the machine.
#
#   tools/vm/test-files.sh DIRECTORY FILE…     DIRECTORY gets a JUnit report and a log of each; a FILE
#                                              that is a directory is all test files below it
#
# Says a line for each file, and the log of one that failed. PIVOT_TEST_JOBS=1: one at a time.
# A file may take VM_FILE_TIMEOUT seconds (2400).
set -u
directory=$1
shift
claims=$(mktemp -d)
uptime() { cut -d . -f 1 /proc/uptime; }

worker() {
  for file; do
    name=$(printf %s "${file#./}" | tr / - | sed 's/\.test\.ts$//')
    mkdir "$claims/$name" 2>/dev/null || continue
    begun=$(uptime)
    timeout -k 10 "${VM_FILE_TIMEOUT:-2400}" node_modules/.bin/bun test --timeout 600000 --reporter=junit \
      --reporter-outfile="$directory/$name.xml" "./$file" >"$directory/$name.log" 2>&1 </dev/null
    status=$?
    [ "$status" = 0 ] || echo "$file: exit status $status" >>"$directory/failed"
    said=$(node_modules/.bin/bun tools/count-tests.ts "$directory/$name.xml" "$status" | tail -n 1)
    echo "$file: $said, in $(($(uptime) - begun)) s"
    [ "$status" = 0 ] || tail -n 60 "$directory/$name.log"
  done
}

jobs=
for _ in $(seq "${PIVOT_TEST_JOBS:-2}"); do
  worker "$@" &
  jobs="$jobs $!"
done
wait $jobs
rm -rf "$claims"
[ ! -e "$directory/failed" ]
