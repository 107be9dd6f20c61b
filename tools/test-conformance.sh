#!/bin/sh
# Runs the validation programs of opencontainers/runtime-tools against PIVOT_TEST_RUNTIME (pivot-oci
# unless told) and against the peers that are installed, and compares: see
# test/conformance/README.md. Their source comes from PIVOT_RUNTIME_TOOLS, a directory with a clone
# of that project, or from build/conformance/source, or from Debian: of its package, should that have
# them, or else of the source package. What is built stays below build/conformance.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
say() { printf 'pivot: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
tools/setup.sh
[ "$(id -u)" = 0 ] || fail "the validation programs make containers as root does: run this as root"

# Debian has the libraries that the programs are built from.
gocode=/usr/share/gocode
packages=
command -v go >/dev/null || packages="$packages golang-go"
[ -d $gocode/src/github.com/opencontainers/runtime-tools/generate ] ||
  packages="$packages golang-github-opencontainers-runtime-tools-dev"
[ -d $gocode/src/github.com/google/uuid ] || packages="$packages golang-github-google-uuid-dev"
if [ -n "$packages" ]; then
  command -v apt-get >/dev/null || fail "these packages of Debian are missing:$packages"
  say "installing$packages"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    $packages; } </dev/null >build/apt.log 2>&1 ||
    fail "apt-get could not install$packages: see build/apt.log"
fi

ground=$PWD/build/conformance
has_programs() { [ -e "$1/validation/util/container.go" ]; }

# Debian's package of libraries leaves the programs out; its source package is the project's own. The
# lists of source packages are kept here: the machine's stay as they are. 0 when $1 has them then.
fetch_from_debian() (
  name=golang-github-opencontainers-runtime-tools
  apt=$ground/apt
  command -v apt-get >/dev/null || return 1
  rm -rf "$apt" && mkdir -p "$apt/lists/partial" "$apt/sources.d" && cd "$apt" || return 1
  for list in /etc/apt/sources.list.d/*.sources; do
    [ ! -e "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"sources.d/$(basename "$list")"
  done
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -n 's/^deb[[:space:]]/deb-src /p' >sources.d/lists.list
  say "looking for the validation programs in Debian's source package $name"
  set -- "$1" -o Dir::Etc::sourcelist=- -o Dir::Etc::sourceparts="$apt/sources.d" \
    -o Dir::State::Lists="$apt/lists" -o APT::Sandbox::User=root
  directory=$1
  shift
  apt-get "$@" update >apt.log 2>&1 && apt-get "$@" source --download-only "$name" >>apt.log 2>&1 &&
    mkdir -p "$directory.new" && tar -xf "$name"_*.orig.tar.* --strip-components=1 -C "$directory.new" &&
    mv -T "$directory.new" "$directory"
)

source=${PIVOT_RUNTIME_TOOLS:-$ground/source}
package=$gocode/src/github.com/opencontainers/runtime-tools
mkdir -p "$ground"
if ! has_programs "$source" && [ -z "${PIVOT_RUNTIME_TOOLS:-}" ]; then
  if has_programs "$package"; then
    source=$package
  else
    fetch_from_debian "$source" </dev/null || :
  fi
fi
has_programs "$source" ||
  fail "no validation programs in $source: clone github.com/opencontainers/runtime-tools there," \
    "or name a clone in PIVOT_RUNTIME_TOOLS (Debian's source package was not to be had: see $ground/apt/apt.log)"
mkdir -p "$ground/ground"

# What was built, and from where, is a stamp that is older than whatever changed since.
stamp=$ground/built
if ! grep -qxF "$source" "$stamp" 2>/dev/null ||
  [ -n "$(find "$source/validation" "$source/cmd" test/conformance/tap -name '*.go' -newer "$stamp")" ]; then
  say "compiling the validation programs"
  tools=github.com/opencontainers/runtime-tools
  rm -rf "$ground/gopath" "$ground/programs" "$stamp"
  mkdir -p "$ground/gopath/src/$tools" "$ground/gopath/src/github.com/mndrix/tap-go" "$ground/programs"
  cp -r "$source/validation" "$source/cmd" "$ground/gopath/src/$tools/"
  cp test/conformance/tap/tap.go "$ground/gopath/src/github.com/mndrix/tap-go/"
  GOPATH=$ground/gopath:$gocode GO111MODULE=off CGO_ENABLED=0 GOFLAGS='' go build -ldflags '-s -w' \
    -o "$ground/programs/" "$tools/validation/..." "$tools/cmd/runtimetest" >"$ground/go.log" 2>&1 ||
    fail "go could not compile the validation programs: see $ground/go.log"
  mv "$ground/programs/runtimetest" "$ground/ground/"
  printf '%s\n' "$source" >"$stamp"
fi

# The root of every container: busybox under all its names. The programs unpack it themselves.
archive=$ground/ground/rootfs-$(go env GOARCH).tar.gz
if [ ! -e "$archive" ]; then
  busybox=$(command -v busybox) || fail "busybox is missing: install busybox-static"
  root=$ground/root.$$
  trap 'rm -rf "$root"' EXIT
  mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/proc" "$root/root" "$root/sys" "$root/tmp"
  chmod 1777 "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  for name in $("$busybox" --list); do ln -f "$root/bin/busybox" "$root/bin/$name" || :; done 2>/dev/null
  echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
  echo root:x:0: >"$root/etc/group"
  # The archive's first entry gives the mode of the root, which other users must be able to enter.
  chmod 755 "$root"
  tar -C "$root" -czf "$archive.new" .
  mv "$archive.new" "$archive"
  rm -rf "$root"
  trap - EXIT
fi

# Several programs use the same cgroups, whatever runs them: only one such run at a time.
exec flock /sys/fs/cgroup node_modules/.bin/bun test/conformance/run.ts "$@"
