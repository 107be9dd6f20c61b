#!/bin/sh
# Drives the engine as its users do: services of Debian in images of several layers, images of other
# tools, registries, and any number of commands that run at once or are killed. Closes with one line
# that counts: `N passed, N failed`. The first words are how names of files below test/engine begin
# (none: all of them), the others flags of `bun test`.
#
#   tools/test-engine.sh postgres -t dump
#   PIVOT_KILLS=500 tools/test-engine.sh killed
#
# What takes long to make is kept in build/engine: the root of a Debian, 0.6 GB.
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
say() { printf 'test-engine: %s\n' "$*" >&2; }

. tools/packages.sh
need mmdebstrap mmdebstrap
need docker-registry docker-registry
need buildah buildah
need skopeo skopeo
need umoci umoci
need podman podman
need conmon conmon
need crun crun # podman does not start without a runtime that it knows
need psql postgresql-client
need pgbench postgresql-contrib
need redis-cli redis-tools
need busybox busybox-static
install_packages engine || :

mkdir -p build/engine
PIVOT_ENGINE_DEBIAN=$PWD/build/engine/root.tar
if [ ! -e "$PIVOT_ENGINE_DEBIAN" ] && [ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null; then
  say "making the root of a Debian, once"
  if mmdebstrap --variant=minbase --include=postgresql,redis-server,nginx-light,nodejs bookworm \
    "$PIVOT_ENGINE_DEBIAN.new.tar" </dev/null >build/engine/mmdebstrap.log 2>&1; then
    mv "$PIVOT_ENGINE_DEBIAN.new.tar" "$PIVOT_ENGINE_DEBIAN"
  else
    rm -f "$PIVOT_ENGINE_DEBIAN.new.tar"
    say "mmdebstrap failed: see build/engine/mmdebstrap.log"
  fi
fi
export PIVOT_ENGINE_DEBIAN

report=build/engine/report.xml
rm -f "$report"
files=
while [ $# -gt 0 ] && ls test/engine/"$1"*.engine.ts >/dev/null 2>&1; do
  files="$files $(printf './%s ' test/engine/"$1"*.engine.ts)"
  shift
done
[ -n "$files" ] || files=$(printf './%s ' test/engine/*.engine.ts)

# Stores of gigabytes lie on the disk, not in the world's memory, but by a short path.
stores=$(mktemp -d "$PWD/build/engine/stores.XXXXXX")
trap 'rm -rf "$stores"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
tools/world.sh sh -c 'mkdir "$PIVOT_WORLD/disk" && mount --bind "$0" "$PIVOT_WORLD/disk" &&
  TMPDIR=$PIVOT_WORLD/disk exec "$@"' "$stores" \
  node_modules/.bin/bun test --timeout 120000 --reporter=junit --reporter-outfile="$report" \
  $files "$@" </dev/null
status=$?
node_modules/.bin/bun tools/count-tests.ts "$report" "$status"
