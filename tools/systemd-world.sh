#!/bin/sh
# Runs a command on a machine of its own on which systemd is process 1: in a world of tools/world.sh,
# by this machine's own systemd. The command is a service.
#
#   tools/systemd-world.sh COMMAND…
#
# There are systemd and a message bus, and nothing else: no unit of this machine is started.
set -eu
here=$(cd "${0%/*}/.." && pwd)
fail() {
  printf 'systemd-world: %s\n' "$*" >&2
  exit 1
}
quoted() { # as a shell reads it back
  for each; do printf "'%s' " "$(printf %s "$each" | sed "s/'/'\\\\''/g")"; done
}
move() { # move PID NAME: into the cgroup of this name in each hierarchy, or where there is none, its root
  for mount in $(mounts | cut -d ' ' -f 2); do
    if [ -d "$mount/$2" ]; then
      echo "$1" >"$mount/$2/cgroup.procs"
    else
      echo "$1" >"$mount/cgroup.procs"
    fi
  done
}
mounts() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $3, $2, $4 }' /proc/mounts; }

case ${1:-} in
  --within)
    shift
    mkdir -p /run/systemd/system /run/dbus
    quoted "$@" >/run/command
    env | sed -n "s/^\([A-Za-z_][A-Za-z_0-9]*\)=.*/\1/p" | while read -r name; do
      eval "printf 'export %s=%s\n' \"$name\" \"\$(quoted \"\$$name\")\""
    done >/run/environment
    cat >/run/systemd/system/command.target <<UNIT
[Unit]
DefaultDependencies=no
Wants=dbus.socket command.service
UNIT
    cat >/run/systemd/system/command.service <<UNIT
[Unit]
DefaultDependencies=no
After=dbus.socket
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
Delegate=yes
TimeoutStopSec=5
WorkingDirectory=$PWD
ExecStart=/bin/sh -c '. /run/environment; eval "\$(cat /run/command)"'
StandardOutput=append:/run/output
StandardError=append:/run/output
UNIT
    cat >/run/systemd/system/dbus.socket <<UNIT
[Unit]
DefaultDependencies=no
[Socket]
ListenStream=/run/dbus/system_bus_socket
UNIT
    cat >/run/systemd/system/dbus.service <<UNIT
[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation
UNIT
    # What a unit of the command's own may be called is not taken by one of this machine.
    for mount in $(mounts | cut -d ' ' -f 2); do
      mkdir "$mount/machine"
      for each in cpuset.cpus cpuset.mems; do
        [ ! -w "$mount/$each" ] || cat "$mount/$each" >"$mount/machine/$each" 2>/dev/null || true
      done
    done
    status=0
    mkfifo /run/output
    cat /run/output &
    sh "$0" --join &
    machine=$!
    # Who waits for systemd would be a process in its root, which then could hand no controllers on.
    while [ ! -e /run/forked ] && kill -0 "$machine"; do sleep 0.1; done
    move "$machine" init
    : >/run/moved
    wait "$machine" || status=$?
    : <>/run/output # ends who reads where nobody has written
    wait
    exit "$status"
    ;;
  --join)
    move 0 machine
    exec unshare --cgroup --mount --pid --fork --kill-child sh "$0" --machine
    ;;
  --machine)
    : >/run/forked
    while [ ! -e /run/moved ]; do sleep 0.1; done
    list=$(mounts)
    mount -t proc proc /proc
    mount --bind /proc/sys /proc/sys
    mount -o remount,bind,ro /proc/sys
    echo "$list" | while read -r kind at options; do
      umount -l "$at"
      controllers=$(printf %s "$options" | tr , '\n' |
        grep -vE '^(rw|nosuid|nodev|noexec|relatime|nsdelegate|xattr|clone_children|release_agent.*)$' | paste -sd, -)
      case $controllers in name=*) controllers=none,$controllers ;; esac
      mount -t "$kind" ${controllers:+-o "$controllers"} "$kind" "$at"
    done
    exec env -i container=pivot-world PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      /usr/lib/systemd/systemd --system --unit=command.target --log-target=console --log-level=err \
      --show-status=false --crash-reboot=false </dev/null
    ;;
esac

[ $# -gt 0 ] || fail "no command: tools/systemd-world.sh COMMAND…"
for each in /usr/lib/systemd/systemd /usr/bin/dbus-daemon; do
  [ -x "$each" ] || fail "there is no $each: install systemd and dbus"
done
exec sh "$here/tools/world.sh" sh "$0" --within "$@"
