#!/bin/sh
# Runs a benchmark of bench/ in a world of its own (tools/world.sh), with Debian's packages of what it
# compares pivot with. As root.
#
#   tools/bench-world.sh rootless|networks [OPTION...]
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
say() { printf 'bench: %s\n' "$*" >&2; }

name=${1:-}
[ -f "bench/$name.ts" ] || {
  say "$name: no such benchmark: tools/bench-world.sh rootless|networks [OPTION...]"
  exit 1
}
shift
tools/setup.sh

packages=
need() { command -v "$1" >/dev/null || packages="$packages $2"; }
need podman podman
need conmon conmon
need crun crun
need runc runc
need newuidmap uidmap
need ip iproute2
need nsenter util-linux
need pasta passt
need slirp4netns slirp4netns # what podman connects users' containers by
case $name in
  rootless) need bwrap bubblewrap ;;
  networks)
    need dockerd docker.io
    need docker docker.io
    need iperf3 iperf3
    need iptables iptables
    [ -x /usr/lib/podman/netavark ] || packages="$packages netavark"
    ;;
esac
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "installing$packages"
  # What is installed must not be started: the daemons here are the benchmark's own.
  { apt-get -o DPkg::Lock::Timeout=300 update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages; } \
    </dev/null >build/apt-bench.log 2>&1 ||
    say "apt-get could not install all of$packages: see build/apt-bench.log"
fi
# crun takes no hybrid of cgroup v1 and v2 for what it is.
PIVOT_WORLD_CGROUPS=v1 exec tools/world.sh node_modules/.bin/bun "bench/$name.ts" "$@"
