/** The functions that the script of `pivot explain --format sh` uses, in the language of sh(1). */

/** What each of the script's shells begins with. */
export const words = `set -eu
fail() { printf 'by hand: %s\\n' "$*" >&2; exit 125; }

# NAME: the path of a program. A busybox shell takes its own of that name, which can do less.
program() {
  _found=
  _path=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
  _ifs=$IFS IFS=:
  for _directory in $_path; do
    [ -x "$_directory/$1" ] || continue
    case $(readlink -f "$_directory/$1") in
    */busybox) [ "$1" = sh ] || continue ;;
    esac
    _found=$_directory/$1
    break
  done
  IFS=$_ifs
  printf %s "$_found"
}
for _name in chrt flock ionice mount nsenter pivot_root prlimit setarch setpriv setsid sh taskset umount unshare; do
  _path=$(program "$_name")
  if [ -n "$_path" ]; then eval "$_name=\\$_path"
  else eval "$_name=_missing_\\$_name"
  fi
  [ "$_name" = sh ] || eval "$_name() { \\"\\$$_name\\" \\"\\$@\\"; }"
done
for _name in mount nsenter pivot_root setpriv sh umount unshare; do
  eval "case \\$$_name in _missing_*) fail $_name of util-linux is missing ;; esac"
done
# Not every system has these outside busybox.
for _name in hostname ip mkfifo mknod; do
  command -v "$_name" >/dev/null || eval "$_name() { busybox $_name \\"\\$@\\"; }"
done

# VARIABLE ROOT PATH: where a process with that root would find the path. Links of the image lead to
# places of the image; nothing has to be there yet.
place() {
  _variable=$1 _root=$2 _rest=$3 _at= _links=0
  while [ -n "$_rest" ]; do
    case $_rest in /*) _rest=\${_rest#/}; continue ;; esac
    _name=\${_rest%%/*}
    case $_rest in */*) _rest=\${_rest#*/} ;; *) _rest= ;; esac
    case $_name in
    '' | .) continue ;;
    ..) _at=\${_at%/*}; continue ;;
    esac
    if [ -L "$_root$_at/$_name" ]; then
      _links=$((_links + 1))
      [ "$_links" -le 40 ] || fail "too many links: $3"
      _target=$(readlink "$_root$_at/$_name"; echo .)
      _target=\${_target%??}
      case $_target in /*) _at= ;; esac
      _rest=$_target/$_rest
    else
      _at=$_at/$_name
    fi
  done
  eval "$_variable=\\$_root\\$_at"
}

# SOURCE TARGET: makes a target of the source's kind where there is none.
like() {
  if [ -d "$1" ]; then mkdir -p "$2"
  elif [ ! -e "$2" ]; then mkdir -p "\${2%/*}"; : >"$2"
  fi
}

# PATH NULL EMPTY: covers a file by /dev/null, a directory by an empty one; nothing if it is not there.
cover() {
  if [ -d "$1" ]; then mount --bind "$3" "$1"
  elif [ -e "$1" ]; then
    [ "$(stat -c %t:%T "$2")" = 1:3 ] || fail "$2 is not the device 1:3"
    mount --bind "$2" "$1"
  fi
}

# PATH: makes it read-only; nothing if it is not there.
readonly_at() {
  [ -e "$1" ] || return 0
  mount --rbind "$1" "$1"
  mount -o remount,bind,ro "$1"
}

# USER GROUP GROUPS: uid, gid, groups and home, by the container's own /etc/passwd and /etc/group.
identity() {
  uid= gid=0 home= groups= _name=
  place _passwd "$root" /etc/passwd
  place _group "$root" /etc/group
  [ -f "$_passwd" ] || _passwd=/dev/null
  [ -f "$_group" ] || _group=/dev/null
  case $1 in *[!0-9]*) _by=name ;; *) _by=number uid=$1 ;; esac
  while IFS=: read -r _n _ _u _g _ _h _; do
    if [ $_by = name ]; then [ "$_n" = "$1" ] || continue; else [ "$_u" = "$1" ] || continue; fi
    uid=$_u gid=$_g home=$_h _name=$_n
    break
  done <"$_passwd"
  [ -n "$uid" ] || fail "no user $1 in the container's /etc/passwd"
  [ -n "$home" ] || home=/
  [ -z "$2" ] || { group_number "$2"; gid=$number; }
  for _each in $3; do
    if [ "$_each" = primary ]; then number=$gid; else group_number "$_each"; fi
    groups=$groups\${groups:+,}$number
  done
  [ -z "$2" ] && [ -n "$_name" ] || return 0
  while IFS=: read -r _n _ _g _members _; do
    case ,$_members, in *",$_name,"*) ;; *) continue ;; esac
    case ,$groups, in *",$_g,"*) ;; *) groups=$groups\${groups:+,}$_g ;; esac
  done <"$_group"
}
group_number() {
  number=
  case $1 in *[!0-9]*) ;; *) number=$1; return 0 ;; esac
  while IFS=: read -r _n _ _g _; do
    [ "$_n" = "$1" ] && { number=$_g; break; }
  done <"$_group"
  [ -n "$number" ] || fail "no group $1 in the container's /etc/group"
}
`;

/** How the first shell, on the host, waits for the container and undoes what it has made. */
export const ending = `# 7: what is said to the container's first process; 8: what it says.
mkfifo "$work/go" "$work/up"
exec 7<>"$work/go" 8<>"$work/up"
said() {
  read -r _word _value <&8
  [ "$_word" = "$1" ] || fail "the container's first process has ended too early"
}
`;
