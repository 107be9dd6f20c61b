#!/bin/sh
# Fetches a stock kernel of Debian, unpacks it into a cache outside the repository, and makes the
# first file system that it boots. Prints the directory, in which lie `vmlinuz`, `initrd` and `modules`
# (for /lib/modules/VERSION). What is there is not made again.
#
# PIVOT_VM_KERNEL is a package of Debian, or the version of a kernel that is installed here; otherwise
# it is Linux 6.12 of this Debian, or whatever kernel it has. PIVOT_VM_CACHE is the cache, else
# ~/.cache/pivot-vm.
set -eu
here=$(dirname "$(readlink -f "$0")")
say() { printf 'vm: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
cache=${PIVOT_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pivot-vm}
wanted=${PIVOT_VM_KERNEL:-}
mkdir -p "$cache"
# Two at once: the second waits, and then finds it made.
if [ "${PIVOT_VM_LOCKED:-}" != 1 ]; then
  PIVOT_VM_LOCKED=1 exec flock "$cache" "$0" "$@"
fi

named() { apt-cache show "$1" 2>/dev/null | sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1; }
# The meta packages name the present kernel.
package() {
  case $wanted in linux-image-*) echo "$wanted" && return ;; esac
  for each in linux-image-6.12-amd64 linux-image-amd64; do
    found=$(named "$each")
    [ -z "$found" ] || { echo "$found" && return; }
  done
}

# A version that is in the cache already is taken without asking anybody.
version=$(cat "$cache/wanted-${wanted:-any}" 2>/dev/null || :)
if [ -n "$wanted" ] && [ -d "/lib/modules/$wanted" ]; then version=$wanted; fi
kernel=$cache/$version
if [ -z "$version" ] || [ ! -d "$kernel" ]; then
  making=$cache/making
  rm -rf "$making"
  mkdir -p "$making/package"
  if [ -n "$version" ] && [ -e "/boot/vmlinuz-$version" ]; then
    cp "/boot/vmlinuz-$version" "$making/vmlinuz"
    cp -r "/lib/modules/$version" "$making/modules"
  else
    command -v apt-get >/dev/null ||
      fail "there is no apt-get to fetch a kernel with: name one that is installed in PIVOT_VM_KERNEL"
    name=$(package)
    if [ -z "$name" ]; then
      apt-get update >"$cache/apt.log" 2>&1 || fail "apt-get update failed: see $cache/apt.log"
      name=$(package)
    fi
    [ -n "$name" ] || fail "this Debian has no package linux-image-amd64: name a kernel in PIVOT_VM_KERNEL"
    say "fetching $name"
    (cd "$making" && apt-get -o APT::Sandbox::User=root download "$name") >"$cache/apt.log" 2>&1 ||
      fail "apt-get could not fetch $name: see $cache/apt.log"
    dpkg -x "$making"/linux-image-*.deb "$making/package"
    rm "$making"/linux-image-*.deb
    mv "$making"/package/boot/vmlinuz-* "$making/vmlinuz"
    # Since trixie they lie below /usr.
    for each in "$making"/package/lib/modules/* "$making"/package/usr/lib/modules/*; do
      [ ! -d "$each" ] || { version=${each##*/} && mv "$each" "$making/modules"; }
    done
    [ -d "$making/modules" ] || fail "$name has no modules: name another in PIVOT_VM_KERNEL"
  fi
  rm -rf "$making/package"
  # Drivers of what no virtual machine has are most of the bytes; the rest lies unpacked, since busybox
  # loads no compressed module.
  for each in "$making"/modules/kernel/drivers/* "$making"/modules/kernel/sound; do
    case ${each##*/} in
      block | char | dax | md | net | scsi | vhost | virtio) ;;
      *) rm -rf "$each" ;;
    esac
  done
  rm -rf "$making"/modules/kernel/drivers/net/ethernet "$making"/modules/kernel/drivers/net/wireless
  find "$making/modules" -name '*.ko.xz' -exec xz -d {} +
  find "$making/modules" -name '*.ko.zst' -exec zstd -q -d --rm {} +
  # depmod looks for modules at the place where they are installed.
  mkdir -p "$making/at/lib/modules"
  ln -s ../../../modules "$making/at/lib/modules/$version"
  busybox depmod -b "$making/at" "$version"
  rm -r "$making/at"
  rm -rf "$cache/$version"
  mv "$making" "$cache/$version"
  kernel=$cache/$version
  echo "$version" >"$cache/wanted-${wanted:-any}"
fi

# ---- the first file system: busybox, modules in the order of loading, and init.sh --------------

needed() { # needed MODULE: its file and before it those it needs; nothing for one that is built in
  sed -n "s,^\([^:]*/$1\.ko[^:]*\):\(.*\),\2 \1,p" "$kernel/modules/modules.dep" | head -n 1 |
    awk '{ for (i = NF - 1; i > 0; i--) print $i; print $NF }'
}
initrd=$kernel/initrd
if [ ! -e "$initrd" ] || [ "$here/init.sh" -nt "$initrd" ] || [ "$here/kernel.sh" -nt "$initrd" ]; then
  tree=$cache/tree
  rm -rf "$tree"
  mkdir -p "$tree/bin" "$tree/modules" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/host" \
    "$tree/memory" "$tree/root"
  cp "$(command -v busybox)" "$tree/bin/busybox"
  cp "$here/init.sh" "$tree/init"
  chmod 755 "$tree/init"
  for each in virtio_pci virtio_blk virtio-rng virtio_console 9pnet_virtio 9p overlay \
    crc32c_generic ext4; do # ext4 asks for the checksum by its name
    needed "$each"
  done | awk '!seen[$0]++' | while read -r file; do
    cp "$kernel/modules/$file" "$tree/modules/"
    basename "$file" >>"$tree/modules/order"
  done
  (cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$initrd.new"
  mv "$initrd.new" "$initrd"
  rm -rf "$tree"
fi
echo "$kernel"
