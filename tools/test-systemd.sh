#!/bin/sh
# Drives an OCI runtime with a real systemd, podman with its cgroup manager systemd, and an ordinary user's
# containers beside a `systemd --user` (where cgroups are of version 2); closes with one line that counts:
# `N passed, N failed`. Arguments are flags of `bun test`.
#
#   PIVOT_TEST_RUNTIME=/usr/sbin/runc tools/test-systemd.sh -t slice
#
# systemd is this machine's own, in a world of its own (tools/systemd-world.sh), with the cgroups that
# this machine has. `tools/test-vm.sh systemd systemd-crun` does the same where they are all of version 2.
set -u
case ${PIVOT_TEST_RUNTIME:-} in
  '' | /*) ;;
  *) PIVOT_TEST_RUNTIME=$PWD/$PIVOT_TEST_RUNTIME ;;
esac
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
PIVOT_TEST_RUNTIME=${PIVOT_TEST_RUNTIME:-$PWD/pivot-oci}
export PIVOT_TEST_RUNTIME
say() { printf 'test-systemd: %s\n' "$*" >&2; }
skip() {
  printf 'test-systemd: skipped: %s\n' "$*"
  echo '0 passed, 0 failed'
  exit 0
}

[ "$(id -u)" = 0 ] || skip "only root can make a machine with systemd"
. tools/packages.sh
need /usr/lib/systemd/systemd systemd
need /usr/bin/dbus-daemon dbus
need /bin/busybox busybox-static
install_packages systemd || skip "not installed:$packages (build/apt-systemd.log)"

report=build/systemd.xml
rm -f "$report"
tools/systemd-world.sh "$PWD/node_modules/.bin/bun" test --timeout 60000 --reporter=junit \
  --reporter-outfile="$PWD/$report" ./test/systemd/*.systemd.ts "$@"
status=$?
node_modules/.bin/bun tools/count-tests.ts "$report" "$status"
