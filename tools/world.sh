#!/bin/sh
# Runs a command on a machine of its own, as far as namespaces make one: mounts, processes, network
# (loopback alone), cgroups and temporary files. Whatever the command starts, daemons too, ends with
# it, and nothing of it stays on the host.
#
#   tools/world.sh COMMAND…      PIVOT_WORLD is its directory, a tmpfs with a short path
#
# PIVOT_WORLD_CGROUPS=v1 leaves out the unified hierarchy of a hybrid machine.
set -eu
fail() {
  printf 'world: %s\n' "$*" >&2
  exit 1
}

# Where cgroup hierarchies are mounted, one a line: `KIND MOUNT CONTROLLERS`, KIND v1 or v2.
hierarchies() {
  while read -r _ _ _ _ mount _ rest; do
    case "$rest" in
      *' - cgroup2 '* | '- cgroup2 '*) echo "v2 $mount -" ;;
      *' - cgroup '* | '- cgroup '*)
        # Among the options of the superblock are the controllers: those of the name of the mount.
        controllers=${mount##*/}
        [ "$controllers" = systemd ] && controllers=none,name=systemd
        echo "v1 $mount $controllers"
        ;;
    esac
  done </proc/self/mountinfo
}

hand_on() { # hand_on CGROUP: its controllers to the cgroups below it
  for each in $(cat "$1/cgroup.controllers"); do
    { echo "+$each" >"$1/cgroup.subtree_control"; } 2>/dev/null || true
  done
}

# In version 1 what is frozen does not even end by SIGKILL, and who waits for it waits for ever.
thaw() { # thaw DIRECTORY: every cgroup below it
  find "$1" -name freezer.state 2>/dev/null | while read -r state; do
    { echo THAWED >"$state"; } 2>/dev/null || true # or it went meanwhile
  done
}

# ---- within ------------------------------------------------------------------------------------

fresh_cgroups() { # fresh_cgroups LIST
  umount -l /sys
  mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
  case $1 in
    *v1*) mount -t tmpfs -o nosuid,nodev,noexec,mode=755 tmpfs /sys/fs/cgroup ;;
  esac
  echo "$1" | while read -r kind mount controllers; do
    if [ "$kind" = v1 ]; then
      mkdir -p "$mount"
      mount -t cgroup -o "nosuid,nodev,noexec,$controllers" cgroup "$mount"
      for each in $(echo "${mount##*/}" | tr , ' '); do
        [ -e "/sys/fs/cgroup/$each" ] || ln -s "${mount##*/}" "/sys/fs/cgroup/$each"
      done
    elif [ "${PIVOT_WORLD_CGROUPS:-}" != v1 ] || [ "$mount" = /sys/fs/cgroup ]; then
      mkdir -p "$mount"
      mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$mount"
      # A cgroup that hands controllers on may hold no process itself.
      mkdir "$mount/init"
      while read -r pid; do
        echo "$pid" >"$mount/init/cgroup.procs" || true
      done <"$mount/cgroup.procs"
      hand_on "$mount"
    fi
  done
}

if [ "${1:-}" = --join ]; then
  # The process that waits for this one stays out of the cgroups. "0" is the process that writes.
  for mount in $(echo "$3" | cut -d ' ' -f 2); do echo 0 >"$mount/$2/cgroup.procs"; done
  list=$3
  shift 3
  exec unshare --cgroup sh "$0" --within "$list" "$@"
fi

if [ "${1:-}" = --within ]; then
  list=$2
  PIVOT_WORLD=$3
  shift 3
  mount -t proc -o nosuid,nodev,noexec proc /proc
  fresh_cgroups "$list"
  for each in "$PIVOT_WORLD" /run /dev/shm /var/lib/containers /var/lib/containerd \
    /var/lib/docker /var/lib/cni /var/lib/pivot; do
    [ ! -d "$each" ] || mount -t tmpfs -o mode=755 tmpfs "$each"
  done
  chmod 1777 /dev/shm
  mkdir -p /run/lock "$PIVOT_WORLD/home"
  busybox ip link set lo up
  unset XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DOCKER_HOST DOCKER_CONTEXT CONTAINER_HOST
  export PIVOT_WORLD HOME="$PIVOT_WORLD/home" TMPDIR="$PIVOT_WORLD"
  # Not exec: the first process of a pid namespace has to wait for orphans, and the shell does.
  status=0
  "$@" || status=$?
  thaw /sys/fs/cgroup
  exit "$status"
fi

# ---- outside -----------------------------------------------------------------------------------

[ $# -gt 0 ] || fail "no command: tools/world.sh COMMAND…"
[ "$(id -u)" = 0 ] || fail "only root can make one"
list=$(hierarchies)
[ -n "$list" ] || fail "no cgroup hierarchy is mounted"
directory=$(mktemp -d /tmp/pv.XXXXXX)
name=pivot-world-${directory#/tmp/pv.}
world=

clean() {
  trap '' INT TERM HUP
  [ -z "$world" ] || kill -KILL "$world" 2>/dev/null || true
  [ -z "$world" ] || wait "$world" 2>/dev/null || true
  echo "$list" | while read -r _ mount _; do thaw "$mount/$name"; done
  echo "$list" | while read -r _ mount _; do
    [ -d "$mount/$name" ] || continue
    # A killed process leaves its cgroup a moment after it is gone.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      find "$mount/$name" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.2
    done
    [ ! -d "$mount/$name" ] || printf 'world: %s stayed behind\n' "$mount/$name" >&2
  done
  rmdir "$directory"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "$list" | while read -r kind mount controllers; do
  mkdir "$mount/$name"
  [ "$controllers" != cpuset ] || for each in cpuset.cpus cpuset.mems; do
    cat "$mount/$each" >"$mount/$name/$each"
  done
  # What a hybrid machine has there is left as it is.
  [ "$mount" != /sys/fs/cgroup ] || hand_on "$mount"
done

unshare --mount --propagation private --pid --fork --kill-child --net --ipc --uts \
  sh "$0" --join "$name" "$list" "$directory" "$@" <&0 &
world=$!
status=0
wait "$world" || status=$?
world=
exit "$status"
