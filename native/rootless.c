/*
 * Rootless: an ordinary user's program runs as root of a user namespace of that user's, with a mount
 * namespace of its own. What the program, the executor and the containers do from here on is what
 * they do for root, as far as the kernel lets a namespace.
 *
 * All commands of a user share one user namespace, since the kernel lets nobody into the container
 * of a sibling namespace: `exec` would be refused by the containers that `run` has made.
 *
 *     RUN/namespace/users    locked, shared, by every command and every executor that lives in it
 *     RUN/namespace/holder   the pid and start time of the process that keeps it: rootless-make.c
 *     RUN/namespace/making   locked by who makes one
 *
 * The holder waits for the exclusive lock of `users`: then nobody is left, and it goes. One that was
 * killed while containers run is done without: what it held is found by way of them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "calls.h"
#include "executor.h"
#include "overlay.h"
#include "rootless.h"

/* linux/nsfs.h */
#define PV_NS_GET_PARENT _IO(0xb7, 0x2)
#define PV_NS_GET_OWNER_UID _IO(0xb7, 0x4)

static int has_admin_rights(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_SYS_ADMIN));
}

/*
 * Commands that are their caller's own, in either place: those that ask nothing of a container, and
 * those that make a user namespace for themselves.
 */
static int stays_outside(char **argv) {
    static const char *const outside[] = {"try",  "oci",     "mountns",    "learn",
                                          "help", "version", "completion", "internal-complete"};
    static const char *const with_value[] = {"--root", "--runroot", "--log-format"};
    if (!argv[0])
        return 1;
    for (argv++; *argv && **argv == '-'; argv++) {
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0 ||
            strcmp(*argv, "--version") == 0 || strcmp(*argv, "-v") == 0)
            return 1;
        for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++)
            if (strcmp(*argv, with_value[i]) == 0 && argv[1]) {
                argv++;
                break;
            }
    }
    if (!*argv)
        return 1;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strcmp(*argv, outside[i]) == 0)
            return 1;
    return 0;
}

/* A directory of the user's own, which nobody else can write to. */
static int is_own(const struct stat *st, uid_t uid) {
    return S_ISDIR(st->st_mode) && st->st_uid == uid && !(st->st_mode & 022);
}

static int open_below(int parent, const char *name, uid_t uid, struct pv_no_namespace *why) {
    struct stat st;
    if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST) {
        why->error = errno;
        return -1;
    }
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && is_own(&st, uid))
        return fd;
    why->error = fd < 0 ? errno : EPERM;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* As `runDirectory` of src/container/roots.ts. `user`: who it is; `uid`: as what they are seen here. */
static int open_directory(uid_t user, uid_t uid, struct pv_no_namespace *why) {
    char path[PATH_MAX];
    struct stat st;
    const char *given = getenv("XDG_RUNTIME_DIR");
    why->stage = "directory";
    int is_given = given && *given;
    if (is_given)
        snprintf(path, sizeof path, "%s", given);
    else
        snprintf(path, sizeof path, "/run/user/%u", user);
    int is_usual = !is_given && lstat(path, &st) == 0 && is_own(&st, uid);
    if (!is_given && !is_usual)
        snprintf(path, sizeof path, "/tmp/pivot-run-%u", user);
    snprintf(why->text, sizeof why->text, "%.500s", path);
    int fd = open_below(AT_FDCWD, path, uid, why);
    if (fd < 0)
        return -1;
    int below = open_below(fd, "pivot-namespace", uid, why);
    close(fd);
    return below;
}

/* A user namespace that this user has made, and that is a child of ours; or -1. */
static int checked(int namespace, uid_t uid) {
    if (namespace < 0)
        return -1;
    uid_t owner;
    struct stat own, above;
    int parent = ioctl(namespace, PV_NS_GET_PARENT);
    int is_ours = parent >= 0 && fstat(parent, &above) == 0 &&
                  stat("/proc/self/ns/user", &own) == 0 && own.st_ino == above.st_ino &&
                  ioctl(namespace, PV_NS_GET_OWNER_UID, &owner) == 0 && owner == uid;
    if (parent >= 0)
        close(parent);
    if (is_ours)
        return namespace;
    close(namespace);
    return -1;
}

/* The user namespace of the process that a file names by `PID START-TIME`; or -1. */
static int namespace_by(int directory, const char *file, uid_t uid) {
    static struct pv_run run;
    pid_t pid;
    run.slots[0] = directory;
    int process = pv_hold_process(&run, &(struct pv_place){0, file}, &pid);
    if (process < 0)
        return -1;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    int namespace = open(path, O_RDONLY | O_CLOEXEC);
    /* While we hold it the pid is nobody else's; it may have ended, though. */
    if (namespace >= 0 && pv_pidfd_send_signal(process, 0) < 0 && errno == ESRCH) {
        close(namespace);
        namespace = -1;
    }
    close(process);
    return checked(namespace, uid);
}

/* The number that `lock_use` gives its descriptor, unless the caller had it already. */
#define PV_USE_FD 200

/* One that we have from the executor whose successor we are. */
static int inherited_use(int directory) {
    struct stat own, other;
    if (fstatat(directory, "users", &own, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    for (int fd = PV_USE_FD; fd < PV_USE_FD + 8; fd++)
        if (fstat(fd, &other) == 0 && other.st_ino == own.st_ino && other.st_dev == own.st_dev)
            return fd;
    return -1;
}

/* Above other descriptors, and kept over execve: whoever lives in the namespace has it. */
int pv_keep_use(int fd) {
    int kept = fcntl(fd, F_DUPFD, PV_USE_FD);
    if (kept < 0)
        return fd;
    close(fd);
    return kept;
}

static int lock_use(int directory, struct pv_no_namespace *why) {
    int inherited = inherited_use(directory);
    if (inherited >= 0)
        return inherited;
    int file = openat(directory, "users", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file >= 0) {
        file = pv_keep_use(file);
        while (flock(file, LOCK_SH) < 0 && errno == EINTR)
            ;
        return file;
    }
    why->error = errno;
    return -1;
}

/*
 * Which file a descriptor has a lock of, `MAJOR:MINOR:INODE` as proc_locks(5) has it; "" when of none.
 * The file itself is not asked: it may be that of a container's process, in a file system that never answers.
 */
static void read_lock(const char *fdinfo, char name[64]) {
    char text[1024];
    int fd = open(fdinfo, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    const char *line = strstr(text, "\nlock:");
    if (!line || sscanf(line, " lock: %*d: FLOCK %*s %*s %*d %63s", name) != 1)
        name[0] = '\0';
}

/*
 * The namespace of anybody who has the lock of `users`: their holder was killed, and what they live in is
 * to be shared by us all the same. A rare way, and so a slow one.
 */
static int namespace_of_users(int lock, uid_t uid) {
    char path[64], own[64], other[64];
    struct dirent *entry;
    int namespace = -1;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", lock);
    read_lock(path, own);
    DIR *processes = own[0] ? opendir("/proc") : NULL;
    if (!processes)
        return -1;
    while (namespace < 0 && (entry = readdir(processes))) {
        int pid = atoi(entry->d_name);
        if (pid <= 0 || pid == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, PV_USE_FD);
        read_lock(path, other);
        if (strcmp(own, other) != 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
        namespace = checked(open(path, O_RDONLY | O_CLOEXEC), uid);
    }
    closedir(processes);
    return namespace;
}

/* That of the holder, or a new one. */
static int find_or_make(struct pv_holder *of, int lock, struct pv_no_namespace *why) {
    int namespace = namespace_by(of->directory, "holder", of->uid);
    if (namespace >= 0)
        return namespace;
    int making = openat(of->directory, "making", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (making < 0) {
        why->error = errno;
        return -1;
    }
    while (flock(making, LOCK_EX) < 0 && errno == EINTR)
        ;
    namespace = namespace_by(of->directory, "holder", of->uid);
    if (namespace < 0) {
        /* Without a holder its file is left by one that was killed. */
        if (faccessat(of->directory, "holder", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            of->joins = namespace_of_users(lock, of->uid);
        if (pv_make_namespace(of, why) > 0) {
            namespace = namespace_by(of->directory, "holder", of->uid);
            if (namespace < 0)
                why->stage = "join", why->error = ESRCH;
        }
        if (of->joins >= 0)
            close(of->joins);
    }
    close(making);
    return namespace;
}

/* The descriptor of the lock, or -1. */
static int enter(struct pv_holder *of, struct pv_no_namespace *why) {
    of->directory = open_directory(of->uid, of->uid, why);
    if (of->directory < 0)
        return -1;
    int lock = lock_use(of->directory, why);
    int namespace = lock < 0 ? -1 : find_or_make(of, lock, why);
    close(of->directory);
    if (namespace < 0)
        return -1;
    why->stage = "join";
    int rc = setns(namespace, CLONE_NEWUSER);
    why->error = errno;
    close(namespace);
    if (rc < 0)
        return -1;
    why->stage = "mounts";
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || unshare(CLONE_NEWNS) < 0) {
        why->error = errno;
        return -1;
    }
    return lock;
}

/* Called back by an executor, or from within: the namespace is ours, as long as we keep it. */
static int stay(void) {
    struct pv_no_namespace why;
    unsigned uid, gid;
    char text[48];
    const char *said = getenv("PIVOT_ROOTLESS");
    if (!said || sscanf(said, "%u:%u", &uid, &gid) != 2)
        return -1;
    int directory = open_directory((uid_t)uid, 0, &why);
    int lock = directory < 0 ? -1 : lock_use(directory, &why);
    if (directory >= 0)
        close(directory);
    if (lock < 0)
        return -1;
    snprintf(text, sizeof text, "%u:%u:%d", uid, gid, lock);
    if (setenv("PIVOT_ROOTLESS", text, 1) < 0)
        exit(125);
    return lock;
}

int pv_enter_namespace(char **argv) {
    struct pv_holder of = {-1, -1, geteuid(), getegid(), argv};
    static struct pv_no_namespace why;
    char said[sizeof why.text + 128];
    if (of.uid == 0 && has_admin_rights()) {
        if (!pv_is_in_user_namespace())
            unsetenv("PIVOT_ROOTLESS");
        return stay();
    }
    unsetenv("PIVOT_ROOTLESS");
    if (stays_outside(argv))
        return -1;
    int use = enter(&of, &why);
    if (use >= 0)
        snprintf(said, sizeof said, "%u:%u:%d", of.uid, of.gid, use);
    else
        snprintf(said, sizeof said, "!%s:%d:%s", why.stage, why.error, why.text);
    if (setenv("PIVOT_ROOTLESS", said, 1) < 0)
        exit(125);
    return use;
}
