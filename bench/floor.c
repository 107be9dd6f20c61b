/*
 * The floor of container start: what the kernel alone costs.
 *
 * One static program makes a container with the isolation that docker gives by
 * default, by the fewest system calls that do it, runs a command and cleans up.
 * Nothing is parsed, looked up, recorded or made configurable beyond what the
 * comparison needs. A runtime cannot be faster than this, only come near it.
 *
 * Where one of two equal ways is cheaper, the floor takes it:
 * - mount(2) instead of fsopen(2) and its kin: one call per mount instead of five;
 * - the overlay is mounted over its own upper directory, which spares a mount point;
 * - pivot_root comes before the other mounts, so that they use the container's paths;
 * - a path to mask is looked at first: a bind that fails with ENOTDIR, as that of a file on
 *   a directory does, takes its copy of the mount down and waits for an RCU grace period;
 * - the child joins a v1 cgroup by writing "0" to `tasks`: this form moves only the
 *   writer and so takes none of the kernel's thread group locks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

enum { MAX_CGROUPS = 16 };

struct container {
    const char *lower;                    /* lowerdir= of the overlay, or NULL with a root */
    const char *root;                     /* a directory used as it is, or NULL with a lower */
    const char *cgroups[MAX_CGROUPS + 1]; /* directories to make, join and remove */
    char engine[PATH_MAX];                /* where an engine keeps its state, or "" without one */
    bool net;
    struct sock_fprog filter;             /* len is 0 without a filter */
    char **command;
    char upper[PATH_MAX];
    char work[PATH_MAX];
};

static const unsigned char kept_capabilities[] = {
    CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,  CAP_FSETID,  CAP_KILL,
    CAP_SETGID, CAP_SETUID,       CAP_SETPCAP, CAP_SETFCAP, CAP_MKNOD,
    CAP_NET_RAW, CAP_SYS_CHROOT, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE,
};

static const char *const masked_paths[] = {
    "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
};

static const char *const readonly_paths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static _Noreturn void die(const char *doing, const char *object)
{
    fprintf(stderr, "floor: %s %s: %s\n", doing, object, strerror(errno));
    _exit(125);
}

/* For calls of which any failure ends the program. */
static void must(int result, const char *doing, const char *object)
{
    if (result < 0)
        die(doing, object);
}

static void mount_fs(const char *type, const char *target, unsigned long flags, const char *data)
{
    must(mount(type, target, type, flags, data), "mount", target);
}

#include "floor-engine.h"

static void enter_root(const struct container *c)
{
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make rprivate", "/");
    const char *root = c->root;
    if (c->lower) {
        char options[3 * PATH_MAX];
        snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", c->lower, c->upper,
                 c->work);
        mount_fs("overlay", c->upper, 0, options);
        root = c->upper;
    } else {
        /* pivot_root wants a mount point; an existing directory becomes one by a bind. */
        must(mount(root, root, NULL, MS_BIND | MS_REC, NULL), "bind", root);
    }
    bind_engine_files(c, root);
    must(chdir(root), "chdir", root);
    must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root", root);
    /* The old root lies on top of the new one now; "." still names the old. */
    must(umount2(".", MNT_DETACH), "umount the old root under", root);
}

static void make_devices(void)
{
    static const struct { const char *path; unsigned char major, minor; } nodes[] = {
        {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
        {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
    };
    static const struct { const char *path, *target; } links[] = {
        {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
        {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
        {"/dev/ptmx", "pts/ptmx"},
    };
    static const char *const directories[] = {"/dev/pts", "/dev/shm", "/dev/mqueue"};
    const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    mount_fs("tmpfs", "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
    for (size_t i = 0; i < ARRAY_LENGTH(nodes); i++)
        must(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
             "mknod", nodes[i].path);
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++)
        must(symlink(links[i].target, links[i].path), "symlink", links[i].path);
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
        must(mkdir(directories[i], 0755), "mkdir", directories[i]);
    mount_fs("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC,
             "newinstance,ptmxmode=0666,mode=0620,gid=5");
    mount_fs("tmpfs", "/dev/shm", quiet, "mode=1777,size=65536k");
    mount_fs("mqueue", "/dev/mqueue", quiet, NULL);
}

static void hide_kernel_paths(void)
{
    const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    for (size_t i = 0; i < ARRAY_LENGTH(masked_paths); i++) {
        const char *path = masked_paths[i];
        struct stat status;
        if (stat(path, &status) < 0)
            continue;
        if (S_ISDIR(status.st_mode))
            mount_fs("tmpfs", path, MS_RDONLY, NULL);
        else
            must(mount("/dev/null", path, NULL, MS_BIND, NULL), "mask", path);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(readonly_paths); i++) {
        const char *path = readonly_paths[i];
        if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0 && errno == ENOENT)
            continue;
        must(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | quiet, NULL),
             "make read-only", path);
    }
}

static void bring_loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(fd, "open", "an AF_INET socket");
    must(ioctl(fd, SIOCSIFFLAGS, &request), "set flags of", "lo");
    close(fd);
}

static void drop_privileges(const struct container *c)
{
    unsigned long long kept = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(kept_capabilities); i++)
        kept |= 1ULL << kept_capabilities[i];
    /* EINVAL: a capability newer than this kernel, and so the end of the list. */
    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
        if (!(kept >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
            die("drop from the bounding set", "a capability");
    must(setgroups(0, NULL), "clear", "the supplementary groups");
    must(setresgid(0, 0, 0), "setresgid", "0");
    must(setresuid(0, 0, 0), "setresuid", "0");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {
        {.effective = (unsigned)kept, .permitted = (unsigned)kept},
        {.effective = (unsigned)(kept >> 32), .permitted = (unsigned)(kept >> 32)},
    };
    must((int)syscall(SYS_capset, &header, sets), "capset", "");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set", "no_new_privs");
    if (c->filter.len)
        must((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &c->filter), "install",
             "the seccomp filter");
}

static void join_cgroups(const struct container *c)
{
    for (size_t i = 0; c->cgroups[i]; i++) {
        char tasks[PATH_MAX];
        snprintf(tasks, sizeof tasks, "%s/tasks", c->cgroups[i]);
        const int fd = open(tasks, O_WRONLY | O_CLOEXEC);
        must(fd, "open", tasks);
        must((int)write(fd, "0", 1), "join", tasks);
        close(fd);
    }
    /* A cgroup namespace has its root where its maker is: it can only be made here. */
    if (c->cgroups[0])
        must(unshare(CLONE_NEWCGROUP), "unshare", "the cgroup namespace");
}

static _Noreturn void be_container(const struct container *c)
{
    static char *const environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", NULL};
    const struct rlimit files = {.rlim_cur = 1024, .rlim_max = 1024};
    const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    must(setsid(), "setsid", "");
    join_cgroups(c);
    enter_root(c);
    mount_fs("proc", "/proc", quiet, NULL);
    mount_fs("sysfs", "/sys", quiet | MS_RDONLY, NULL);
    umask(0);
    make_devices();
    umask(022);
    if (c->engine[0]) {
        mount_cgroups(c);
        write_text("/proc/sys/net/ipv4/ping_group_range", 0, "0 2147483647");
        write_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", 0, "0");
    }
    hide_kernel_paths();
    if (c->net)
        bring_loopback_up();
    must(sethostname("floor", 5), "set", "the host name");
    must(setrlimit(RLIMIT_NOFILE, &files), "set", "RLIMIT_NOFILE");
    must((int)syscall(SYS_close_range, 3U, ~0U, 0U), "close", "inherited descriptors");
    drop_privileges(c);
    execve(c->command[0], c->command, environment);
    die("exec", c->command[0]);
}

static pid_t clone_container(const struct container *c)
{
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
        .exit_signal = SIGCHLD,
    };
    if (c->net)
        args.flags |= CLONE_NEWNET;
    if (!c->cgroups[0])
        args.flags |= CLONE_NEWCGROUP;
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *level)
{
    (void)status, (void)type, (void)level;
    return remove(path);
}

/* Most containers leave their directories empty: list one only when rmdir says it is not. */
static void remove_tree(const char *path)
{
    if (rmdir(path) < 0)
        must(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), "remove", path);
}

static void make_directories(struct container *c, const char *scratch)
{
    if (c->lower) {
        snprintf(c->upper, sizeof c->upper, "%s/upper.%d", scratch, getpid());
        snprintf(c->work, sizeof c->work, "%s/work.%d", scratch, getpid());
        must(mkdir(c->upper, 0755), "mkdir", c->upper);
        must(mkdir(c->work, 0700), "mkdir", c->work);
    }
    for (size_t i = 0; c->cgroups[i]; i++)
        must(mkdir(c->cgroups[i], 0755), "mkdir", c->cgroups[i]);
}

static void remove_directories(const struct container *c)
{
    if (c->engine[0])
        remove_tree(c->engine);
    for (size_t i = 0; c->cgroups[i]; i++)
        must(rmdir(c->cgroups[i]), "rmdir", c->cgroups[i]);
    if (c->lower) {
        char inner[PATH_MAX + 8];
        snprintf(inner, sizeof inner, "%s/work", c->work); /* made by the overlay itself */
        remove_tree(inner);
        remove_tree(c->work);
        remove_tree(c->upper);
    }
}

static void read_filter(const char *path, struct sock_fprog *filter)
{
    static struct sock_filter instructions[BPF_MAXINSNS];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd, "open", path);
    const ssize_t size = read(fd, instructions, sizeof instructions);
    must((int)size, "read", path);
    close(fd);
    filter->len = (unsigned short)((size_t)size / sizeof instructions[0]);
    filter->filter = instructions;
}

static const char usage[] =
    "usage: floor (--overlay LOWERDIR --scratch DIR | --root DIR) [OPTION]... [--] PATH [ARG]...\n"
    "Run the program PATH in a container by the fewest system calls, and return its status.\n"
    "  --overlay LOWERDIR  root is a fresh overlay over LOWERDIR (A:B:C for several)\n"
    "  --scratch DIR       where the overlay's upper and work directories are made and removed\n"
    "  --root DIR          root is DIR itself\n"
    "  --cgroup DIR        make, join and remove the v1 cgroup DIR (once per hierarchy)\n"
    "  --seccomp FILE      install FILE, an array of struct sock_filter\n"
    "  --engine DIR        add what an engine does, its state in DIR: files of name resolution,\n"
    "                      device rules, a cgroup mount, a record; with --overlay\n"
    "  --no-net            stay in the caller's network namespace\n";

static _Noreturn void refuse(void)
{
    fputs(usage, stderr);
    exit(125);
}

static struct container parse(int argc, char **argv, const char **scratch, const char **state)
{
    static const struct option options[] = {
        {"overlay", required_argument, NULL, 'o'}, {"scratch", required_argument, NULL, 's'},
        {"root", required_argument, NULL, 'r'},    {"cgroup", required_argument, NULL, 'c'},
        {"engine", required_argument, NULL, 'e'},  {"seccomp", required_argument, NULL, 'f'},
        {"no-net", no_argument, NULL, 'n'},           {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct container c = {.net = true};
    size_t cgroups = 0;
    for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
        switch (option) {
        case 'o': c.lower = optarg; break;
        case 's': *scratch = optarg; break;
        case 'r': c.root = optarg; break;
        case 'c':
            if (cgroups == MAX_CGROUPS)
                refuse();
            c.cgroups[cgroups++] = optarg;
            break;
        case 'e': *state = optarg; break;
        case 'f': read_filter(optarg, &c.filter); break;
        case 'n': c.net = false; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: refuse();
        }
    }
    c.command = argv + optind;
    const bool overlay = c.lower != NULL;
    if (!c.command[0] || overlay == (c.root != NULL) || overlay != (*scratch != NULL) ||
        (*state && !overlay))
        refuse();
    return c;
}

int main(int argc, char **argv)
{
    const char *scratch = NULL, *state = NULL;
    struct container c = parse(argc, argv, &scratch, &state);
    make_directories(&c, scratch);
    if (state)
        prepare_engine(&c, state);
    const pid_t child = clone_container(&c);
    must(child, "clone3", "the container");
    if (child == 0)
        be_container(&c);
    write_pid(&c, child);
    int status;
    must(waitpid(child, &status, 0), "wait for", "the container");
    remove_directories(&c);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
