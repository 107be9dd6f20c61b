#!/bin/sh
# Runs tests on a stock kernel of Debian in a virtual machine (see vm/vm.sh): Linux 6.12, cgroups of
# version 2 alone, AppArmor, two processors. Closes with one line that counts: `N passed, N failed`.
#
#   tools/test-vm.sh                     all suites, each in a machine of its own
#   tools/test-vm.sh resources crun      these alone
#   tools/test-vm.sh oci/hooks limits    files below test/
#
#   resources     limits, device rules (eBPF), I/O, out of memory, freezing, killing, statistics, delegation
#   kernel        what a container is: namespaces, mounts, filters, capabilities, labels, hostile paths,
#                 the life of one, and what is left of one that is killed
#   rest          the other files of test/: images, files in and out, terminals, networks, views, OCI
#   units         those beside the sources
#   rootless      an ordinary user: with a range of ids and with one, with cgroups that are delegated and
#                 without, under AppArmor, with pasta and egress lists; user namespaces of root's
#   checkpoint    CRIU
#   crun          what the OCI runtime's tests of resources and states say of crun
#   systemd       scopes of a systemd that is process 1, and podman with them (tools/test-systemd.sh)
#   systemd-crun  the same with crun
#
# What each file said, and its JUnit report, stay in build/vm/SUITE. Without KVM a machine of QEMU's is
# ten to thirty times slower than this one: the tests wait that much longer (PIVOT_TEST_PATIENCE), and
# all suites take hours. VM_TIMEOUT: seconds for a suite. Sanitisers of programs in C are left out
# (PIVOT_TEST_SANITISED): they find the same on any kernel.
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
tools/setup.sh || exit 1
say() { printf 'test-vm: %s\n' "$*" >&2; }

. tools/packages.sh
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
need /usr/lib/systemd/systemd systemd
need dbus-daemon dbus
install_packages vm || :

# Left out are tests of what no kernel has a word in, and which emulation makes long:
#   bench/ and web/     figures of time, which say nothing there; a page in a browser
#   docs, house, help   what stands in the repository's own files
#   libseccomp          whether its programs decide as ours, by a reader of programs
left_out="test/docs.test.ts test/docs-commands.test.ts test/house.test.ts test/help.test.ts
  src/seccomp/libseccomp.test.ts"
resources="cgroup cgroup-update delegation limits devices stats oci/resources oci/state"
kernel="labels apparmor namespaces propagation pivot-root hostile-paths proc sys seccomp privileges identity
  lifecycle leftovers killed"
rootless="$(cd test && echo rootless*.test.ts | sed 's/\.test\.ts//g') users pasta egress"
checkpoint=oci/checkpoint
crun="oci/resources oci/state"

files_of() { for file; do echo "test/$file.test.ts"; done; } # of names below test/
kept() { # kept PATTERN…: of the files that are read, those that are neither left out nor like one of these
  # The names are patterns of `case`, not of files.
  set -f
  while read -r file; do
    for each in "$@" $left_out; do
      case $file in $each) continue 2 ;; esac
    done
    echo "$file"
  done
}
rest() { # the files of `npm test` below test/ that no other suite has
  find test -name '*.test.ts' | sort | kept $(files_of $resources $kernel $rootless $checkpoint)
}
units() { # those beside the sources, by directories; each by itself where one is left out, or all are long
  for directory in $(find src -name '*.test.ts' | cut -d / -f 1,2 | sort -u); do
    all=$(find "$directory" -name '*.test.ts' | sort)
    some=$(echo "$all" | kept)
    [ "$some" != "$all" ] || [ "$directory" = src/image ] || some=$directory
    echo "$some"
  done
}

vm=
trap '[ -z "$vm" ] || kill "$vm" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
node_modules/.bin/bun tools/vm/compile.ts || exit 1

# What udev and a network would have made of a machine: the device that pasta opens, and an interface with
# a default route, from which it takes addresses (those of documentation: nothing is reached there).
network='modprobe tun; modprobe dummy numdummies=0
  ip link add vm0 type dummy && ip link set vm0 up && ip addr add 192.0.2.2/24 dev vm0 &&
    ip route add default via 192.0.2.1 || exit 1
  ip addr add 2001:db8::2/64 dev vm0 && ip -6 route add default via 2001:db8::1 || :'

status=0
suites=
prepare=
run() { # run SUITE RUNTIME COMMAND: in a machine; the command finds $report, the directory for reports
  report=$PWD/build/vm/$1
  suites="$suites $1"
  rm -rf "$report"
  mkdir -p "$report"
  export PIVOT_TEST_RUNTIME="$2" PIVOT_TEST_PATIENCE="${PIVOT_TEST_PATIENCE:-10}"
  say "$1, of ${2##*/}"
  export PIVOT_TEST_SANITISED=0
  VM_ENV="PIVOT_TEST_PATIENCE PIVOT_TEST_RUNTIME PIVOT_TEST_JOBS PIVOT_TEST_ALL PIVOT_TEST_SANITISED VM_FILE_TIMEOUT" \
    VM_DISK=4 VM_TIMEOUT="${VM_TIMEOUT:-14400}" VM_REPORT="$report" \
    tools/vm/vm.sh "export PIVOT_NETWORK=none TMPDIR=/scratch; report=/mnt/report; $3" </dev/null &
  vm=$!
  wait "$vm" || status=1
  vm=
}
tests() { # tests SUITE RUNTIME FILES: none fails that is not there or says nothing
  suite=$1
  runtime=$2
  shift 2
  run "$suite" "$runtime" "$prepare
    tools/vm/test-files.sh \$report $*"
  for file; do
    name=$(printf %s "$file" | tr / - | sed 's/\.test\.ts$//')
    [ -s "$report/$name.xml" ] && continue
    say "$suite: $file came to no end"
    status=1
  done
}
systemd() { # systemd SUITE RUNTIME
  # In its world there is another /run.
  run "$1" "$2" 'tools/test-systemd.sh --timeout 900000; code=$?; cp build/systemd.xml $report; exit $code'
  [ -s "$report/systemd.xml" ] || { say "$1 came to no end" && status=1; }
}

files=
own=$PWD/pivot-oci
peer=$(command -v crun || echo /usr/bin/crun)
[ $# -gt 0 ] || set -- resources kernel rest units rootless checkpoint crun systemd systemd-crun
for word; do
  case $word in
    resources) tests "$word" "$own" $(files_of $resources) ;;
    kernel) tests "$word" "$own" $(files_of $kernel) ;;
    rest) tests "$word" "$own" $(rest) ;;
    units) tests "$word" "$own" $(units) ;;
    rootless)
      prepare=$network
      tests "$word" "$own" $(files_of $rootless)
      prepare=
      ;;
    checkpoint) tests "$word" "$own" $(files_of $checkpoint) ;;
    crun) tests "$word" "$peer" $(files_of $crun) ;;
    systemd) systemd "$word" "$own" ;;
    systemd-crun) systemd "$word" "$peer" ;;
    *)
      file=test/$word.test.ts
      [ -e "$file" ] || file=$word
      [ -e "$file" ] || {
        say "$word is neither a suite (see the head of tools/test-vm.sh) nor a file test/$word.test.ts"
        exit 1
      }
      files="$files $file"
      ;;
  esac
done
prepare=$network
[ -z "$files" ] || tests files "${PIVOT_TEST_RUNTIME:-$own}" $files
set --
for suite in $suites; do
  set -- "$@" "build/vm/$suite"
  say "$suite: $(node_modules/.bin/bun tools/count-tests.ts "build/vm/$suite" 0 | tail -n 1)"
done
first=$1
shift
node_modules/.bin/bun tools/count-tests.ts "$first" "$status" "$@"
