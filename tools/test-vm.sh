#!/bin/sh
# Runs tests on a stock kernel of Debian in a virtual machine (see vm/vm.sh): Linux 6.12, cgroups of
# version 2 alone, AppArmor, two processors. Closes with one line that counts: `N passed, N failed`.
#
#   tools/test-vm.sh                     all suites, each in a machine of its own
#   tools/test-vm.sh resources crun      these alone
#   tools/test-vm.sh oci/hooks limits    files below test/
#
#   resources    limits, device rules (eBPF), I/O, out of memory, freezing, killing, statistics, delegation
#   quick        what a container is: namespaces, mounts, filters, capabilities, labels, hostile paths,
#                the life of one, and what is left of one that is killed
#   checkpoint   CRIU
#   crun         what the OCI runtime's tests of resources and states say of crun
#   rootless     an ordinary user: with a range of ids and with one, with cgroups that are delegated and
#                without, under AppArmor, with pasta and egress lists; user namespaces of root's
#
# No systemd runs there. What `systemd-run --user --scope` gives to a command is made as systemd makes it: a
# service of the user's, of which the directory, cgroup.procs, cgroup.subtree_control and cgroup.threads are
# the user's, with a slice and a scope below (test/delegated-cgroups.ts). Nor has a stock kernel Ubuntu's
# sysctl kernel.apparmor_restrict_unprivileged_userns: profiles take the same rights away.
#
# Without KVM a machine of QEMU's is some ten times slower than this one: the tests wait that much
# longer (PIVOT_TEST_PATIENCE), and those of images, registries, networks and the page, which have
# little to do with a kernel, are left out.
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
say() { printf 'test-vm: %s\n' "$*" >&2; }

packages=
need() { command -v "$1" >/dev/null || packages="$packages $2"; }
need qemu-system-x86_64 qemu-system-x86
need mkfs.ext4 e2fsprogs
need busybox busybox-static
need xz xz-utils
need criu criu
need apparmor_parser apparmor
need runc runc
need crun crun
need newuidmap uidmap
need pasta passt
need nft nftables
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "installing$packages"
  { apt-get -o DPkg::Lock::Timeout=300 update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages; } \
    </dev/null >build/apt-vm.log 2>&1 ||
    say "apt-get could not install all of$packages: see build/apt-vm.log"
fi

resources="cgroup cgroup-update delegation limits devices stats oci/resources oci/state"
quick="labels apparmor namespaces propagation pivot-root hostile-paths proc sys seccomp privileges identity
  lifecycle killed leftovers"
checkpoint=oci/checkpoint
crun=oci/resources
rootless="rootless rootless-limits rootless-apparmor users pasta egress"

reports=$(mktemp -d "$PWD/build/vm-reports.XXXXXX")
vm=
trap '[ -z "$vm" ] || kill "$vm" 2>/dev/null; rm -rf "$reports"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# Compilers are slow there.
node_modules/.bin/bun -e 'import { compileC } from "./test/pivot.ts";
  for (const name of ["probe.c", "calls.c", "exchange.c", "echo.c", "egress-probe.c"]) compileC(name);' || exit 1

# What udev and a network would have made of a machine: the device that pasta opens, and an interface with
# a default route, from which it takes addresses (those of documentation: nothing is reached there).
network="modprobe tun; modprobe dummy numdummies=0
ip link add vm0 type dummy && ip link set vm0 up && ip addr add 192.0.2.2/24 dev vm0 &&
  ip route add default via 192.0.2.1 || exit 1
ip addr add 2001:db8::2/64 dev vm0 && ip -6 route add default via 2001:db8::1 || :"

status=0
machine() { # machine SUITE RUNTIME FILES: none fails that is not there or says nothing
  suite=$1
  runtime=$2
  shift 2
  mkdir "$reports/$suite"
  script="export PIVOT_NETWORK=none TMPDIR=/scratch
${prepare:-}
for file in $*; do
  report=/run/report/$(printf %s "$suite")/\$(echo \$file | tr / -).xml
  node_modules/.bin/bun test --timeout 600000 --reporter=junit --reporter-outfile=\$report \\
    ./test/\$file.test.ts || echo failed >>/run/report/$suite/failed
done"
  export PIVOT_TEST_RUNTIME="$runtime" PIVOT_TEST_PATIENCE="${PIVOT_TEST_PATIENCE:-10}"
  VM_ENV="PIVOT_TEST_PATIENCE PIVOT_TEST_RUNTIME PIVOT_TEST_ALL" VM_DISK=4 VM_TIMEOUT="${VM_TIMEOUT:-5400}" \
    VM_REPORT="$reports" tools/vm/vm.sh "$script" </dev/null &
  vm=$!
  wait "$vm" || status=1
  vm=
  [ ! -e "$reports/$suite/failed" ] || status=1
  for file; do
    [ -s "$reports/$suite/$(echo "$file" | tr / -).xml" ] && continue
    say "$suite: test/$file.test.ts came to no end"
    status=1
  done
}

files=
[ $# -gt 0 ] || set -- resources quick checkpoint crun rootless
for word; do
  case $word in
    resources) machine "$word" "$PWD/pivot-oci" $resources ;;
    quick) machine "$word" "$PWD/pivot-oci" $quick ;;
    checkpoint) machine "$word" "$PWD/pivot-oci" $checkpoint ;;
    crun) machine "$word" "$(command -v crun)" $crun ;;
    rootless)
      prepare=$network
      machine "$word" "$PWD/pivot-oci" $rootless
      prepare=
      ;;
    *)
      [ -e "test/$word.test.ts" ] || {
        say "$word is neither resources, quick, checkpoint, crun, rootless nor a file test/$word.test.ts"
        exit 1
      }
      files="$files $word"
      ;;
  esac
done
prepare=$network
[ -z "$files" ] || machine files "${PIVOT_TEST_RUNTIME:-$PWD/pivot-oci}" $files
node_modules/.bin/bun tools/count-tests.ts "$reports" "$status"
