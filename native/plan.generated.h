/* Made from src/plan/catalogue.ts by tools/generate.ts. Do not edit. */
#ifndef PV_PLAN_GENERATED_H
#define PV_PLAN_GENERATED_H

#include "wire.h"

#define PV_WIRE_VERSION 4

enum pv_stream { PV_STREAM_INHERIT = 0, PV_STREAM_NULL = 1, PV_STREAM_PIPE = 2, PV_STREAM_TERMINAL = 3 };
enum pv_target_kind { PV_TARGET_KIND_EXISTING = 0, PV_TARGET_KIND_MATCHING = 1, PV_TARGET_KIND_STRICT = 2 };
enum pv_write_mode { PV_WRITE_MODE_EXISTING = 0, PV_WRITE_MODE_EXCLUSIVE = 1, PV_WRITE_MODE_MISSING = 3, PV_WRITE_MODE_REPLACE = 2 };

enum pv_opcode {
    PV_MKDIR = 1,
    PV_WRITE = 2,
    PV_WRITE_BYTES = 115,
    PV_SYMLINK = 3,
    PV_REMOVE = 4,
    PV_REMOVE_CGROUP = 5,
    PV_DEVICE_FILTER = 7,
    PV_WRITE_PID = 8,
    PV_APPEND = 123,
    PV_LOCK = 9,
    PV_OPEN = 6,
    PV_CLONE = 10,
    PV_SETNS = 13,
    PV_UNSHARE = 14,
    PV_BECOME_ROOT = 113,
    PV_SETHOSTNAME = 15,
    PV_SETDOMAINNAME = 16,
    PV_INTERFACE_UP = 17,
    PV_MOVE_INTERFACE = 68,
    PV_USER_NAMESPACE = 64,
    PV_MOUNT = 20,
    PV_BIND = 21,
    PV_BORROW = 33,
    PV_ATTACH = 22,
    PV_MOUNT_SETATTR = 23,
    PV_MASK = 24,
    PV_READONLY = 25,
    PV_MKNOD = 26,
    PV_PIVOT_ROOT = 27,
    PV_UMOUNT = 28,
    PV_MOVE = 29,
    PV_CHROOT = 30,
    PV_ENTER_ROOT = 180,
    PV_CHDIR = 31,
    PV_CONSOLE = 32,
    PV_IDMAP = 65,
    PV_RECONFIGURE = 66,
    PV_COPY_UP = 67,
    PV_VOLUME = 34,
    PV_LEAVE_VOLUME = 35,
    PV_FILL = 36,
    PV_PIPES = 40,
    PV_STDIO = 41,
    PV_SETSID = 42,
    PV_SETRLIMIT = 43,
    PV_UMASK = 44,
    PV_PERSONALITY = 45,
    PV_SET_USER = 46,
    PV_CAPBSET = 47,
    PV_CAPSET = 48,
    PV_NO_NEW_PRIVS = 49,
    PV_SECCOMP = 50,
    PV_CLOSE_FDS = 51,
    PV_SCHEDULER = 60,
    PV_IO_PRIORITY = 61,
    PV_MEMORY_POLICY = 62,
    PV_SCHED_AFFINITY = 63,
    PV_SECCOMP_AGENT = 69,
    PV_INIT = 52,
    PV_EXEC = 53,
    PV_SUPERVISE = 54,
    PV_DETACH = 116,
    PV_LOG = 117,
    PV_ATTACHABLE = 118,
    PV_TAKE_PART = 119,
    PV_HEALTH = 120,
    PV_AFTERWARDS = 121,
    PV_SLEEP = 122,
    PV_LISTEN = 100,
    PV_OUTLIVE = 101,
    PV_WAIT_START = 102,
    PV_LEAVE = 103,
    PV_START = 104,
    PV_PROCESS = 105,
    PV_SIGNAL = 106,
    PV_SIGNAL_CGROUP = 107,
    PV_FREEZE = 108,
    PV_HOOK = 109,
    PV_ASK_SYSTEMD = 124,
    PV_DUE = 110,
    PV_FIND_PROGRAM = 111,
    PV_SEND_TERMINAL = 112,
    PV_CRIU = 114,
    PV_CRIU_CHILD = 125,
    PV_CRIU_REST = 126,
    PV_PAUSE = 55,
    PV_BORROW_ROOT = 130,
    PV_PACK = 131,
    PV_UNPACK = 132,
    PV_LIST_CHANGES = 133,
    PV_NETWORK_SETUP = 160,
    PV_NETWORK_TEARDOWN = 161,
    PV_RESERVE_PORT = 162,
    PV_USER_OVERLAY = 170,
    PV_OWN_PIPES = 173,
    PV_USER_COPY = 171,
    PV_OWNERS_INSIDE = 174,
    PV_OWN = 172,
    PV_PASTA = 163,
    PV_EGRESS_RULES = 164,
    PV_EGRESS_GUARD = 165,
    PV_FOLLOW_RESOLVER = 166,
};

/* Make a directory. mkdir(2) */
struct pv_mkdir {
    struct pv_place at; /* the directory; below a slot it is resolved inside that root */
    uint32_t mode; /* its permissions, whatever the umask */
    uint32_t parents; /* make missing parents too, and accept one that is there */
};

/* Write a whole file in one call, as procfs and cgroups want it. write(2) */
struct pv_write {
    struct pv_place at; /* the file; no symbolic link to another mount is followed below a slot */
    const char *text; /* what is written */
    uint32_t how; /* whether the file must be there or must not */
    uint32_t mode; /* permissions of a new file, whatever the umask */
};

/* Write a new file whose content is no text, such as a plan for later. write(2) */
struct pv_write_bytes {
    struct pv_place at; /* the file */
    struct pv_bytes content; /* what is written */
    uint32_t mode; /* its permissions, whatever the umask */
};

/* Make a symbolic link. symlink(2) */
struct pv_symlink {
    struct pv_place at; /* the link */
    const char *to; /* what it says; never resolved here */
};

/* Remove a file, or a directory with all below it; links are not followed. unlink(2) */
struct pv_remove {
    struct pv_place at; /* what goes; not being there is no failure */
};

/* End what still runs in a cgroup and remove it with its children. cgroups(7) */
struct pv_remove_cgroup {
    struct pv_place at; /* the cgroup's directory; not being there is no failure */
};

/* Say by an eBPF program which devices the processes of a cgroup v2 may use, and by no other. bpf(2) */
struct pv_device_filter {
    uint32_t cgroup; /* the cgroup's directory */
    struct pv_bytes program; /* an array of struct bpf_insn, of type BPF_PROG_TYPE_CGROUP_DEVICE */
};

/* Write a process id to a file: that of the container's first process. write(2) */
struct pv_write_pid {
    struct pv_place at; /* the file */
    uint32_t how; /* whether the file must be there or must not */
    uint32_t mode; /* its permissions */
    uint32_t started; /* behind it, when the process began, in clock ticks after boot */
    uint32_t own; /* not that of the first process, but the executor's */
};

/* Append a line to a file, which is made when it is missing: `NANOSECONDS TEXT`. open(2) */
struct pv_append {
    struct pv_place at; /* the file */
    const char *text; /* what stands behind the time, which is counted from 1970 */
    uint32_t mode; /* permissions of a new file */
    uint32_t code; /* behind the text, the container's exit code */
};

/* Lock a directory for as long as the executor lives: so others see that it is in use. flock(2) */
struct pv_lock {
    struct pv_place at; /* the directory */
    uint32_t patience; /* milliseconds to wait for who holds it */
    uint32_t past; /* steps to pass over when it is no more; 0: that is a failure */
};

/* Open a file and keep its descriptor. openat2(2) */
struct pv_open {
    struct pv_place at; /* the file */
    uint64_t flags; /* how it is opened; always close-on-exec */
    uint32_t into; /* the name under which it is kept */
};

/* Start the container's first process in new namespaces; from here on there are two. clone(2) */
struct pv_clone {
    uint64_t namespaces; /* which are new */
    uint32_t cgroup; /* a cgroup v2 directory in which it starts (CLONE_INTO_CGROUP) */
    uint32_t user; /* a user namespace to join first, which then owns the new ones */
    uint32_t process; /* a process of another container, to be joined first */
    uint64_t join; /* which of that process's namespaces */
    uint32_t proc; /* the name under which the process's /proc directory is kept */
};

/* Join a namespace that is already there. setns(2) */
struct pv_setns {
    uint32_t namespace; /* the namespace's file */
    uint32_t type; /* which kind it must be */
};

/* Leave a namespace for a new one. unshare(2) */
struct pv_unshare {
    uint64_t namespaces; /* which are new */
};

/* Name the machine that the container sees. sethostname(2) */
struct pv_sethostname {
    const char *name; /* at most 64 bytes */
};

/* Set the NIS domain name that the container sees. setdomainname(2) */
struct pv_setdomainname {
    const char *name; /* at most 64 bytes */
};

/* Switch a network interface on. netdevice(7) */
struct pv_interface_up {
    const char *name; /* the interface */
};

/* Give a network device of the host to the container, with its permanent addresses. rtnetlink(7) */
struct pv_move_interface {
    const char *name; /* its name on the host */
    const char *to; /* its name inside; `%d` stands for the first number that is free */
};

/* Make a user namespace in which nobody lives, for the sake of its maps. user_namespaces(7) */
struct pv_user_namespace {
    const char *uid_map; /* lines of an id inside, an id outside, and how many */
    const char *gid_map; /* the same for groups */
    uint32_t into; /* the name under which it is kept */
};

/* Mount a new file system; it is attached last, with its flags already in force. mount(2) */
struct pv_mount {
    const char *type; /* the file system */
    const char *source; /* what mountinfo shows as its source */
    struct pv_texts options; /* the file system's own options, `name=value` or `name` */
    uint64_t attributes; /* the mount's own flags */
    struct pv_place at; /* where it is attached; null leaves it detached */
    uint32_t create; /* what is asked of the target */
    uint32_t into; /* the name under which its root is kept */
};

/* Show a directory or file in a second place; attached last, with its flags in force. open_tree(2) */
struct pv_bind {
    struct pv_place from; /* what is shown */
    uint32_t recursive; /* with the mounts below it */
    uint64_t attributes; /* flags that are set */
    uint64_t clear; /* flags that are taken away */
    uint64_t deep_attributes; /* set on it and on all mounts below it */
    uint64_t deep_clear; /* taken away from it and from all mounts below it */
    uint32_t propagation; /* how later mounts travel across it */
    uint32_t deep_propagation; /* the same for all mounts below it */
    struct pv_place at; /* where it is attached; null leaves it detached */
    uint32_t create; /* what is asked of the target */
    uint32_t into; /* the name under which its root is kept */
};

/* Take a copy of a mount out of another mount namespace, detached. open_tree(2) */
struct pv_borrow {
    uint32_t namespace; /* the mount namespace's file */
    const char *path; /* what is shown, as processes of that namespace see it */
    uint64_t attributes; /* flags that are set */
    uint32_t into; /* the name under which it is kept */
};

/* Attach a detached mount. move_mount(2) */
struct pv_attach {
    uint32_t mount; /* the detached mount */
    struct pv_place at; /* where it is attached */
    uint32_t create; /* what is asked of the target */
};

/* Change the flags or the propagation of a mount that is there. mount_setattr(2) */
struct pv_mount_setattr {
    struct pv_place at; /* the mount */
    uint64_t attributes; /* flags that are set */
    uint64_t clear; /* flags that are taken away */
    uint32_t propagation; /* how later mounts travel across it */
    uint32_t recursive; /* the mounts below it too */
};

/* Cover a path: a file by /dev/null, a directory by an empty one; then look that it is so. proc(5) */
struct pv_mask {
    struct pv_place at; /* what is covered; not being there is no failure */
    struct pv_place null_at; /* the container's /dev/null, which must be the device 1:3 */
    struct pv_place empty; /* an empty, read-only directory */
};

/* Make a path read-only with all mounts below it; then look that it is so. mount_setattr(2) */
struct pv_readonly {
    struct pv_place at; /* the path; not being there is no failure */
};

/* Make a device node. mknod(2) */
struct pv_mknod {
    struct pv_place at; /* the node */
    uint32_t type; /* character, block or fifo */
    uint32_t major; /* the driver */
    uint32_t minor; /* the device */
    uint32_t mode; /* permissions, whatever the umask */
    uint32_t uid; /* owner */
    uint32_t gid; /* group */
    uint32_t accept; /* a node that is there already and is this device will do */
};

/* Make new_root the root of the mount namespace and move the old root to put_old. pivot_root(2) */
struct pv_pivot_root {
    const char *new_root; /* a mount point */
    const char *put_old; /* at or below new_root */
};

/* Take a mount away. umount2(2) */
struct pv_umount {
    const char *target; /* relative to the working directory */
    uint64_t flags; /* detach: at once, with all below it, busy or not */
};

/* Move a mount to another place. mount(2) */
struct pv_move {
    const char *from; /* relative to the working directory */
    const char *to; /* where it goes */
};

/* Start look-ups of `/` at another directory; what lies outside stays mounted. chroot(2) */
struct pv_chroot {
    const char *path; /* relative to the working directory */
};

/* Make a directory that is held the root, wherever it is mounted, or nowhere, and go there. chroot(2) */
struct pv_enter_root {
    struct pv_place at; /* the directory */
};

/* Go to a directory, and look that it lies inside the root. chdir(2) */
struct pv_chdir {
    struct pv_place at; /* the directory */
    uint32_t again; /* who is denied it tries again by a later step, with other rights */
};

/* Make a terminal in the container's own devpts and hand its other end to the executor. pty(7) */
struct pv_console {
    uint32_t devpts; /* the container's devpts */
    struct pv_place at; /* where the terminal is shown, /dev/console */
    uint32_t uid; /* its owner */
    uint32_t rows; /* its height in characters; 0, as the next: the caller's terminal's */
    uint32_t columns; /* its width */
};

/* Show the files of a detached mount with other owners: those of a user namespace's maps. mount_setattr(2) */
struct pv_idmap {
    uint32_t mount; /* the detached mount */
    uint32_t namespace; /* the user namespace's file */
    uint32_t recursive; /* the mounts below it too */
};

/* Give a file system that is mounted already other options. fspick(2) */
struct pv_reconfigure {
    struct pv_place at; /* its mount point */
    struct pv_texts options; /* the file system's own options, `name=value` or `name` */
};

/* Copy a directory with all that is in it, but for other mounts, into an empty one. tmpfs(5) */
struct pv_copy_up {
    struct pv_place from; /* the directory; not being there is no failure */
    uint32_t to; /* a detached mount that nobody else can reach */
    uint32_t mode; /* the copy's root gets the directory's permissions */
    uint32_t owner; /* and its owner */
};

/* Open a volume, which is made when it is missing, and note who uses it. flock(2) */
struct pv_volume {
    struct pv_place at; /* its directory, below that of all volumes */
    const char *record; /* what volume.json says of a new one */
    const char *user; /* the id of the container that uses it; empty: none does */
    uint32_t into; /* the name under which its directory is kept */
};

/* Give a volume up, and remove it if that is asked for and nobody else uses it. flock(2) */
struct pv_leave_volume {
    struct pv_place at; /* its directory; not being there is no failure */
    const char *user; /* who gives it up; empty: it must have no user at all */
    struct pv_texts gone; /* ids of containers that are no more */
    uint32_t remove; /* remove it with all that is in it */
};

/* Fill an empty volume with a copy of a directory, once and wholly, also after a crash. rename(2) */
struct pv_fill {
    uint32_t volume; /* the volume's directory, locked meanwhile */
    struct pv_place from; /* the directory; not being there is no failure */
    struct pv_place staging; /* a directory of the same file system as the volume's data */
    struct pv_place to; /* the volume's data */
    uint32_t copy; /* false: only end what was interrupted */
};

/* Make the pipes for the standard streams that the executor copies. pipe(2) */
struct pv_pipes {
    uint32_t stdin_; /* where standard input comes from */
    uint32_t stdout_; /* where standard output goes */
    uint32_t stderr_; /* where standard error goes */
};

/* Take up the standard streams. dup(2) */
struct pv_stdio {
    uint32_t stdin_; /* where standard input comes from */
    uint32_t stdout_; /* where standard output goes */
    uint32_t stderr_; /* where standard error goes */
    struct pv_place null_at; /* the container's /dev/null */
};

/* Start a session of its own, so that no terminal of the host can be written to. setsid(2) */
struct pv_setsid {
    uint32_t terminal; /* make standard input its controlling terminal */
};

/* Limit what the process may use. getrlimit(2) */
struct pv_setrlimit {
    uint32_t resource; /* which */
    uint64_t soft; /* the limit in force */
    uint64_t hard; /* what it may be raised to */
};

/* Say which permissions new files do not get. umask(2) */
struct pv_umask {
    uint32_t mask; /* the bits */
};

/* Choose the execution domain. personality(2) */
struct pv_personality {
    uint32_t persona; /* the kernel's number */
};

/* Become a user; names are looked up in the container's own /etc/passwd and /etc/group. credentials(7) */
struct pv_set_user {
    const char *user; /* a name or a number */
    const char *group; /* a name or a number; empty: the user's own */
    struct pv_texts groups; /* additional groups, names or numbers */
    uint32_t primary; /* the group is among the additional ones too */
    uint32_t lookup; /* read /etc/passwd and /etc/group, for additional groups and HOME too */
};

/* Give up for good the capabilities outside a set. capabilities(7) */
struct pv_capbset {
    uint64_t keep; /* the bounding set */
};

/* Set the capabilities in force. capset(2) */
struct pv_capset {
    uint64_t effective; /* in force now */
    uint64_t permitted; /* may be put in force */
    uint64_t inheritable; /* kept by files that ask for them */
    uint64_t ambient; /* kept by any program */
};

/* Filter system calls from here on. seccomp(2) */
struct pv_seccomp {
    uint32_t flags; /* SECCOMP_FILTER_FLAG bits */
    struct pv_bytes program; /* an array of struct sock_filter */
};

/* Close every descriptor that the program must not have. close_range(2) */
struct pv_close_fds {
    uint32_t from; /* the first that does not pass */
};

/* Say by which rules the container's first process gets its time on the processor. sched_setattr(2) */
struct pv_scheduler {
    uint32_t policy; /* the rules */
    uint64_t flags; /* more of them */
    uint32_t nice; /* -20 to 19 as a two's complement, for SCHED_OTHER and SCHED_BATCH */
    uint32_t priority; /* 1 to 99, for SCHED_FIFO and SCHED_RR */
    uint64_t runtime; /* nanoseconds in each period, for SCHED_DEADLINE */
    uint64_t deadline; /* nanoseconds from the period's start until they have been had */
    uint64_t period; /* nanoseconds */
};

/* Say which place the container's first process has in the queue for disks. ioprio_set(2) */
struct pv_io_priority {
    uint32_t class; /* the queue */
    uint32_t priority; /* 0, the first, to 7 */
};

/* Say from which nodes the process gets its memory. set_mempolicy(2) */
struct pv_memory_policy {
    uint32_t mode; /* how one is chosen */
    uint64_t flags; /* what the numbers of the nodes mean */
    struct pv_bytes nodes; /* a mask, the lowest number first; empty: none */
};

/* Say on which processors the process may run. sched_setaffinity(2) */
struct pv_sched_affinity {
    struct pv_bytes cpus; /* a mask, the lowest number first */
};

/* Connect to the program that the filter is to ask, and hand it the filter once it is there. seccomp_unotify(2) */
struct pv_seccomp_agent {
    const char *path; /* its socket */
    struct pv_texts state; /* what it is told: pieces of JSON with the container's pid between them */
};

/* Become the program. execve(2) */
struct pv_exec {
    struct pv_texts paths; /* tried in order until one is there */
    struct pv_texts argv; /* its arguments, its own name first */
    struct pv_texts env; /* its environment, `NAME=value` */
};

/* Wait for the container's end; until then copy its streams and pass signals on. pidfd_open(2) */
struct pv_supervise {
    uint32_t signals; /* pass the executor's own signals on */
    uint32_t parent; /* end the container when the executor's parent ends */
    struct pv_place status; /* a file for the exit code, new but for `replace`; null: none */
    uint32_t replace; /* one that is there is replaced at once and as a whole */
    struct pv_place oom; /* a file of the cgroup that counts `oom_kill`; when it did, ` oom` stands behind the code, and in what is told */
};

/* Go on in a session of its own, with /dev/null as streams; the caller's process waits for the start. setsid(2) */
struct pv_detach {
    const char *announce; /* what it prints to standard output when the program runs */
    uint32_t attach; /* and then it takes part, as by `take_part`, and ends with the container's code */
    struct pv_place of; /* as there */
    uint32_t input; /* as there */
    struct pv_bytes keys; /* as there */
    const char *farewell; /* as there */
};

/* Keep what the container writes: `TIME STREAM F|P TEXT`, a line of it in each line. open(2) */
struct pv_log {
    struct pv_place at; /* the file; of the older ones the names end in .1, .2 and so on */
    uint32_t mode; /* its permissions */
    uint64_t most; /* bytes after which another is begun; 0: never */
    uint32_t files; /* how many there are, this one too */
};

/* Make the socket by which people take part in what the container reads and writes. unix(7) */
struct pv_attachable {
    struct pv_place at; /* the socket's file */
};

/* Take part in what a container reads and writes, until it ends or the detach keys come. unix(7) */
struct pv_take_part {
    struct pv_place at; /* the socket of who watches over it */
    struct pv_place of; /* the file with its first process, to which signals are passed; null: they end this */
    uint32_t input; /* standard input is the container's */
    struct pv_bytes keys; /* what to type to leave it; none: nothing does */
    const char *farewell; /* what is printed then */
};

/* While the container runs, start the program every so often; never twice at once. execve(2) */
struct pv_health {
    const char *program; /* its launcher */
    struct pv_texts argv; /* its arguments, without its own name */
    struct pv_texts env; /* its whole environment */
    uint32_t interval; /* milliseconds from one end to the next start */
    uint32_t start_interval; /* the same in the time after the start */
    uint32_t start_period; /* milliseconds of that time */
};

/* When the container has ended and all is undone, become the program once more. execve(2) */
struct pv_afterwards {
    const char *program; /* its launcher */
    struct pv_texts argv; /* its arguments, without its own name; the exit code comes last */
    struct pv_texts env; /* its whole environment */
};

/* Wait; a signal that asks for the end ends the plan. poll(2) */
struct pv_sleep {
    uint32_t time; /* milliseconds */
};

/* Make the socket by which a container that is only created is told to start. unix(7) */
struct pv_listen {
    struct pv_place at; /* the socket's file */
    uint32_t into; /* the name under which it is kept */
};

/* The container is created: wait until somebody says start. unix(7) */
struct pv_wait_start {
    uint32_t socket; /* where that is said */
};

/* Say start to a created container and wait until its program runs. unix(7) */
struct pv_start {
    struct pv_place at; /* its socket, which goes: nobody can say it twice */
    struct pv_place of; /* the file with its first process, for what the hooks are told */
};

/* Take hold of a process: its pid may be another's later, the descriptor never is. pidfd_open(2) */
struct pv_process {
    struct pv_place of; /* the file with its pid and when it began */
    uint32_t into; /* the name under which it is kept */
};

/* Send a signal to a process, and to no other that may have its number by now. pidfd_send_signal(2) */
struct pv_signal {
    struct pv_place of; /* the file with its pid and when it began */
    uint32_t signal; /* the signal's number */
    uint32_t wait; /* until it has ended; if it has not in time, that is a failure */
    uint32_t patience; /* milliseconds to wait for its end; 0: 10 s if at all, 4294967295: for ever */
    uint32_t required; /* its being gone is a failure */
};

/* Send a signal to every process of a cgroup and of those below it. cgroups(7) */
struct pv_signal_cgroup {
    struct pv_place at; /* the cgroup's directory */
    uint32_t signal; /* its number */
};

/* Stop every process of a cgroup, or let them go on, which one that is gone has no need of. cgroups(7) */
struct pv_freeze {
    struct pv_place at; /* the cgroup's directory */
    uint32_t frozen; /* stop */
};

/* Run a program of the configuration's author and wait for its end; it reads the state. execve(2) */
struct pv_hook {
    const char *name; /* which one it is, for people */
    const char *path; /* the program */
    struct pv_texts argv; /* its arguments, its own name first */
    struct pv_texts env; /* its whole environment */
    uint32_t timeout; /* milliseconds until it is ended; 0: it is waited for */
    const char *before; /* what it reads, up to the container's pid */
    const char *after; /* and after it; empty: no pid is told */
    uint32_t required; /* its failure is the plan's */
};

/* Ask systemd for something by D-Bus, and wait for its answers and for the jobs that they name. org.freedesktop.systemd1(5) */
struct pv_ask_systemd {
    const char *gist; /* what is asked, for people */
    struct pv_place at; /* the socket of systemd, or of a message bus */
    const char *identity; /* who asks: the digits of the user id, each as two hexadecimal ones */
    struct pv_bytes messages; /* the method calls, one after the other; each is answered before the next */
    uint32_t process_at; /* where in them the pid of the container's first process goes; 0: nowhere */
    struct pv_texts tolerated; /* the names of errors that are none here */
    uint32_t patience; /* milliseconds until all is answered and done */
    uint32_t required; /* what goes wrong is the plan's failure */
};

/* Look whether the program is there, before the container counts as created. execve(2) */
struct pv_find_program {
    struct pv_texts paths; /* tried in order until one is there */
};

/* Hand the terminal's other end to who waits for it at a socket. unix(7) */
struct pv_send_terminal {
    struct pv_place at; /* the socket */
};

/* Let CRIU save a container or bring one back, whose first process becomes the executor's child. criu(8) */
struct pv_criu {
    struct pv_texts paths; /* where CRIU may be, tried in order */
    struct pv_texts argv; /* its arguments, its own name first */
    struct pv_texts env; /* its whole environment */
    struct pv_place log; /* where it says what goes wrong */
    struct pv_texts cgroups; /* files of the cgroups that it joins, and with it who comes out of it */
    struct pv_place root; /* the root of who is brought back, a mount point for CRIU alone; null: nobody's */
    uint32_t network; /* a network namespace, which it finds as descriptor 13; null: none */
    uint32_t pids; /* a pid namespace, which it finds as descriptor 14; null: none */
    struct pv_place pid; /* the file by which it tells whom it has brought back; null: it tells nothing */
    struct pv_place told; /* the socket by which it tells that the namespaces are there; null: nobody asks */
};

/* Let CRIU go on, which has told of the namespaces and waits, or have it give up. criu(8) */
struct pv_criu_rest {
    struct pv_place pid; /* as there */
    uint32_t gives_up; /* it is not to go on */
};

/* Take a detached copy of the mounts at a process's root, which it cannot change any more. open_tree(2) */
struct pv_borrow_root {
    struct pv_place of; /* the file with its pid and when it began */
    uint32_t recursive; /* with the mounts below the root */
    uint64_t attributes; /* flags that are set on all of them */
    uint32_t into; /* the name under which it is kept */
};

/* Become the packer: write what is at a path as a tar to standard output. tar(5) */
struct pv_pack {
    uint32_t root; /* the root in which the path is looked up, and which becomes the packer's own */
    const char *path; /* what is packed */
    const char *name; /* what it is called in the archive; empty: `.` */
    uint32_t follow; /* a symbolic link in the last place is followed */
    uint32_t bare; /* the directory's own entry is left out */
    uint32_t layer; /* it is an overlay's upper directory, to become an image's layer */
};

/* Become the unpacker: make files at a path from what standard input tells. openat2(2) */
struct pv_unpack {
    uint32_t root; /* the root in which the path is looked up, and which becomes the unpacker's own */
    const char *path; /* a directory to copy into, or a file to make in one */
    uint32_t follow; /* symbolic links below the directory are followed */
};

/* Write to standard output what an overlay's upper directory changes of its layers. mount(8) */
struct pv_list_changes {
    uint32_t upper; /* the upper directory */
    struct pv_texts layers; /* the layers' directories, the uppermost first */
};

/* Connect the container to a network; what fails half-way is taken away at once. netavark(1), nft(8) */
struct pv_network_setup {
    const char *program; /* netavark */
    struct pv_texts argv; /* its arguments, its own name first; the path of the namespace comes behind */
    struct pv_texts undo; /* the arguments that take it away again */
    struct pv_texts env; /* its whole environment */
    uint32_t timeout; /* milliseconds until it is ended */
    struct pv_place lock; /* a file that is locked meanwhile: netavark changes rules that all share */
    struct pv_place of; /* the file with the container's first process; null: it is the plan's own */
    const char *alias; /* the first word of the alias of the bridge's port; the second is the interface */
    const char *bridge; /* the bridge: nothing goes from there to another network's, or back */
    struct pv_place config; /* what netavark reads: a file, named like the interface inside */
};

/* Disconnect a container from its networks, be it there or long gone. netavark(1), nft(8) */
struct pv_network_teardown {
    const char *program; /* netavark */
    struct pv_texts argv; /* its arguments, its own name first; the path of the namespace comes behind */
    struct pv_texts env; /* its whole environment */
    uint32_t timeout; /* milliseconds until it is ended */
    struct pv_place lock; /* a file that is locked meanwhile: netavark changes rules that all share */
    struct pv_place of; /* the file with the container's first process; null: it is the plan's own */
    const char *alias; /* the first word of the alias of the bridge's port; the second is the interface */
    struct pv_place configs; /* the directory with what netavark read; a file goes when it is done */
    const char *only; /* the one file that is meant; empty: all */
    struct pv_place left; /* a directory for the files of what could not be taken away; null: they stay */
};

/* Hold a port of the host, so that no other program serves what the container is to. ip(7) */
struct pv_reserve_port {
    uint32_t protocol; /* 6: TCP, 17: UDP, 132: SCTP */
    struct pv_bytes address; /* 4 or 16 bytes; all zero: every address of the family */
    uint32_t port; /* the first */
    uint32_t count; /* how many, one after the other */
};

/* Mount an overlay for a user namespace, detached, by its root and with flags that nobody in it can change. mount_setattr(2) */
struct pv_user_overlay {
    uint32_t namespace; /* the user namespace's file */
    uint32_t mapped; /* what lies below `base` is shown with the owners of the namespace */
    const char *base; /* a directory of the host that holds all that the options name */
    struct pv_texts options; /* the overlay's own options, `name=value` or `name` */
    uint64_t attributes; /* the mount's own flags */
    struct pv_place at; /* a directory to mount on meanwhile, in a mount namespace that goes */
    uint32_t into; /* the name under which its root is kept */
};

/* Give the pipes of the standard streams to root of a user namespace, who could not open /dev/stdout otherwise. pipe(7) */
struct pv_own_pipes {
    uint32_t namespace; /* the user namespace's file, or a process in it */
};

/* Copy a directory, once and wholly, with the owners that a user namespace has outside for those inside. user_namespaces(7) */
struct pv_user_copy {
    uint32_t namespace; /* the user namespace's file */
    struct pv_place from; /* the directory */
    struct pv_place to; /* the copy; one that is there is as it should be */
};

/* What is packed or filled next gets the owners that a user namespace shows inside for those that it has. user_namespaces(7) */
struct pv_owners_inside {
    uint32_t namespace; /* the user namespace's file; none: no more */
};

/* Give a directory or file to a user, as a user namespace has it outside. chown(2) */
struct pv_own {
    struct pv_place at; /* what is given away */
    uint32_t namespace; /* the user namespace's file; none: ids are as they are */
    uint32_t root; /* the root in which the user's name is looked up; none: it is a number */
    const char *user; /* `USER[:GROUP]`; empty: root */
    uint32_t deep; /* with all that is in it */
    uint32_t fresh; /* only a directory that is empty, and nobody's in the namespace */
};

/* Connect the container by pasta, which has a PID namespace of its own and ends with the executor. pasta(1) */
struct pv_pasta {
    const char *program; /* pasta */
    struct pv_texts argv; /* its arguments, its own name first; the path of the namespace comes behind */
    struct pv_texts env; /* its whole environment */
    uint32_t timeout; /* milliseconds until it is ended */
    struct pv_place at; /* a file on which the network namespace is mounted, in pasta's sight alone */
};

/* Load rules into the container's network namespace, before anything of it can send. nft(8) */
struct pv_egress_rules {
    const char *program; /* nft */
    struct pv_texts argv; /* its arguments, its own name first */
    struct pv_texts env; /* its whole environment */
    uint32_t timeout; /* milliseconds until it is ended */
    const char *rules; /* what it reads from standard input */
};

/* Answer the container's look-ups of names on its list, admit the addresses given out, and tell what was refused. nfnetlink_log(7) */
struct pv_egress_guard {
    struct pv_texts names; /* `NAME`, `*.NAME` or either with `:PORT` */
    struct pv_bytes address; /* 4 bytes: where look-ups are answered, by UDP and TCP, port 53 */
    struct pv_place upstream; /* a file like /etc/resolv.conf, with the servers that are asked */
    uint32_t mark; /* the mark of its own questions, which the rules let pass */
    uint32_t group; /* the group of nfnetlink_log by which the rules tell what they refuse */
    const char *table; /* the table of family inet with the sets of admitted addresses */
};

/* As long as the container runs, bring changes of the machine's name servers into its file. inotify(7), resolv.conf(5) */
struct pv_follow_resolver {
    struct pv_place at; /* the container's file; null: its names are another server's */
    struct pv_place server; /* the pid file of aardvark-dns, which reads the machine's file again on SIGHUP; or null */
    const char *from; /* the machine's file */
    const char *upstream; /* what is read in its place when all it names is a stub at 127.0.0.53 */
    uint32_t local; /* servers at the machine's loopback are within the container's reach */
    struct pv_texts public; /* servers for when none is left */
    const char *search; /* its line in place of the machine's; empty: as the machine has it */
    const char *options; /* its line in place of the machine's; empty: as the machine has it */
    uint32_t no_search; /* no search line at all */
};

struct pv_op {
    uint16_t code;
    union {
        struct pv_mkdir mkdir;
        struct pv_write write;
        struct pv_write_bytes write_bytes;
        struct pv_symlink symlink;
        struct pv_remove remove;
        struct pv_remove_cgroup remove_cgroup;
        struct pv_device_filter device_filter;
        struct pv_write_pid write_pid;
        struct pv_append append;
        struct pv_lock lock;
        struct pv_open open;
        struct pv_clone clone;
        struct pv_setns setns;
        struct pv_unshare unshare;
        struct pv_sethostname sethostname;
        struct pv_setdomainname setdomainname;
        struct pv_interface_up interface_up;
        struct pv_move_interface move_interface;
        struct pv_user_namespace user_namespace;
        struct pv_mount mount;
        struct pv_bind bind;
        struct pv_borrow borrow;
        struct pv_attach attach;
        struct pv_mount_setattr mount_setattr;
        struct pv_mask mask;
        struct pv_readonly readonly;
        struct pv_mknod mknod;
        struct pv_pivot_root pivot_root;
        struct pv_umount umount;
        struct pv_move move;
        struct pv_chroot chroot;
        struct pv_enter_root enter_root;
        struct pv_chdir chdir;
        struct pv_console console;
        struct pv_idmap idmap;
        struct pv_reconfigure reconfigure;
        struct pv_copy_up copy_up;
        struct pv_volume volume;
        struct pv_leave_volume leave_volume;
        struct pv_fill fill;
        struct pv_pipes pipes;
        struct pv_stdio stdio;
        struct pv_setsid setsid;
        struct pv_setrlimit setrlimit;
        struct pv_umask umask;
        struct pv_personality personality;
        struct pv_set_user set_user;
        struct pv_capbset capbset;
        struct pv_capset capset;
        struct pv_seccomp seccomp;
        struct pv_close_fds close_fds;
        struct pv_scheduler scheduler;
        struct pv_io_priority io_priority;
        struct pv_memory_policy memory_policy;
        struct pv_sched_affinity sched_affinity;
        struct pv_seccomp_agent seccomp_agent;
        struct pv_exec exec;
        struct pv_supervise supervise;
        struct pv_detach detach;
        struct pv_log log;
        struct pv_attachable attachable;
        struct pv_take_part take_part;
        struct pv_health health;
        struct pv_afterwards afterwards;
        struct pv_sleep sleep;
        struct pv_listen listen;
        struct pv_wait_start wait_start;
        struct pv_start start;
        struct pv_process process;
        struct pv_signal signal;
        struct pv_signal_cgroup signal_cgroup;
        struct pv_freeze freeze;
        struct pv_hook hook;
        struct pv_ask_systemd ask_systemd;
        struct pv_find_program find_program;
        struct pv_send_terminal send_terminal;
        struct pv_criu criu;
        struct pv_criu_rest criu_rest;
        struct pv_borrow_root borrow_root;
        struct pv_pack pack;
        struct pv_unpack unpack;
        struct pv_list_changes list_changes;
        struct pv_network_setup network_setup;
        struct pv_network_teardown network_teardown;
        struct pv_reserve_port reserve_port;
        struct pv_user_overlay user_overlay;
        struct pv_own_pipes own_pipes;
        struct pv_user_copy user_copy;
        struct pv_owners_inside owners_inside;
        struct pv_own own;
        struct pv_pasta pasta;
        struct pv_egress_rules egress_rules;
        struct pv_egress_guard egress_guard;
        struct pv_follow_resolver follow_resolver;
    };
};

#ifdef PV_SHAPES
static const struct pv_field pv_fields_mkdir[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, mkdir.at)},
    {PV_KIND_U32, offsetof(struct pv_op, mkdir.mode)},
    {PV_KIND_U32, offsetof(struct pv_op, mkdir.parents)},
};
static const struct pv_field pv_fields_write[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, write.at)},
    {PV_KIND_TEXT, offsetof(struct pv_op, write.text)},
    {PV_KIND_U32, offsetof(struct pv_op, write.how)},
    {PV_KIND_U32, offsetof(struct pv_op, write.mode)},
};
static const struct pv_field pv_fields_write_bytes[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, write_bytes.at)},
    {PV_KIND_BYTES, offsetof(struct pv_op, write_bytes.content)},
    {PV_KIND_U32, offsetof(struct pv_op, write_bytes.mode)},
};
static const struct pv_field pv_fields_symlink[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, symlink.at)},
    {PV_KIND_TEXT, offsetof(struct pv_op, symlink.to)},
};
static const struct pv_field pv_fields_remove[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, remove.at)},
};
static const struct pv_field pv_fields_remove_cgroup[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, remove_cgroup.at)},
};
static const struct pv_field pv_fields_device_filter[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, device_filter.cgroup)},
    {PV_KIND_BYTES, offsetof(struct pv_op, device_filter.program)},
};
static const struct pv_field pv_fields_write_pid[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, write_pid.at)},
    {PV_KIND_U32, offsetof(struct pv_op, write_pid.how)},
    {PV_KIND_U32, offsetof(struct pv_op, write_pid.mode)},
    {PV_KIND_U32, offsetof(struct pv_op, write_pid.started)},
    {PV_KIND_U32, offsetof(struct pv_op, write_pid.own)},
};
static const struct pv_field pv_fields_append[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, append.at)},
    {PV_KIND_TEXT, offsetof(struct pv_op, append.text)},
    {PV_KIND_U32, offsetof(struct pv_op, append.mode)},
    {PV_KIND_U32, offsetof(struct pv_op, append.code)},
};
static const struct pv_field pv_fields_lock[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, lock.at)},
    {PV_KIND_U32, offsetof(struct pv_op, lock.patience)},
    {PV_KIND_U32, offsetof(struct pv_op, lock.past)},
};
static const struct pv_field pv_fields_open[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, open.at)},
    {PV_KIND_U64, offsetof(struct pv_op, open.flags)},
    {PV_KIND_SLOT, offsetof(struct pv_op, open.into)},
};
static const struct pv_field pv_fields_clone[] = {
    {PV_KIND_U64, offsetof(struct pv_op, clone.namespaces)},
    {PV_KIND_SLOT, offsetof(struct pv_op, clone.cgroup)},
    {PV_KIND_SLOT, offsetof(struct pv_op, clone.user)},
    {PV_KIND_SLOT, offsetof(struct pv_op, clone.process)},
    {PV_KIND_U64, offsetof(struct pv_op, clone.join)},
    {PV_KIND_SLOT, offsetof(struct pv_op, clone.proc)},
};
static const struct pv_field pv_fields_setns[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, setns.namespace)},
    {PV_KIND_U32, offsetof(struct pv_op, setns.type)},
};
static const struct pv_field pv_fields_unshare[] = {
    {PV_KIND_U64, offsetof(struct pv_op, unshare.namespaces)},
};
static const struct pv_field pv_fields_sethostname[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, sethostname.name)},
};
static const struct pv_field pv_fields_setdomainname[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, setdomainname.name)},
};
static const struct pv_field pv_fields_interface_up[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, interface_up.name)},
};
static const struct pv_field pv_fields_move_interface[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, move_interface.name)},
    {PV_KIND_TEXT, offsetof(struct pv_op, move_interface.to)},
};
static const struct pv_field pv_fields_user_namespace[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, user_namespace.uid_map)},
    {PV_KIND_TEXT, offsetof(struct pv_op, user_namespace.gid_map)},
    {PV_KIND_SLOT, offsetof(struct pv_op, user_namespace.into)},
};
static const struct pv_field pv_fields_mount[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, mount.type)},
    {PV_KIND_TEXT, offsetof(struct pv_op, mount.source)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, mount.options)},
    {PV_KIND_U64, offsetof(struct pv_op, mount.attributes)},
    {PV_KIND_PLACE, offsetof(struct pv_op, mount.at)},
    {PV_KIND_U32, offsetof(struct pv_op, mount.create)},
    {PV_KIND_SLOT, offsetof(struct pv_op, mount.into)},
};
static const struct pv_field pv_fields_bind[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, bind.from)},
    {PV_KIND_U32, offsetof(struct pv_op, bind.recursive)},
    {PV_KIND_U64, offsetof(struct pv_op, bind.attributes)},
    {PV_KIND_U64, offsetof(struct pv_op, bind.clear)},
    {PV_KIND_U64, offsetof(struct pv_op, bind.deep_attributes)},
    {PV_KIND_U64, offsetof(struct pv_op, bind.deep_clear)},
    {PV_KIND_U32, offsetof(struct pv_op, bind.propagation)},
    {PV_KIND_U32, offsetof(struct pv_op, bind.deep_propagation)},
    {PV_KIND_PLACE, offsetof(struct pv_op, bind.at)},
    {PV_KIND_U32, offsetof(struct pv_op, bind.create)},
    {PV_KIND_SLOT, offsetof(struct pv_op, bind.into)},
};
static const struct pv_field pv_fields_borrow[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, borrow.namespace)},
    {PV_KIND_TEXT, offsetof(struct pv_op, borrow.path)},
    {PV_KIND_U64, offsetof(struct pv_op, borrow.attributes)},
    {PV_KIND_SLOT, offsetof(struct pv_op, borrow.into)},
};
static const struct pv_field pv_fields_attach[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, attach.mount)},
    {PV_KIND_PLACE, offsetof(struct pv_op, attach.at)},
    {PV_KIND_U32, offsetof(struct pv_op, attach.create)},
};
static const struct pv_field pv_fields_mount_setattr[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, mount_setattr.at)},
    {PV_KIND_U64, offsetof(struct pv_op, mount_setattr.attributes)},
    {PV_KIND_U64, offsetof(struct pv_op, mount_setattr.clear)},
    {PV_KIND_U32, offsetof(struct pv_op, mount_setattr.propagation)},
    {PV_KIND_U32, offsetof(struct pv_op, mount_setattr.recursive)},
};
static const struct pv_field pv_fields_mask[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, mask.at)},
    {PV_KIND_PLACE, offsetof(struct pv_op, mask.null_at)},
    {PV_KIND_PLACE, offsetof(struct pv_op, mask.empty)},
};
static const struct pv_field pv_fields_readonly[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, readonly.at)},
};
static const struct pv_field pv_fields_mknod[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, mknod.at)},
    {PV_KIND_U32, offsetof(struct pv_op, mknod.type)},
    {PV_KIND_U32, offsetof(struct pv_op, mknod.major)},
    {PV_KIND_U32, offsetof(struct pv_op, mknod.minor)},
    {PV_KIND_U32, offsetof(struct pv_op, mknod.mode)},
    {PV_KIND_U32, offsetof(struct pv_op, mknod.uid)},
    {PV_KIND_U32, offsetof(struct pv_op, mknod.gid)},
    {PV_KIND_U32, offsetof(struct pv_op, mknod.accept)},
};
static const struct pv_field pv_fields_pivot_root[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, pivot_root.new_root)},
    {PV_KIND_TEXT, offsetof(struct pv_op, pivot_root.put_old)},
};
static const struct pv_field pv_fields_umount[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, umount.target)},
    {PV_KIND_U64, offsetof(struct pv_op, umount.flags)},
};
static const struct pv_field pv_fields_move[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, move.from)},
    {PV_KIND_TEXT, offsetof(struct pv_op, move.to)},
};
static const struct pv_field pv_fields_chroot[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, chroot.path)},
};
static const struct pv_field pv_fields_enter_root[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, enter_root.at)},
};
static const struct pv_field pv_fields_chdir[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, chdir.at)},
    {PV_KIND_U32, offsetof(struct pv_op, chdir.again)},
};
static const struct pv_field pv_fields_console[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, console.devpts)},
    {PV_KIND_PLACE, offsetof(struct pv_op, console.at)},
    {PV_KIND_U32, offsetof(struct pv_op, console.uid)},
    {PV_KIND_U32, offsetof(struct pv_op, console.rows)},
    {PV_KIND_U32, offsetof(struct pv_op, console.columns)},
};
static const struct pv_field pv_fields_idmap[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, idmap.mount)},
    {PV_KIND_SLOT, offsetof(struct pv_op, idmap.namespace)},
    {PV_KIND_U32, offsetof(struct pv_op, idmap.recursive)},
};
static const struct pv_field pv_fields_reconfigure[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, reconfigure.at)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, reconfigure.options)},
};
static const struct pv_field pv_fields_copy_up[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, copy_up.from)},
    {PV_KIND_SLOT, offsetof(struct pv_op, copy_up.to)},
    {PV_KIND_U32, offsetof(struct pv_op, copy_up.mode)},
    {PV_KIND_U32, offsetof(struct pv_op, copy_up.owner)},
};
static const struct pv_field pv_fields_volume[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, volume.at)},
    {PV_KIND_TEXT, offsetof(struct pv_op, volume.record)},
    {PV_KIND_TEXT, offsetof(struct pv_op, volume.user)},
    {PV_KIND_SLOT, offsetof(struct pv_op, volume.into)},
};
static const struct pv_field pv_fields_leave_volume[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, leave_volume.at)},
    {PV_KIND_TEXT, offsetof(struct pv_op, leave_volume.user)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, leave_volume.gone)},
    {PV_KIND_U32, offsetof(struct pv_op, leave_volume.remove)},
};
static const struct pv_field pv_fields_fill[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, fill.volume)},
    {PV_KIND_PLACE, offsetof(struct pv_op, fill.from)},
    {PV_KIND_PLACE, offsetof(struct pv_op, fill.staging)},
    {PV_KIND_PLACE, offsetof(struct pv_op, fill.to)},
    {PV_KIND_U32, offsetof(struct pv_op, fill.copy)},
};
static const struct pv_field pv_fields_pipes[] = {
    {PV_KIND_U32, offsetof(struct pv_op, pipes.stdin_)},
    {PV_KIND_U32, offsetof(struct pv_op, pipes.stdout_)},
    {PV_KIND_U32, offsetof(struct pv_op, pipes.stderr_)},
};
static const struct pv_field pv_fields_stdio[] = {
    {PV_KIND_U32, offsetof(struct pv_op, stdio.stdin_)},
    {PV_KIND_U32, offsetof(struct pv_op, stdio.stdout_)},
    {PV_KIND_U32, offsetof(struct pv_op, stdio.stderr_)},
    {PV_KIND_PLACE, offsetof(struct pv_op, stdio.null_at)},
};
static const struct pv_field pv_fields_setsid[] = {
    {PV_KIND_U32, offsetof(struct pv_op, setsid.terminal)},
};
static const struct pv_field pv_fields_setrlimit[] = {
    {PV_KIND_U32, offsetof(struct pv_op, setrlimit.resource)},
    {PV_KIND_U64, offsetof(struct pv_op, setrlimit.soft)},
    {PV_KIND_U64, offsetof(struct pv_op, setrlimit.hard)},
};
static const struct pv_field pv_fields_umask[] = {
    {PV_KIND_U32, offsetof(struct pv_op, umask.mask)},
};
static const struct pv_field pv_fields_personality[] = {
    {PV_KIND_U32, offsetof(struct pv_op, personality.persona)},
};
static const struct pv_field pv_fields_set_user[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, set_user.user)},
    {PV_KIND_TEXT, offsetof(struct pv_op, set_user.group)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, set_user.groups)},
    {PV_KIND_U32, offsetof(struct pv_op, set_user.primary)},
    {PV_KIND_U32, offsetof(struct pv_op, set_user.lookup)},
};
static const struct pv_field pv_fields_capbset[] = {
    {PV_KIND_U64, offsetof(struct pv_op, capbset.keep)},
};
static const struct pv_field pv_fields_capset[] = {
    {PV_KIND_U64, offsetof(struct pv_op, capset.effective)},
    {PV_KIND_U64, offsetof(struct pv_op, capset.permitted)},
    {PV_KIND_U64, offsetof(struct pv_op, capset.inheritable)},
    {PV_KIND_U64, offsetof(struct pv_op, capset.ambient)},
};
static const struct pv_field pv_fields_seccomp[] = {
    {PV_KIND_U32, offsetof(struct pv_op, seccomp.flags)},
    {PV_KIND_BYTES, offsetof(struct pv_op, seccomp.program)},
};
static const struct pv_field pv_fields_close_fds[] = {
    {PV_KIND_U32, offsetof(struct pv_op, close_fds.from)},
};
static const struct pv_field pv_fields_scheduler[] = {
    {PV_KIND_U32, offsetof(struct pv_op, scheduler.policy)},
    {PV_KIND_U64, offsetof(struct pv_op, scheduler.flags)},
    {PV_KIND_U32, offsetof(struct pv_op, scheduler.nice)},
    {PV_KIND_U32, offsetof(struct pv_op, scheduler.priority)},
    {PV_KIND_U64, offsetof(struct pv_op, scheduler.runtime)},
    {PV_KIND_U64, offsetof(struct pv_op, scheduler.deadline)},
    {PV_KIND_U64, offsetof(struct pv_op, scheduler.period)},
};
static const struct pv_field pv_fields_io_priority[] = {
    {PV_KIND_U32, offsetof(struct pv_op, io_priority.class)},
    {PV_KIND_U32, offsetof(struct pv_op, io_priority.priority)},
};
static const struct pv_field pv_fields_memory_policy[] = {
    {PV_KIND_U32, offsetof(struct pv_op, memory_policy.mode)},
    {PV_KIND_U64, offsetof(struct pv_op, memory_policy.flags)},
    {PV_KIND_BYTES, offsetof(struct pv_op, memory_policy.nodes)},
};
static const struct pv_field pv_fields_sched_affinity[] = {
    {PV_KIND_BYTES, offsetof(struct pv_op, sched_affinity.cpus)},
};
static const struct pv_field pv_fields_seccomp_agent[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, seccomp_agent.path)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, seccomp_agent.state)},
};
static const struct pv_field pv_fields_exec[] = {
    {PV_KIND_TEXTS, offsetof(struct pv_op, exec.paths)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, exec.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, exec.env)},
};
static const struct pv_field pv_fields_supervise[] = {
    {PV_KIND_U32, offsetof(struct pv_op, supervise.signals)},
    {PV_KIND_U32, offsetof(struct pv_op, supervise.parent)},
    {PV_KIND_PLACE, offsetof(struct pv_op, supervise.status)},
    {PV_KIND_U32, offsetof(struct pv_op, supervise.replace)},
    {PV_KIND_PLACE, offsetof(struct pv_op, supervise.oom)},
};
static const struct pv_field pv_fields_detach[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, detach.announce)},
    {PV_KIND_U32, offsetof(struct pv_op, detach.attach)},
    {PV_KIND_PLACE, offsetof(struct pv_op, detach.of)},
    {PV_KIND_U32, offsetof(struct pv_op, detach.input)},
    {PV_KIND_BYTES, offsetof(struct pv_op, detach.keys)},
    {PV_KIND_TEXT, offsetof(struct pv_op, detach.farewell)},
};
static const struct pv_field pv_fields_log[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, log.at)},
    {PV_KIND_U32, offsetof(struct pv_op, log.mode)},
    {PV_KIND_U64, offsetof(struct pv_op, log.most)},
    {PV_KIND_U32, offsetof(struct pv_op, log.files)},
};
static const struct pv_field pv_fields_attachable[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, attachable.at)},
};
static const struct pv_field pv_fields_take_part[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, take_part.at)},
    {PV_KIND_PLACE, offsetof(struct pv_op, take_part.of)},
    {PV_KIND_U32, offsetof(struct pv_op, take_part.input)},
    {PV_KIND_BYTES, offsetof(struct pv_op, take_part.keys)},
    {PV_KIND_TEXT, offsetof(struct pv_op, take_part.farewell)},
};
static const struct pv_field pv_fields_health[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, health.program)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, health.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, health.env)},
    {PV_KIND_U32, offsetof(struct pv_op, health.interval)},
    {PV_KIND_U32, offsetof(struct pv_op, health.start_interval)},
    {PV_KIND_U32, offsetof(struct pv_op, health.start_period)},
};
static const struct pv_field pv_fields_afterwards[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, afterwards.program)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, afterwards.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, afterwards.env)},
};
static const struct pv_field pv_fields_sleep[] = {
    {PV_KIND_U32, offsetof(struct pv_op, sleep.time)},
};
static const struct pv_field pv_fields_listen[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, listen.at)},
    {PV_KIND_SLOT, offsetof(struct pv_op, listen.into)},
};
static const struct pv_field pv_fields_wait_start[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, wait_start.socket)},
};
static const struct pv_field pv_fields_start[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, start.at)},
    {PV_KIND_PLACE, offsetof(struct pv_op, start.of)},
};
static const struct pv_field pv_fields_process[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, process.of)},
    {PV_KIND_SLOT, offsetof(struct pv_op, process.into)},
};
static const struct pv_field pv_fields_signal[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, signal.of)},
    {PV_KIND_U32, offsetof(struct pv_op, signal.signal)},
    {PV_KIND_U32, offsetof(struct pv_op, signal.wait)},
    {PV_KIND_U32, offsetof(struct pv_op, signal.patience)},
    {PV_KIND_U32, offsetof(struct pv_op, signal.required)},
};
static const struct pv_field pv_fields_signal_cgroup[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, signal_cgroup.at)},
    {PV_KIND_U32, offsetof(struct pv_op, signal_cgroup.signal)},
};
static const struct pv_field pv_fields_freeze[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, freeze.at)},
    {PV_KIND_U32, offsetof(struct pv_op, freeze.frozen)},
};
static const struct pv_field pv_fields_hook[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, hook.name)},
    {PV_KIND_TEXT, offsetof(struct pv_op, hook.path)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, hook.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, hook.env)},
    {PV_KIND_U32, offsetof(struct pv_op, hook.timeout)},
    {PV_KIND_TEXT, offsetof(struct pv_op, hook.before)},
    {PV_KIND_TEXT, offsetof(struct pv_op, hook.after)},
    {PV_KIND_U32, offsetof(struct pv_op, hook.required)},
};
static const struct pv_field pv_fields_ask_systemd[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, ask_systemd.gist)},
    {PV_KIND_PLACE, offsetof(struct pv_op, ask_systemd.at)},
    {PV_KIND_TEXT, offsetof(struct pv_op, ask_systemd.identity)},
    {PV_KIND_BYTES, offsetof(struct pv_op, ask_systemd.messages)},
    {PV_KIND_U32, offsetof(struct pv_op, ask_systemd.process_at)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, ask_systemd.tolerated)},
    {PV_KIND_U32, offsetof(struct pv_op, ask_systemd.patience)},
    {PV_KIND_U32, offsetof(struct pv_op, ask_systemd.required)},
};
static const struct pv_field pv_fields_find_program[] = {
    {PV_KIND_TEXTS, offsetof(struct pv_op, find_program.paths)},
};
static const struct pv_field pv_fields_send_terminal[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, send_terminal.at)},
};
static const struct pv_field pv_fields_criu[] = {
    {PV_KIND_TEXTS, offsetof(struct pv_op, criu.paths)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, criu.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, criu.env)},
    {PV_KIND_PLACE, offsetof(struct pv_op, criu.log)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, criu.cgroups)},
    {PV_KIND_PLACE, offsetof(struct pv_op, criu.root)},
    {PV_KIND_SLOT, offsetof(struct pv_op, criu.network)},
    {PV_KIND_SLOT, offsetof(struct pv_op, criu.pids)},
    {PV_KIND_PLACE, offsetof(struct pv_op, criu.pid)},
    {PV_KIND_PLACE, offsetof(struct pv_op, criu.told)},
};
static const struct pv_field pv_fields_criu_rest[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, criu_rest.pid)},
    {PV_KIND_U32, offsetof(struct pv_op, criu_rest.gives_up)},
};
static const struct pv_field pv_fields_borrow_root[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, borrow_root.of)},
    {PV_KIND_U32, offsetof(struct pv_op, borrow_root.recursive)},
    {PV_KIND_U64, offsetof(struct pv_op, borrow_root.attributes)},
    {PV_KIND_SLOT, offsetof(struct pv_op, borrow_root.into)},
};
static const struct pv_field pv_fields_pack[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, pack.root)},
    {PV_KIND_TEXT, offsetof(struct pv_op, pack.path)},
    {PV_KIND_TEXT, offsetof(struct pv_op, pack.name)},
    {PV_KIND_U32, offsetof(struct pv_op, pack.follow)},
    {PV_KIND_U32, offsetof(struct pv_op, pack.bare)},
    {PV_KIND_U32, offsetof(struct pv_op, pack.layer)},
};
static const struct pv_field pv_fields_unpack[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, unpack.root)},
    {PV_KIND_TEXT, offsetof(struct pv_op, unpack.path)},
    {PV_KIND_U32, offsetof(struct pv_op, unpack.follow)},
};
static const struct pv_field pv_fields_list_changes[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, list_changes.upper)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, list_changes.layers)},
};
static const struct pv_field pv_fields_network_setup[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, network_setup.program)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, network_setup.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, network_setup.undo)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, network_setup.env)},
    {PV_KIND_U32, offsetof(struct pv_op, network_setup.timeout)},
    {PV_KIND_PLACE, offsetof(struct pv_op, network_setup.lock)},
    {PV_KIND_PLACE, offsetof(struct pv_op, network_setup.of)},
    {PV_KIND_TEXT, offsetof(struct pv_op, network_setup.alias)},
    {PV_KIND_TEXT, offsetof(struct pv_op, network_setup.bridge)},
    {PV_KIND_PLACE, offsetof(struct pv_op, network_setup.config)},
};
static const struct pv_field pv_fields_network_teardown[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, network_teardown.program)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, network_teardown.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, network_teardown.env)},
    {PV_KIND_U32, offsetof(struct pv_op, network_teardown.timeout)},
    {PV_KIND_PLACE, offsetof(struct pv_op, network_teardown.lock)},
    {PV_KIND_PLACE, offsetof(struct pv_op, network_teardown.of)},
    {PV_KIND_TEXT, offsetof(struct pv_op, network_teardown.alias)},
    {PV_KIND_PLACE, offsetof(struct pv_op, network_teardown.configs)},
    {PV_KIND_TEXT, offsetof(struct pv_op, network_teardown.only)},
    {PV_KIND_PLACE, offsetof(struct pv_op, network_teardown.left)},
};
static const struct pv_field pv_fields_reserve_port[] = {
    {PV_KIND_U32, offsetof(struct pv_op, reserve_port.protocol)},
    {PV_KIND_BYTES, offsetof(struct pv_op, reserve_port.address)},
    {PV_KIND_U32, offsetof(struct pv_op, reserve_port.port)},
    {PV_KIND_U32, offsetof(struct pv_op, reserve_port.count)},
};
static const struct pv_field pv_fields_user_overlay[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, user_overlay.namespace)},
    {PV_KIND_U32, offsetof(struct pv_op, user_overlay.mapped)},
    {PV_KIND_TEXT, offsetof(struct pv_op, user_overlay.base)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, user_overlay.options)},
    {PV_KIND_U64, offsetof(struct pv_op, user_overlay.attributes)},
    {PV_KIND_PLACE, offsetof(struct pv_op, user_overlay.at)},
    {PV_KIND_SLOT, offsetof(struct pv_op, user_overlay.into)},
};
static const struct pv_field pv_fields_own_pipes[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, own_pipes.namespace)},
};
static const struct pv_field pv_fields_user_copy[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, user_copy.namespace)},
    {PV_KIND_PLACE, offsetof(struct pv_op, user_copy.from)},
    {PV_KIND_PLACE, offsetof(struct pv_op, user_copy.to)},
};
static const struct pv_field pv_fields_owners_inside[] = {
    {PV_KIND_SLOT, offsetof(struct pv_op, owners_inside.namespace)},
};
static const struct pv_field pv_fields_own[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, own.at)},
    {PV_KIND_SLOT, offsetof(struct pv_op, own.namespace)},
    {PV_KIND_SLOT, offsetof(struct pv_op, own.root)},
    {PV_KIND_TEXT, offsetof(struct pv_op, own.user)},
    {PV_KIND_U32, offsetof(struct pv_op, own.deep)},
    {PV_KIND_U32, offsetof(struct pv_op, own.fresh)},
};
static const struct pv_field pv_fields_pasta[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, pasta.program)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, pasta.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, pasta.env)},
    {PV_KIND_U32, offsetof(struct pv_op, pasta.timeout)},
    {PV_KIND_PLACE, offsetof(struct pv_op, pasta.at)},
};
static const struct pv_field pv_fields_egress_rules[] = {
    {PV_KIND_TEXT, offsetof(struct pv_op, egress_rules.program)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, egress_rules.argv)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, egress_rules.env)},
    {PV_KIND_U32, offsetof(struct pv_op, egress_rules.timeout)},
    {PV_KIND_TEXT, offsetof(struct pv_op, egress_rules.rules)},
};
static const struct pv_field pv_fields_egress_guard[] = {
    {PV_KIND_TEXTS, offsetof(struct pv_op, egress_guard.names)},
    {PV_KIND_BYTES, offsetof(struct pv_op, egress_guard.address)},
    {PV_KIND_PLACE, offsetof(struct pv_op, egress_guard.upstream)},
    {PV_KIND_U32, offsetof(struct pv_op, egress_guard.mark)},
    {PV_KIND_U32, offsetof(struct pv_op, egress_guard.group)},
    {PV_KIND_TEXT, offsetof(struct pv_op, egress_guard.table)},
};
static const struct pv_field pv_fields_follow_resolver[] = {
    {PV_KIND_PLACE, offsetof(struct pv_op, follow_resolver.at)},
    {PV_KIND_PLACE, offsetof(struct pv_op, follow_resolver.server)},
    {PV_KIND_TEXT, offsetof(struct pv_op, follow_resolver.from)},
    {PV_KIND_TEXT, offsetof(struct pv_op, follow_resolver.upstream)},
    {PV_KIND_U32, offsetof(struct pv_op, follow_resolver.local)},
    {PV_KIND_TEXTS, offsetof(struct pv_op, follow_resolver.public)},
    {PV_KIND_TEXT, offsetof(struct pv_op, follow_resolver.search)},
    {PV_KIND_TEXT, offsetof(struct pv_op, follow_resolver.options)},
    {PV_KIND_U32, offsetof(struct pv_op, follow_resolver.no_search)},
};

static const struct pv_shape pv_shapes[181] = {
    [PV_MKDIR] = {"mkdir", 3, pv_fields_mkdir},
    [PV_WRITE] = {"write", 4, pv_fields_write},
    [PV_WRITE_BYTES] = {"write_bytes", 3, pv_fields_write_bytes},
    [PV_SYMLINK] = {"symlink", 2, pv_fields_symlink},
    [PV_REMOVE] = {"remove", 1, pv_fields_remove},
    [PV_REMOVE_CGROUP] = {"remove_cgroup", 1, pv_fields_remove_cgroup},
    [PV_DEVICE_FILTER] = {"device_filter", 2, pv_fields_device_filter},
    [PV_WRITE_PID] = {"write_pid", 5, pv_fields_write_pid},
    [PV_APPEND] = {"append", 4, pv_fields_append},
    [PV_LOCK] = {"lock", 3, pv_fields_lock},
    [PV_OPEN] = {"open", 3, pv_fields_open},
    [PV_CLONE] = {"clone", 6, pv_fields_clone},
    [PV_SETNS] = {"setns", 2, pv_fields_setns},
    [PV_UNSHARE] = {"unshare", 1, pv_fields_unshare},
    [PV_BECOME_ROOT] = {"become_root", 0, NULL},
    [PV_SETHOSTNAME] = {"sethostname", 1, pv_fields_sethostname},
    [PV_SETDOMAINNAME] = {"setdomainname", 1, pv_fields_setdomainname},
    [PV_INTERFACE_UP] = {"interface_up", 1, pv_fields_interface_up},
    [PV_MOVE_INTERFACE] = {"move_interface", 2, pv_fields_move_interface},
    [PV_USER_NAMESPACE] = {"user_namespace", 3, pv_fields_user_namespace},
    [PV_MOUNT] = {"mount", 7, pv_fields_mount},
    [PV_BIND] = {"bind", 11, pv_fields_bind},
    [PV_BORROW] = {"borrow", 4, pv_fields_borrow},
    [PV_ATTACH] = {"attach", 3, pv_fields_attach},
    [PV_MOUNT_SETATTR] = {"mount_setattr", 5, pv_fields_mount_setattr},
    [PV_MASK] = {"mask", 3, pv_fields_mask},
    [PV_READONLY] = {"readonly", 1, pv_fields_readonly},
    [PV_MKNOD] = {"mknod", 8, pv_fields_mknod},
    [PV_PIVOT_ROOT] = {"pivot_root", 2, pv_fields_pivot_root},
    [PV_UMOUNT] = {"umount", 2, pv_fields_umount},
    [PV_MOVE] = {"move", 2, pv_fields_move},
    [PV_CHROOT] = {"chroot", 1, pv_fields_chroot},
    [PV_ENTER_ROOT] = {"enter_root", 1, pv_fields_enter_root},
    [PV_CHDIR] = {"chdir", 2, pv_fields_chdir},
    [PV_CONSOLE] = {"console", 5, pv_fields_console},
    [PV_IDMAP] = {"idmap", 3, pv_fields_idmap},
    [PV_RECONFIGURE] = {"reconfigure", 2, pv_fields_reconfigure},
    [PV_COPY_UP] = {"copy_up", 4, pv_fields_copy_up},
    [PV_VOLUME] = {"volume", 4, pv_fields_volume},
    [PV_LEAVE_VOLUME] = {"leave_volume", 4, pv_fields_leave_volume},
    [PV_FILL] = {"fill", 5, pv_fields_fill},
    [PV_PIPES] = {"pipes", 3, pv_fields_pipes},
    [PV_STDIO] = {"stdio", 4, pv_fields_stdio},
    [PV_SETSID] = {"setsid", 1, pv_fields_setsid},
    [PV_SETRLIMIT] = {"setrlimit", 3, pv_fields_setrlimit},
    [PV_UMASK] = {"umask", 1, pv_fields_umask},
    [PV_PERSONALITY] = {"personality", 1, pv_fields_personality},
    [PV_SET_USER] = {"set_user", 5, pv_fields_set_user},
    [PV_CAPBSET] = {"capbset", 1, pv_fields_capbset},
    [PV_CAPSET] = {"capset", 4, pv_fields_capset},
    [PV_NO_NEW_PRIVS] = {"no_new_privs", 0, NULL},
    [PV_SECCOMP] = {"seccomp", 2, pv_fields_seccomp},
    [PV_CLOSE_FDS] = {"close_fds", 1, pv_fields_close_fds},
    [PV_SCHEDULER] = {"scheduler", 7, pv_fields_scheduler},
    [PV_IO_PRIORITY] = {"io_priority", 2, pv_fields_io_priority},
    [PV_MEMORY_POLICY] = {"memory_policy", 3, pv_fields_memory_policy},
    [PV_SCHED_AFFINITY] = {"sched_affinity", 1, pv_fields_sched_affinity},
    [PV_SECCOMP_AGENT] = {"seccomp_agent", 2, pv_fields_seccomp_agent},
    [PV_INIT] = {"init", 0, NULL},
    [PV_EXEC] = {"exec", 3, pv_fields_exec},
    [PV_SUPERVISE] = {"supervise", 5, pv_fields_supervise},
    [PV_DETACH] = {"detach", 6, pv_fields_detach},
    [PV_LOG] = {"log", 4, pv_fields_log},
    [PV_ATTACHABLE] = {"attachable", 1, pv_fields_attachable},
    [PV_TAKE_PART] = {"take_part", 5, pv_fields_take_part},
    [PV_HEALTH] = {"health", 6, pv_fields_health},
    [PV_AFTERWARDS] = {"afterwards", 3, pv_fields_afterwards},
    [PV_SLEEP] = {"sleep", 1, pv_fields_sleep},
    [PV_LISTEN] = {"listen", 2, pv_fields_listen},
    [PV_OUTLIVE] = {"outlive", 0, NULL},
    [PV_WAIT_START] = {"wait_start", 1, pv_fields_wait_start},
    [PV_LEAVE] = {"leave", 0, NULL},
    [PV_START] = {"start", 2, pv_fields_start},
    [PV_PROCESS] = {"process", 2, pv_fields_process},
    [PV_SIGNAL] = {"signal", 5, pv_fields_signal},
    [PV_SIGNAL_CGROUP] = {"signal_cgroup", 2, pv_fields_signal_cgroup},
    [PV_FREEZE] = {"freeze", 2, pv_fields_freeze},
    [PV_HOOK] = {"hook", 8, pv_fields_hook},
    [PV_ASK_SYSTEMD] = {"ask_systemd", 8, pv_fields_ask_systemd},
    [PV_DUE] = {"due", 0, NULL},
    [PV_FIND_PROGRAM] = {"find_program", 1, pv_fields_find_program},
    [PV_SEND_TERMINAL] = {"send_terminal", 1, pv_fields_send_terminal},
    [PV_CRIU] = {"criu", 10, pv_fields_criu},
    [PV_CRIU_CHILD] = {"criu_child", 0, NULL},
    [PV_CRIU_REST] = {"criu_rest", 2, pv_fields_criu_rest},
    [PV_PAUSE] = {"pause", 0, NULL},
    [PV_BORROW_ROOT] = {"borrow_root", 4, pv_fields_borrow_root},
    [PV_PACK] = {"pack", 6, pv_fields_pack},
    [PV_UNPACK] = {"unpack", 3, pv_fields_unpack},
    [PV_LIST_CHANGES] = {"list_changes", 2, pv_fields_list_changes},
    [PV_NETWORK_SETUP] = {"network_setup", 10, pv_fields_network_setup},
    [PV_NETWORK_TEARDOWN] = {"network_teardown", 10, pv_fields_network_teardown},
    [PV_RESERVE_PORT] = {"reserve_port", 4, pv_fields_reserve_port},
    [PV_USER_OVERLAY] = {"user_overlay", 7, pv_fields_user_overlay},
    [PV_OWN_PIPES] = {"own_pipes", 1, pv_fields_own_pipes},
    [PV_USER_COPY] = {"user_copy", 3, pv_fields_user_copy},
    [PV_OWNERS_INSIDE] = {"owners_inside", 1, pv_fields_owners_inside},
    [PV_OWN] = {"own", 6, pv_fields_own},
    [PV_PASTA] = {"pasta", 5, pv_fields_pasta},
    [PV_EGRESS_RULES] = {"egress_rules", 5, pv_fields_egress_rules},
    [PV_EGRESS_GUARD] = {"egress_guard", 6, pv_fields_egress_guard},
    [PV_FOLLOW_RESOLVER] = {"follow_resolver", 9, pv_fields_follow_resolver},
};
#endif

#endif
