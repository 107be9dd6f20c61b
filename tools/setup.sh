#!/bin/sh
# Makes what a clone lacks: packages of npm, the C program, the compiled command line.
# One line on standard error for each thing that is done; nothing is said when nothing is.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
say() { printf 'pivot: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

mkdir -p build
# Two first calls at once: the second waits, and then finds nothing to do.
if [ "${PIVOT_SETUP_LOCKED:-}" != 1 ] && command -v flock >/dev/null; then
  PIVOT_SETUP_LOCKED=1 exec flock build/.lock "$0" "$@"
fi

# Debian's packages, when they can be had without asking anybody.
packages=
need() { command -v "$1" >/dev/null || packages="$packages $2"; }
need cc gcc
need npm npm
# A static program of musl's starts in half the time of one of glibc's, and is a third of its size.
# Root of a user's own namespace installs nothing.
is_root() { [ "$(id -u)" = 0 ] && [ -z "${PIVOT_ROOTLESS:-}" ]; }
if is_root; then need musl-gcc musl-tools; fi
{ [ -x /bin/busybox ] || command -v busybox >/dev/null; } || packages="$packages busybox-static"
if [ -n "$packages" ]; then
  if is_root && command -v apt-get >/dev/null; then
    say "installing$packages"
    log=build/apt.log
    # Another apt-get at work is waited for.
    apt() { DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"; }
    { apt update && apt install -y --no-install-recommends $packages libc6-dev linux-libc-dev; } \
      </dev/null >"$log" 2>&1 || fail "apt-get could not install$packages: see $log"
  else
    case $packages in
      *gcc* | *npm*) fail "these programs are missing, install them first:$packages" ;;
      *) say "not installed, and needed for the image busybox:$packages" ;;
    esac
  fi
fi

touch build/.begun
newer() { # newer THAN FILE...: is one of the files newer?
  than=$1
  shift
  [ -e "$than" ] || return 0
  for file; do [ "$file" -nt "$than" ] && return 0; done
  return 1
}

if newer node_modules/.package-lock.json package-lock.json; then
  say "installing packages of npm"
  # Not `npm ci`: that refuses a lock file without the packages of every other platform.
  npm install --no-save --no-audit --no-fund --ignore-scripts </dev/null >build/npm.log 2>&1 ||
    fail "npm install failed: see build/npm.log"
  touch node_modules/.package-lock.json
fi
# The package holds the program for each machine in a package of its own; see its install script.
bun=node_modules/.bin/bun
if ! "$bun" --version >/dev/null 2>&1; then
  node node_modules/bun/install.js >>build/npm.log 2>&1 || fail "bun does not run: see build/npm.log"
fi

if newer build/pivot native/*.[ch]; then
  say "compiling the executor"
  compiler=cc
  if command -v musl-gcc >/dev/null; then
    # The kernel's headers are not among musl's own.
    compiler="musl-gcc -idirafter /usr/include -idirafter /usr/include/$(cc -print-multiarch)"
  fi
  $compiler -std=c11 -Os -Wall -Wextra -Werror -ffunction-sections -fdata-sections -static \
    -Wl,--gc-sections -s -o build/pivot.new native/*.c || fail "cc could not compile native/*.c"
  mv build/pivot.new build/pivot
  ln -sf pivot build/pivot-oci # the same program, which goes by its name
fi

if newer build/pivot-program src/*.ts src/*/*.ts src/*/*/*.ts package-lock.json; then
  say "compiling the command line"
  # Parsed here and not at each start (--bytecode); what a command imports late is read late (--splitting);
  # compiled for the processor only where it runs long (--compile-jit-policy); no file of the directory
  # where it is called has a say (--no-compile-autoload-…). "sideEffects" of package.json is for those who
  # bundle the library: heeded here, a start takes 1.4 ms more (--ignore-dce-annotations).
  "$bun" build --compile --minify --bytecode --format=esm --splitting --compile-jit-policy=1000 \
    --ignore-dce-annotations \
    --no-compile-autoload-dotenv --no-compile-autoload-bunfig --no-compile-autoload-tsconfig \
    --no-compile-autoload-package-json src/cli/main.ts --outfile build/pivot-program.new \
    >build/bun.log 2>&1 || fail "bun could not compile the command line: see build/bun.log"
  mv build/pivot-program.new build/pivot-program
fi
# For the next call of the script `pivot`: native/fresh.c.
{
  printf '%s\0' package-lock.json tools/setup.sh
  find native -maxdepth 1 -name '*.[ch]' -print0
  find src -maxdepth 3 -name '*.ts' ! -name '*.test.ts' -print0
  for directory in native/ src/ src/*/ src/*/*/; do printf '%s\0' "$directory"; done
} >build/.sources.new && mv build/.sources.new build/.sources || rm -f build/.sources
# What is written while this runs is newer than what was built.
mv build/.begun build/.built
