# What a script of tools/ needs of Debian: noted by `need`, installed by `install_packages`. Sourced, after
# tools/setup.sh, by a script that has a function `say`.

packages=

# need PROGRAM PACKAGE: the program is found in PATH, or is a path; without it the package is wanted.
need() { command -v "$1" >/dev/null || packages="$packages $2"; }

# install_packages NAME: where root can. What apt-get said is in build/apt-NAME.log. 1 when it could not:
# what then is missing, each test says for itself.
install_packages() {
  [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
  say "installing$packages"
  # What is installed must not be started: daemons are the tests' own.
  { apt-get -o DPkg::Lock::Timeout=300 update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages; } \
    </dev/null >"build/apt-$1.log" 2>&1 && return 0
  say "apt-get could not install all of$packages: see build/apt-$1.log"
  return 1
}
