// The system calls that a fault can meet: with what each may plausibly fail where nothing is wrong with
// the program, and whether it changes something that others see (so that a kill after it is worth while).
// What cannot fail, or only by the program's own mistake, is not here: getpid, munmap, rt_sigaction.

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

struct call {
  long number;
  const char *name;
  bool changes;
  int errors[4];
};

#define CALL(name, ...) {SYS_##name, #name, false, {__VA_ARGS__}}
#define CHANGE(name, ...) {SYS_##name, #name, true, {__VA_ARGS__}}

static const struct call calls[] = {
    // descriptors
    CALL(read, EINTR, EIO), // of a pipe the first, of a file the second
    CALL(pread64, EIO),
    CALL(readv, EIO),
    CHANGE(write, ENOSPC, EIO),
    CHANGE(pwrite64, ENOSPC, EIO),
    CHANGE(writev, ENOSPC, EIO),
    CHANGE(pwritev, ENOSPC, EIO),
    CHANGE(sendfile, ENOSPC, EIO),
    CHANGE(copy_file_range, ENOSPC, EXDEV),
    CHANGE(open, EMFILE, ENOMEM, EACCES),
    CHANGE(openat, EMFILE, ENOMEM, EACCES),
    CHANGE(openat2, EMFILE, ENOMEM, EACCES, EAGAIN),
    CALL(close, EIO),
    CALL(close_range, ENOMEM),
    CALL(fcntl, EMFILE, EAGAIN),
    CALL(dup, EMFILE),
    CALL(dup2, EMFILE),
    CALL(dup3, EMFILE),
    CALL(lseek, EINVAL),
    CALL(ioctl, ENOTTY, EIO),
    CALL(pipe2, EMFILE, ENFILE),
    CALL(signalfd4, EMFILE, ENOMEM),
    CALL(memfd_create, EMFILE, ENOMEM),
    CALL(mmap, ENOMEM),
    CALL(poll, EINTR, ENOMEM),
    CALL(ppoll, EINTR, ENOMEM),
    CALL(flock, EINTR, ENOLCK),
    CALL(fsync, EIO),
    CALL(fdatasync, EIO),
    CALL(syncfs, EIO),
    // files by name
    CALL(stat, EACCES, ENOMEM),
    CALL(lstat, EACCES, ENOMEM),
    CALL(fstat, EIO),
    CALL(newfstatat, EACCES, ENOMEM),
    CALL(statx, EACCES, ENOMEM),
    CALL(statfs, EIO),
    CALL(fstatfs, EIO),
    CALL(access, EACCES, EIO),
    CALL(faccessat, EACCES, EIO),
    CALL(readlink, EACCES, ENOENT),
    CALL(readlinkat, EACCES, ENOENT),
    CALL(getdents64, EIO),
    CALL(getcwd, ENOENT),
    CALL(chdir, EACCES, ENOMEM),
    CALL(fchdir, EACCES),
    CALL(chroot, EPERM),
    CHANGE(mkdir, ENOSPC, EACCES),
    CHANGE(mkdirat, ENOSPC, EACCES),
    CHANGE(rmdir, EBUSY, EIO),
    CHANGE(unlink, EACCES, EIO),
    CHANGE(unlinkat, EACCES, EIO),
    CHANGE(rename, ENOSPC, EIO),
    CHANGE(renameat, ENOSPC, EIO),
    CHANGE(renameat2, ENOSPC, EIO),
    CHANGE(link, ENOSPC, EMLINK),
    CHANGE(linkat, ENOSPC, EMLINK),
    CHANGE(symlink, ENOSPC, EACCES),
    CHANGE(symlinkat, ENOSPC, EACCES),
    CHANGE(mknod, ENOSPC, EPERM),
    CHANGE(mknodat, ENOSPC, EPERM),
    CHANGE(ftruncate, ENOSPC, EIO),
    CHANGE(fallocate, ENOSPC, EOPNOTSUPP),
    CHANGE(fchmod, EPERM, EIO),
    CHANGE(fchmodat, EPERM, EIO),
    CHANGE(fchown, EPERM, EIO),
    CHANGE(fchownat, EPERM, EIO),
    CHANGE(utimensat, EPERM, EIO),
    CHANGE(setxattr, ENOSPC, EOPNOTSUPP),
    CHANGE(fsetxattr, ENOSPC, EOPNOTSUPP),
    CALL(getxattr, EIO),
    CALL(fgetxattr, EIO),
    // mounts
    CHANGE(mount, EPERM, ENOMEM, EBUSY),
    CHANGE(umount2, EBUSY, EPERM),
    CHANGE(pivot_root, EBUSY, EPERM),
    CHANGE(open_tree, EPERM, EMFILE, ENOMEM),
    CHANGE(move_mount, EPERM, ENOMEM, EBUSY),
    CHANGE(fsopen, EPERM, EMFILE, ENOMEM),
    CHANGE(fsconfig, EPERM, ENOMEM, EBUSY),
    CHANGE(fsmount, EPERM, EMFILE, ENOMEM),
    CHANGE(fspick, EPERM, EMFILE),
    CHANGE(mount_setattr, EPERM, ENOMEM),
    // processes
    CHANGE(clone, EAGAIN, ENOMEM),
    CHANGE(clone3, EAGAIN, ENOMEM, ENOSPC),
    CHANGE(fork, EAGAIN, ENOMEM),
    CHANGE(vfork, EAGAIN, ENOMEM),
    CHANGE(execve, ENOMEM, EACCES),
    CHANGE(execveat, ENOMEM, EACCES),
    CALL(wait4, EINTR),
    CALL(waitid, EINTR),
    CHANGE(kill, 0), // of our own children: cannot fail
    CALL(pidfd_open, EMFILE, ENOMEM),
    CALL(pidfd_getfd, EMFILE, EPERM),
    CHANGE(pidfd_send_signal, 0),
    CALL(prctl, EPERM, EINVAL),
    CALL(seccomp, EACCES, ENOMEM),
    CALL(capget, EPERM),
    CALL(capset, EPERM),
    CALL(setgroups, EPERM, ENOMEM),
    CALL(setresuid, EAGAIN, EPERM),
    CALL(setresgid, EPERM),
    CALL(setuid, EAGAIN, EPERM),
    CALL(setgid, EPERM),
    CALL(setsid, EPERM),
    CALL(setrlimit, EPERM),
    CALL(getrlimit, EPERM),
    CALL(prlimit64, EPERM),
    CALL(setpriority, EACCES),
    CALL(sched_setaffinity, EPERM),
    CALL(personality, EPERM),
    CALL(keyctl, EDQUOT),
    CALL(bpf, EPERM, ENOMEM),
    CHANGE(unshare, EPERM, ENOSPC),
    CHANGE(setns, EPERM, ENOMEM),
    CHANGE(sethostname, EPERM),
    CHANGE(setdomainname, EPERM),
    // sockets
    CALL(socket, EMFILE, ENOBUFS),
    CALL(socketpair, EMFILE, ENOBUFS),
    CHANGE(bind, EADDRINUSE, ENOSPC),
    CALL(listen, EADDRINUSE),
    CALL(connect, ECONNREFUSED, EAGAIN),
    CALL(accept4, EMFILE, ECONNABORTED),
    CALL(sendmsg, ENOBUFS, ENOMEM),
    CALL(sendto, ENOBUFS, EPIPE),
    CALL(recvmsg, EINTR, ENOMEM),
    CALL(recvfrom, EINTR, ENOMEM),
    CALL(getsockopt, ENOBUFS),
    CALL(setsockopt, ENOBUFS),
    CALL(shutdown, ENOTCONN),
};

static const struct call *call_of(long number) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (calls[i].number == number) return &calls[i];
  return NULL;
}

static const struct call *call_named(const char *name) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strcmp(calls[i].name, name) == 0) return &calls[i];
  return NULL;
}
