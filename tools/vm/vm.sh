#!/bin/bash
# Runs a command of sh as root in a virtual machine with a stock kernel of Debian, which sees all files
# of this one as they are when it starts, and keeps what it writes to itself. Its cgroups are of version
# 2 alone. Output comes as it is written, standard error among it; the exit status is the command's, 124
# when time was up, 125 when the machine ended before the command did.
#
#   tools/vm/vm.sh 'uname -r; cat /sys/fs/cgroup/cgroup.controllers'
#
#   VM_CPUS, VM_MEMORY   processors (2), and memory in MiB (3072)
#   VM_TIMEOUT           seconds (600)
#   VM_ENV               names of variables of the environment that go in: "NAME NAME"
#   VM_DISK              gigabytes of a disk of its own with ext4 at /scratch; absent: none
#   VM_ACCEL             kvm or tcg; absent: kvm where the processor has it, else tcg, which is slow
#   VM_APPEND            more words for the kernel's command line
#   VM_REPORT            a directory of the host's that is /mnt/report there, to write to
# See kernel.sh for PIVOT_VM_KERNEL and PIVOT_VM_CACHE.
set -u
here=$(dirname "$(readlink -f "$0")")
say() { printf 'vm: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 125
}
[ $# -gt 0 ] || fail "no command: tools/vm/vm.sh 'COMMAND of sh'"
[ "$(id -u)" = 0 ] || fail "only root can hand out all files of this machine: run it as root"
[ "$(uname -m)" = x86_64 ] || fail "it is made for x86-64, and this is $(uname -m)"
for each in qemu-system-x86_64=qemu-system-x86 busybox=busybox-static xz=xz-utils; do
  command -v "${each%=*}" >/dev/null || fail "${each%=*} is missing: install ${each#*=}"
done
kernel=$("$here/kernel.sh") || exit 125

run=$(mktemp -d /tmp/pivot-vm.XXXXXX)
qemu=
reader=
clean() {
  [ -z "$qemu" ] || kill "$qemu" 2>/dev/null
  [ -z "$reader" ] || kill "$reader" 2>/dev/null
  rm -rf "$run"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir "$run/vm"
printf '%s\n' "$*" >"$run/vm/command"
{
  echo "cd $(printf %q "$PWD") 2>/dev/null || cd /"
  for each in PATH HOME LANG TERM ${VM_ENV:-}; do
    [ -z "${!each+set}" ] || echo "export $each=$(printf %q "${!each}")"
  done
} >"$run/vm/environment"
cat >"$run/vm/guest.sh" <<'end'
for port in /sys/class/virtio-ports/*; do
  [ "$(cat "$port/name")" != output ] || exec </dev/null >"/dev/${port##*/}" 2>&1
done
setsid sh -c '. /mnt/vm/environment; . /mnt/vm/command'
echo $? >/mnt/vm/status.new
mv /mnt/vm/status.new /mnt/vm/status
exec >/dev/null 2>&1
sync
busybox poweroff -f
end

accelerator=${VM_ACCEL:-tcg}
if [ -z "${VM_ACCEL:-}" ] && [ -w /dev/kvm ] && grep -qwE 'svm|vmx' /proc/cpuinfo; then accelerator=kvm; fi
case $accelerator in
  kvm) machine=(-accel kvm -cpu host) ;;
  # Without erms the kernel clears pages by plain stores: "rep stosb" is emulated byte by byte, and without
  # smap a system call leaves the emulated code less often.
  tcg) machine=(-accel tcg,thread=multi -cpu "max,-la57,-erms,-fsrm,-smap") ;;
  *) fail "VM_ACCEL is kvm or tcg, not $accelerator" ;;
esac
shared=()
if [ -n "${VM_REPORT:-}" ]; then
  shared=(-virtfs "local,path=$VM_REPORT,mount_tag=report,security_model=none")
fi
if [ -n "${VM_DISK:-}" ]; then
  truncate -s "${VM_DISK}G" "$run/disk" && mkfs.ext4 -q -F "$run/disk" || fail "mkfs.ext4 made no disk"
  shared+=(-drive "if=virtio,format=raw,file=$run/disk,cache=unsafe")
fi

# no_timer_check: on a busy host no tick comes in the moment in which the kernel looks for one, and it
# would panic. The others spare work: guards against processors' leaks, zeroed pages, and long waits for
# readers, of which each mount and cgroup that goes has some.
words="mitigations=off no_timer_check init_on_alloc=0 rcupdate.rcu_expedited=1"

mkfifo "$run/output"
# Held open here, so that `cat` ends when all is said, also where the machine never opened it.
exec 3<>"$run/output"
cat <"$run/output" 3>&- &
reader=$!
# The machine ends with this program, also when that is killed.
setpriv --pdeathsig TERM timeout --foreground -k 5 "${VM_TIMEOUT:-600}" setpriv --pdeathsig KILL \
  qemu-system-x86_64 -M q35 "${machine[@]}" \
  -smp "${VM_CPUS:-2}" -m "${VM_MEMORY:-3072}" \
  -nodefaults -no-user-config -no-reboot -display none -serial "file:$run/console" \
  -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd" \
  -append "console=ttyS0 quiet loglevel=4 panic=-1 $words vm.modules=$kernel/modules vm.directory=$PWD ${VM_APPEND:-}" \
  -device virtio-rng-pci -device virtio-serial-pci \
  -chardev "file,id=output,path=$run/output" -device virtserialport,chardev=output,name=output \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -virtfs "local,path=$run/vm,mount_tag=vm,security_model=none" \
  ${shared[@]+"${shared[@]}"} </dev/null 3>&- &
qemu=$!
wait "$qemu"
status=$?
qemu=
exec 3>&-
wait "$reader"
reader=
if [ -s "$run/vm/status" ]; then exit "$(cat "$run/vm/status")"; fi
tail -n 30 "$run/console" >&2
[ "$status" != 124 ] || { say "time was up after ${VM_TIMEOUT:-600} s" && exit 124; }
fail "the machine ended before the command did (qemu: $status)"
