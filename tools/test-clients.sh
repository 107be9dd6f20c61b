#!/bin/sh
# Drives the real clients (podman, containerd, docker, buildah) with an OCI runtime, and closes with
# one line that counts: `N passed, N failed`. The first words are how names of files below
# test/clients begin (none: all of them), the others flags of `bun test`.
#
#   PIVOT_TEST_RUNTIME=/usr/sbin/runc tools/test-clients.sh podman -t stop
#
# PIVOT_TEST_RUNTIME is the runtime's path, pivot-oci at the top of this repository unless told. Each
# call of it is noted in build/clients-NAME.log.
set -u
case ${PIVOT_TEST_RUNTIME:-} in
  '' | /*) ;;
  *) PIVOT_TEST_RUNTIME=$PWD/$PIVOT_TEST_RUNTIME ;;
esac
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
say() { printf 'test-clients: %s\n' "$*" >&2; }

PIVOT_TEST_RUNTIME=${PIVOT_TEST_RUNTIME:-$PWD/pivot-oci}
if [ ! -x "$PIVOT_TEST_RUNTIME" ]; then
  say "PIVOT_TEST_RUNTIME: there is no program $PIVOT_TEST_RUNTIME: give the path of an OCI runtime"
  exit 1
fi
export PIVOT_TEST_RUNTIME
# crun takes no hybrid of cgroup v1 and v2 for what it is.
case $(basename "$PIVOT_TEST_RUNTIME") in crun) export PIVOT_WORLD_CGROUPS=v1 ;; esac

. tools/packages.sh
need podman podman
need conmon conmon
need containerd containerd
need ctr containerd
need dockerd docker.io
need docker docker.io
need buildah buildah
need runc runc # docker's own builds take it, whatever runtime is asked for
need crun crun # podman does not start without a runtime that it knows
need busybox busybox-static
need docker-init tini
need iptables iptables
need /usr/lib/cni/bridge containernetworking-plugins
install_packages clients || :

report=build/clients-$(basename "$PIVOT_TEST_RUNTIME")
rm -f "$report.xml" "$report.log"
report=$report.xml
files=
while [ $# -gt 0 ] && ls test/clients/"$1"*.clients.ts >/dev/null 2>&1; do
  files="$files $(printf './%s ' test/clients/"$1"*.clients.ts)"
  shift
done
[ -n "$files" ] || files=$(printf './%s ' test/clients/*.clients.ts)
tools/world.sh node_modules/.bin/bun test --timeout 60000 --reporter=junit \
  --reporter-outfile="$report" $files "$@" </dev/null
status=$?
node_modules/.bin/bun tools/count-tests.ts "$report" "$status"
