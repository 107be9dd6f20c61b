#!/bin/sh
# Runs a command as an ordinary user that this machine does not have: in a mount namespace of its own,
# with /etc/passwd, group, subuid and subgid of its own, which nobody else sees.
#
#   tools/as-user.sh range|single DIRECTORY COMMAND [ARG...]     as root
#
# range: the user has 65536 subordinate ids; single: none. DIRECTORY is made: the user's home, with a
# runtime directory, and a directory for temporary files. It is left there, and is the user's.
set -eu
if [ "${PIVOT_AS_USER:-}" != 1 ]; then
  PIVOT_AS_USER=1 exec unshare --mount --propagation private "$0" "$@"
fi
unset PIVOT_AS_USER
mode=$1
home=$2
shift 2
user=pivot-tester
id=64711
mkdir -p "$home/etc" "$home/run" "$home/tmp"
chmod 700 "$home/run" "$home/tmp"
grep -v "^$user:" /etc/passwd >"$home/etc/passwd"
echo "$user:x:$id:$id::$home:/bin/sh" >>"$home/etc/passwd"
grep -v "^$user:" /etc/group >"$home/etc/group"
echo "$user:x:$id:" >>"$home/etc/group"
: >"$home/etc/subuid"
: >"$home/etc/subgid"
if [ "$mode" = range ]; then
  echo "$user:3000000:65536" >"$home/etc/subuid"
  echo "$user:4000000:65536" >"$home/etc/subgid"
fi
for file in passwd group subuid subgid; do
  [ -e "/etc/$file" ] || continue # newuidmap has none to read, then
  mount --bind "$home/etc/$file" "/etc/$file"
done
chown "$id:$id" "$home" "$home/run" "$home/tmp"
exec setpriv --reuid "$id" --regid "$id" --clear-groups env -i "PATH=$PATH" "HOME=$home" "USER=$user" \
  "TERM=${TERM:-xterm}" "XDG_RUNTIME_DIR=$home/run" "TMPDIR=$home/tmp" "$@"
