#!/bin/sh
# Runs a command as an ordinary user that this machine does not have: in a mount namespace of its own,
# with files /etc/passwd, group, subuid and subgid that nobody else sees.
#
#   tools/as-user.sh range|single DIRECTORY COMMAND [ARG...]     as root
#
# range: the user has 65536 subordinate ids; single: none. DIRECTORY is the user's home, with a runtime
# directory and one for temporary files; it is made, and stays. Its parents have to let others through.
# PIVOT_TEST_UID says another uid than the usual one, for tests that run beside others.
set -eu
if [ "${PIVOT_AS_USER:-}" != 1 ]; then
  PIVOT_AS_USER=1 exec unshare --mount --propagation private "$0" "$@"
fi
mode=$1
home=$2
shift 2
user=pivot-tester
id=${PIVOT_TEST_UID:-64711}
if [ ! -d "$home/etc" ]; then
  mkdir -p "$home"
  etc=$(mktemp -d "$home/.etc-XXXXXX")
  for file in passwd group; do grep -v "^$user:" "/etc/$file" >"$etc/$file"; done
  echo "$user:x:$id:$id::$home:/bin/sh" >>"$etc/passwd"
  echo "$user:x:$id:" >>"$etc/group"
  : >"$etc/subuid"
  : >"$etc/subgid"
  if [ "$mode" = range ]; then
    echo "$user:3000000:65536" >"$etc/subuid"
    echo "$user:4000000:65536" >"$etc/subgid"
  fi
  chmod 755 "$etc" "$home"
  # pasta's, for everybody: as distributions have it, and not every machine.
  if [ -c /dev/net/tun ]; then mknod -m 0666 "$etc/tun" c 10 200; fi
  mkdir -p "$home/run" "$home/tmp"
  chmod 700 "$home/run" "$home/tmp"
  chown "$id:$id" "$home" "$home/run" "$home/tmp"
  mv -T "$etc" "$home/etc" 2>/dev/null || rm -r "$etc" # another call was first
fi
for file in passwd group subuid subgid; do
  # Without one newuidmap has none to read, and nobody a range.
  if [ -e "/etc/$file" ]; then mount --bind "$home/etc/$file" "/etc/$file"; fi
done
if [ -c "$home/etc/tun" ]; then mount --bind "$home/etc/tun" /dev/net/tun; fi
exec setpriv --reuid "$id" --regid "$id" --clear-groups env -i "PATH=$PATH" "HOME=$home" "USER=$user" \
  "TERM=${TERM:-xterm}" "XDG_RUNTIME_DIR=$home/run" "TMPDIR=$home/tmp" "$@"
