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

. tools/packages.sh
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
    need /usr/lib/podman/netavark netavark
    ;;
esac
install_packages bench || :
# crun takes no hybrid of cgroup v1 and v2 for what it is.
PIVOT_WORLD_CGROUPS=v1 exec tools/world.sh node_modules/.bin/bun "bench/$name.ts" "$@"
