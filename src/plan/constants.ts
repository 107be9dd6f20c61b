/**
 * The kernel's numbers, by the names that people use for them. A plan holds names; the encoder
 * turns them into these bits. Sources: include/uapi/linux of Linux 6.18.
 */

/** fsmount(2), mount_setattr(2): attributes of one mount. */
export const mountAttributes = {
  ro: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
} as const;

/** The four propagation types of mount_namespaces(7), as mount(2) numbers them. */
export const propagationTypes = {
  unchanged: 0,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
} as const;

/** clone(2), unshare(2), setns(2). */
export const namespaces = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
  time: 0x00000080,
} as const;

/** open(2). Every descriptor is close-on-exec besides. */
export const openFlags = {
  read: 0,
  write: 0o1,
  path: 0o10000000,
  directory: 0o200000,
  nofollow: 0o400000,
} as const;

/** How `write` opens its file. */
export const writeModes = {
  /** The file must be there: /proc, /sys, cgroups. */
  existing: 0,
  /** The file must not be there. */
  exclusive: 1,
  /** One that is there stays as it is. */
  missing: 3,
  /** One that is there is replaced, at once and as a whole (rename(2)). */
  replace: 2,
} as const;

/** What is asked of a mount's target. */
export const targetKinds = {
  /** It must be there. */
  existing: 0,
  /** When nothing is there it is made: a directory for a directory, a file for anything else. */
  matching: 1,
  /** As `matching`, and no part of its path may be a symbolic link: for /proc and /sys. */
  strict: 2,
} as const;

/** mknod(2): the file type bits. */
export const nodeTypes = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const;

/** umount2(2). */
export const umountFlags = { force: 1, detach: 2, nofollow: 8 } as const;

/** setrlimit(2), by the spec's names. */
export const resourceLimits = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const;

/** capabilities(7), by bit number. */
export const capabilities = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_DAC_READ_SEARCH: 2,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_LINUX_IMMUTABLE: 9,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_BROADCAST: 11,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_IPC_OWNER: 15,
  CAP_SYS_MODULE: 16,
  CAP_SYS_RAWIO: 17,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_PACCT: 20,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_BOOT: 22,
  CAP_SYS_NICE: 23,
  CAP_SYS_RESOURCE: 24,
  CAP_SYS_TIME: 25,
  CAP_SYS_TTY_CONFIG: 26,
  CAP_MKNOD: 27,
  CAP_LEASE: 28,
  CAP_AUDIT_WRITE: 29,
  CAP_AUDIT_CONTROL: 30,
  CAP_SETFCAP: 31,
  CAP_MAC_OVERRIDE: 32,
  CAP_MAC_ADMIN: 33,
  CAP_SYSLOG: 34,
  CAP_WAKE_ALARM: 35,
  CAP_BLOCK_SUSPEND: 36,
  CAP_AUDIT_READ: 37,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
  CAP_CHECKPOINT_RESTORE: 40,
} as const;

/** Where a container's standard stream leads. */
export const streamKinds = {
  /** The caller's own descriptor. */
  inherit: 0,
  /** The container's /dev/null. */
  null: 1,
  /** A pipe whose other end the executor copies to or from the caller's descriptor. */
  pipe: 2,
  /** The container's own terminal, made by `console`. */
  terminal: 3,
} as const;

/** sched_setattr(2), by the spec's names. SCHED_ISO has a number and no implementation. */
export const schedulerPolicies = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const;

export const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x1,
  SCHED_FLAG_RECLAIM: 0x2,
  SCHED_FLAG_DL_OVERRUN: 0x4,
  SCHED_FLAG_KEEP_POLICY: 0x8,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

/** ioprio_set(2). */
export const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;

/** set_mempolicy(2). */
export const memoryPolicies = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const;

export const memoryPolicyFlags = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const;

/** Sets of names of which any number may be given: encoded as the union of their bits. */
export const flagSets = {
  mountAttribute: mountAttributes,
  namespace: namespaces,
  open: openFlags,
  umount: umountFlags,
  schedulerFlag: schedulerFlags,
  memoryPolicyFlag: memoryPolicyFlags,
} as const;

/** Sets of names of which exactly one is given. */
export const choices = {
  propagation: propagationTypes,
  writeMode: writeModes,
  targetKind: targetKinds,
  nodeType: nodeTypes,
  resourceLimit: resourceLimits,
  stream: streamKinds,
  namespace: namespaces,
  schedulerPolicy: schedulerPolicies,
  ioClass: ioClasses,
  memoryPolicy: memoryPolicies,
} as const;

export type MountAttribute = keyof typeof mountAttributes;
export type Propagation = keyof typeof propagationTypes;
export type Namespace = keyof typeof namespaces;
export type Capability = keyof typeof capabilities;
export type ResourceLimit = keyof typeof resourceLimits;
export type NodeType = keyof typeof nodeTypes;
export type Stream = keyof typeof streamKinds;
export type TargetKind = keyof typeof targetKinds;
