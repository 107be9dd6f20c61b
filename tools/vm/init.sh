#!/bin/busybox sh
# The first process of the virtual machine: loads modules, makes a root of the host's files by 9p with
# a layer of memory above them, mounts what a system mounts, and hands over to the command.
# On the kernel's command line are `vm.modules=DIR`, where its modules lie on the host, and
# `vm.directory=DIR`, the host's directory that the command works in: it is seen below /tmp too.
/bin/busybox --install -s /bin
PATH=/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
end() {
  echo "vm: $*" >/dev/console
  poweroff -f
}
for each in $(cat /proc/cmdline); do
  case $each in
    vm.modules=*) modules=${each#*=} ;;
    vm.directory=*) directory=${each#*=} ;;
  esac
done
for each in $(cat /modules/order); do
  insmod "/modules/$each" || echo "vm: the module $each was not loaded" >/dev/console
done

how=trans=virtio,version=9p2000.L,msize=512000
# What lies below does not change while the machine runs: so everything may be remembered.
mount -t 9p -o "ro,cache=loose,$how" host /host || end "no files of the host"
mount -t tmpfs -o mode=755,size=80% memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root ||
  end "no root"

cd /root || end "no root"
mkdir -p proc sys dev run tmp var/tmp
for each in proc sys dev; do mount --move "/$each" "$each"; done
mkdir -p dev/pts dev/shm dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
ln -sfn /proc/self/fd dev/fd
for each in 0=stdin 1=stdout 2=stderr; do ln -sfn "fd/${each%=*}" "dev/${each#*=}"; done
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs run
# An overlay is no place for the upper directory of another one.
for each in tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$each"; done
case $directory in
  /tmp/?* | /var/tmp/?*)
    mkdir -p ".$directory" /memory/directory /memory/for-directory
    mount -t overlay overlay ".$directory" \
      -o "lowerdir=/host$directory,upperdir=/memory/directory,workdir=/memory/for-directory"
    ;;
esac
mkdir -p run/lock mnt/vm "lib/modules/$(uname -r)"
mount --bind "/host$modules" "lib/modules/$(uname -r)"
[ -e sbin/modprobe ] || ln -s /bin/busybox sbin/modprobe
mount -t 9p -o "cache=none,access=any,$how" vm mnt/vm || end "no directory to report to"
mkdir -p mnt/report
mount -t 9p -o "cache=none,access=any,$how" report mnt/report 2>/dev/null || :
if [ -b dev/vda ]; then
  mkdir -p scratch
  mount -t ext4 dev/vda scratch || end "no disk"
fi
mount -t securityfs securityfs sys/kernel/security
mount -t bpf bpf sys/fs/bpf
# As systemd has it: one hierarchy, of version 2, and processes in cgroups without children.
cgroups=sys/fs/cgroup
mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate,memory_recursiveprot cgroup2 $cgroups
for each in $(cat $cgroups/cgroup.controllers); do echo "+$each" >$cgroups/cgroup.subtree_control; done
mkdir $cgroups/init
echo 1 >$cgroups/init/cgroup.procs
ip link set lo up
hostname vm
exec switch_root /root /bin/busybox sh /mnt/vm/guest.sh
