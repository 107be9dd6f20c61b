// The profile that containers get unless they ask for another: what Docker's default profile allows.
//
// A call that is not here answers EPERM: loading modules and kernels, keyrings, io_uring, swapping,
// userfaultfd, mounting and namespaces without CAP_SYS_ADMIN, and others by which one container can
// see or harm what it does not own. Source of the facts: seccomp/default_linux.go of moby/profiles.
import type { Arch } from "./abi.ts";
import { ENOSYS, EPERM } from "./action.ts";
import type { ArgumentRule, Profile, SyscallRule } from "./profile.ts";

/** Allowed to everybody, by subject. Names of all ABIs stand together: each takes what it has. */
const ALWAYS: readonly string[] = [
  // Files and directories by path.
  `access chdir chmod chown chown32 creat faccessat faccessat2 fchdir fchmod fchmodat fchmodat2 fchown
  fchown32 fchownat getcwd lchown lchown32 link linkat mkdir mkdirat mknod mknodat name_to_handle_at
  open openat openat2 readlink readlinkat rename renameat renameat2 rmdir symlink symlinkat umask
  unlink unlinkat utime utimes utimensat utimensat_time64 futimesat`,
  // What they are.
  `stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64
  statmount listmount getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
  listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat`,
  // Open files.
  `close close_range copy_file_range dup dup2 dup3 fadvise64 fadvise64_64 fallocate fcntl fcntl64
  fdatasync flock fsync ftruncate ftruncate64 getdents getdents64 ioctl lseek _llseek pipe pipe2
  pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64 splice sync
  sync_file_range syncfs tee truncate truncate64 vmsplice write writev`,
  // Waiting for them.
  `epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
  epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1
  inotify_rm_watch _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4`,
  // Asynchronous input and output, but for io_uring: its calls bypass a filter.
  `io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioprio_get
  ioprio_set`,
  // Sockets. Of socket() itself only some families: below.
  `accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg
  recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  // Memory.
  `brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap
  mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect
  process_mrelease remap_file_pages cachestat`,
  // Messages, semaphores and shared memory.
  `ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop
  semtimedop_time64 shmat shmctl shmdt shmget`,
  // Processes and threads. Of clone() only some flags: below.
  `execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv
  futex_wake get_robust_list get_thread_area getcpu getpgid getpgrp getpid getppid getsid gettid pause
  pidfd_open pidfd_send_signal prctl restart_syscall rseq set_robust_list set_thread_area
  set_tid_address setpgid setsid uretprobe vfork wait4 waitid waitpid`,
  // Signals.
  `kill rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn tgkill
  tkill`,
  // Scheduling and limits.
  `getpriority getrlimit getrusage prlimit64 sched_get_priority_max sched_get_priority_min
  sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
  sched_yield setpriority setrlimit times ugetrlimit`,
  // Clocks and timers. Setting the clock takes CAP_SYS_TIME, which adjtimex itself looks for.
  `adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
  clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer
  time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
  timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`,
  // Who one is.
  `capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid
  getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid
  setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32
  setreuid setreuid32 setuid setuid32`,
  // The system, and confining oneself further.
  `getrandom landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp sysinfo uname`,
];

/** Allowed to a container whose bounding set has the capability. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_BPF: "bpf",
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_PERFMON: "perf_event_open",
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
    lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree
    perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "delete_module finit_module init_module",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
  CAP_SYS_RAWIO: "ioperm iopl",
  CAP_SYS_TIME: "clock_settime clock_settime64 settimeofday stime",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYSLOG: "syslog",
};

/** The capabilities that make a difference to the profile. */
export function capabilitiesThatMatter(): readonly string[] {
  return Object.keys(BY_CAPABILITY);
}

/** Allowed on a machine. */
const BY_ARCH: Readonly<Record<Arch, string>> = {
  x86_64: "arch_prctl modify_ldt",
  aarch64: `arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2`,
};

const ARCHITECTURES: Readonly<Record<Arch, readonly string[]>> = {
  x86_64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  aarch64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/** Before this release a tracer could change a call after the filter had seen it. */
const SAFE_PTRACE = { major: 4, minor: 8 };
const PTRACE = "process_vm_readv process_vm_writev ptrace";

/**
 * All families below this one (AF_DECnet, which is gone from the kernel) are allowed, and of those
 * above the ones listed. Not among them: AF_ALG (38), the kernel's cryptography, a way into the
 * kernel that containers do not need; AF_VSOCK (40), which knows no network namespaces before Linux
 * 7.0; and the families that the kernel has dropped. See <linux/socket.h> for the numbers.
 */
const FAMILIES_BELOW = 12;
const FAMILIES = "13 14 15 16 17 18 21 22 24 26 27 28 29 30 31 32 33 35 36 39 41 42 43 44 45";

/** PER_LINUX and PER_LINUX32, each also with UNAME26, and 0xffffffff, which only asks. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of <linux/sched.h>. */
const CLONE_NEW = 0x7e020000;

export interface DefaultProfileOptions {
  /** The bounding set of the container's process: CAP_SYS_CHROOT and so on. */
  readonly capabilities: readonly string[];
  readonly kernel: { readonly major: number; readonly minor: number };
  readonly arch: Arch;
}

/** Docker's default profile for a container with these capabilities, on this kernel and machine. */
export function defaultProfile({ capabilities, kernel, arch }: DefaultProfileOptions): Profile {
  const syscalls: SyscallRule[] = [allow(ALWAYS.join(" ")), allow(BY_ARCH[arch])];
  const { major, minor } = SAFE_PTRACE;
  if (kernel.major > major || (kernel.major === major && kernel.minor >= minor)) {
    syscalls.push(allow(PTRACE));
  }
  for (const [capability, names] of Object.entries(BY_CAPABILITY)) {
    if (capabilities.includes(capability)) syscalls.push(allow(names));
  }
  // An entry for each value: not every runtime takes comparisons of one argument as alternatives.
  syscalls.push(allow("socket", { index: 0, value: FAMILIES_BELOW, op: "SCMP_CMP_LT" }));
  for (const family of FAMILIES.split(" ")) {
    syscalls.push(allow("socket", firstEquals(Number(family))));
  }
  for (const value of PERSONALITIES) syscalls.push(allow("personality", firstEquals(value)));
  if (!capabilities.includes("CAP_SYS_ADMIN")) {
    const noNamespace = { index: 0, value: CLONE_NEW, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" };
    syscalls.push(allow("clone", noNamespace));
    // Its flags lie behind a pointer. On ENOSYS, C libraries fall back to clone.
    syscalls.push({ names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS });
  }
  const architectures = ARCHITECTURES[arch];
  return { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: EPERM, architectures, syscalls };
}

function allow(names: string, condition?: ArgumentRule): SyscallRule {
  const rule = { names: names.split(/\s+/), action: "SCMP_ACT_ALLOW" };
  return condition === undefined ? rule : { ...rule, args: [condition] };
}

function firstEquals(value: number): ArgumentRule {
  return { index: 0, value, op: "SCMP_CMP_EQ" };
}
