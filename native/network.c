/*
 * Networks: netavark connects a container's network namespace to a bridge, and takes the connection
 * away again. It runs as our child, reads what it is to do from a file, and finds the namespace among
 * our descriptors: one of its own would be handed on to the name server that it starts, which would
 * hold the namespace of a container that is long gone.
 *
 *      RUNROOT/ID/network/eth0    what it reads; the name is that of the interface inside
 *
 * The file is there before anything is made, and goes when all of it is gone: so whoever comes after
 * a kill knows what there may be. The namespace is held from the set-up on, since the kernel takes
 * one apart in its own time, and netavark keeps a bridge to which something is still connected.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "calls.h"
#include "companion.h"
#include "executor.h"
#include "netlink.h"

#define PV_OUT_OF_THE_WAY 100
#define PV_WORDS 4096
#define PV_ALIAS 256
#define PV_ARGUMENTS 16 /* the namespace comes behind them */

/* One call of netavark. */
struct call {
    const char *program;
    const struct pv_texts *argv, *env;
    uint32_t timeout; /* milliseconds */
    const struct pv_place *lock;
    int config;             /* what it reads */
    int network;            /* the namespace */
    int is_undo;            /* signals do not stop it */
    char words[PV_WORDS];   /* the beginning of what it said */
    size_t length;
};

static int64_t milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int stops(struct pv_run *run, const struct call *call) {
    return call->is_undo ? 0 : pv_was_asked_to_stop(run, 0);
}

/* netavark looks at rules and bridges before it changes them: one at a time. */
static int take_lock(struct pv_run *run, const struct call *call) {
    const char *name;
    int parent = pv_place_parent(run, call->lock, 1, &name);
    if (parent < 0)
        return parent;
    int fd = pv_result(openat(parent, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    close(parent);
    int64_t end = milliseconds() + call->timeout;
    int rc = fd;
    while (fd >= 0 && (rc = pv_result(flock(fd, LOCK_EX | LOCK_NB))) == -EWOULDBLOCK) {
        rc = stops(run, call);
        if (rc == 0 && milliseconds() > end)
            rc = pv_say(run, -ETIMEDOUT, "others change networks all the time");
        if (rc < 0)
            break;
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return rc;
}

/*
 * The container's namespace is gone, and with it its interface, without which netavark does not take
 * the rest away: an empty namespace with something of that name stands in for it.
 */
static int stand_in(const char *interface) {
    int made = -1, named = -1;
    int own = pv_result(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    int rc = own < 0 ? own : pv_result(unshare(CLONE_NEWNET));
    if (rc == 0) {
        rc = made = pv_result(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        if (rc >= 0)
            rc = named = pv_result(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        /* A bridge, since that is what this kernel has for sure. */
        if (rc >= 0)
            rc = pv_result(ioctl(named, SIOCBRADDBR, interface));
        if (setns(own, CLONE_NEWNET) < 0)
            pv_end_lost();
    }
    if (named >= 0)
        close(named);
    if (own >= 0)
        close(own);
    if (rc < 0 && made >= 0)
        close(made);
    return rc < 0 ? rc : made;
}

static void __attribute__((noreturn)) become_netavark(const struct call *call, pid_t executor,
                                                      int words) {
    char *argv[PV_ARGUMENTS + 2], path[64];
    uint32_t count = call->argv->count;
    if (count > PV_ARGUMENTS)
        _exit(126);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)executor, call->network);
    memcpy(argv, call->argv->items, count * sizeof *argv);
    argv[count] = path;
    argv[count + 1] = NULL;
    pv_standard_signals();
    /* Neither a key of the terminal nor its end is meant for it, or for the name server it starts. */
    setsid();
    const int given[] = {call->config, words, words};
    int fds[3];
    for (int i = 0; i < 3; i++)
        if ((fds[i] = fcntl(given[i], F_DUPFD_CLOEXEC, PV_OUT_OF_THE_WAY)) < 0)
            _exit(126);
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], i) < 0)
            _exit(126);
    if (pv_close_range(3, ~0u, 0) < 0 || chdir("/") < 0)
        _exit(126);
    execve(call->program, argv, call->env->items);
    dprintf(2, "%s: %s", call->program, strerror(errno));
    _exit(127);
}

/* Takes what fits; the rest is read and forgotten, so that it need not wait for us. */
static void hear(struct call *call, int *words) {
    char rest[512];
    size_t left = sizeof call->words - 1 - call->length;
    ssize_t n = read(*words, left ? call->words + call->length : rest, left ? left : sizeof rest);
    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        call->length += left ? (size_t)n : 0;
        return;
    }
    close(*words);
    *words = -1;
}

static int wait_for_end(struct pv_run *run, struct call *call, int pidfd, int *words) {
    int64_t end = milliseconds() + call->timeout;
    for (;;) {
        struct pollfd fds[3] = {{pidfd, POLLIN, 0},
                                {*words, POLLIN, 0},
                                {call->is_undo ? -1 : pv_heard_signals(run), POLLIN, 0}};
        int64_t left = end - milliseconds();
        if (left <= 0)
            return pv_say(run, -ETIMEDOUT, "netavark took longer than %u s", call->timeout / 1000);
        if (poll(fds, 3, (int)left) < 0 && errno != EINTR)
            return -errno;
        int rc = fds[2].revents ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
        if (fds[1].revents)
            hear(call, words);
        else if (fds[0].revents)
            return 0; /* the name server that it leaves behind may hold its output open */
    }
}

/* Of `{"error":"…"}` the words, of anything else the first line. */
static const char *reason(struct call *call) {
    static const char key[] = "{\"error\":\"";
    call->words[call->length] = '\0';
    char *found = strstr(call->words, key);
    char *text = found ? found + sizeof key - 1 : call->words;
    char *end = found ? strstr(text, "\"}") : strchr(text, '\n');
    if (end)
        *end = '\0';
    return text;
}

static int how_it_ended(struct pv_run *run, struct call *call, int status) {
    const char *why = reason(call);
    const char *colon = why[0] ? ": " : "";
    if (WIFSIGNALED(status))
        return pv_say(run, -ECANCELED, "netavark was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return pv_say(run, -ECANCELED, "netavark ended with %d%s%.180s", WEXITSTATUS(status), colon,
                      why);
    return 0;
}

static int start_and_wait(struct pv_run *run, struct call *call) {
    int words[2], status = 0, pidfd = -1;
    if (pipe2(words, O_CLOEXEC) < 0)
        return -errno;
    pid_t executor = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_netavark(call, executor, words[1]);
    int rc = pid < 0 ? -errno : 0;
    close(words[1]);
    if (rc == 0)
        rc = pidfd = pv_pidfd_open(pid);
    if (rc >= 0)
        rc = wait_for_end(run, call, pidfd, &words[0]);
    if (pid > 0 && rc < 0)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (words[0] >= 0)
        close(words[0]);
    if (pidfd >= 0)
        close(pidfd);
    return rc < 0 ? rc : how_it_ended(run, call, status);
}

static int call_netavark(struct pv_run *run, struct call *call) {
    int lock = take_lock(run, call);
    if (lock < 0)
        return lock;
    call->length = 0;
    int rc = lseek(call->config, 0, SEEK_SET) < 0 ? -errno : start_and_wait(run, call);
    close(lock);
    return rc;
}

/* The network namespace of a process, whose pid cannot become another's meanwhile. */
static int namespace_of(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    return pv_result(open(path, O_RDONLY | O_CLOEXEC));
}

int pv_container_network(struct pv_run *run) {
    if (run->network < 0)
        run->network = run->init > 0 ? namespace_of(run->init) : -ESRCH;
    return run->network;
}

/* Held until the executor ends; what another's executor has made only for this call. */
static int find_namespace(struct pv_run *run, const struct pv_place *of) {
    if (of->slot != PV_SLOT_NONE) {
        pid_t pid;
        int process = pv_hold_process(run, of, &pid);
        if (process < 0)
            return process;
        int fd = namespace_of(pid);
        struct pollfd end = {process, POLLIN, 0};
        if (fd >= 0 && poll(&end, 1, 0) > 0) { /* it ended before we looked: it may be another's */
            close(fd);
            fd = -ESRCH;
        }
        close(process);
        return fd;
    }
    int network = pv_container_network(run);
    return network < 0 ? network : pv_result(fcntl(network, F_DUPFD_CLOEXEC, 3));
}

/* netlink takes 255 bytes. */
static void make_alias(char alias[PV_ALIAS], const char *whose, const char *interface) {
    snprintf(alias, PV_ALIAS, "%.200s %.32s", whose, interface);
}

int pv_do_network_setup(struct pv_run *run, const struct pv_network_setup *op) {
    char interface[sizeof run->name];
    const char *name;
    int parent = pv_place_parent(run, &op->config, 0, &name);
    if (parent < 0)
        return parent;
    strcpy(interface, name);
    struct call call = {.program = op->program, .argv = &op->argv, .env = &op->env,
                        .timeout = op->timeout, .lock = &op->lock, .network = -1};
    int rc = call.config = pv_result(openat(parent, interface, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (rc >= 0)
        rc = call.network = find_namespace(run, &op->of);
    if (rc >= 0)
        rc = call_netavark(run, &call);
    if (rc == 0) {
        char alias[PV_ALIAS];
        make_alias(alias, op->alias, interface);
        rc = pv_mark_link(call.network, interface, alias);
        if (rc < 0)
            pv_say(run, rc, "the bridge's port");
    }
    if (rc < 0) {
        char text[PV_TEXT];
        memcpy(text, run->text, sizeof text);
        struct call undo = call;
        undo.argv = &op->undo;
        undo.is_undo = 1;
        if (call.config >= 0 && call.network >= 0)
            call_netavark(run, &undo); /* of what was not made it complains; that is no news */
        memcpy(run->text, text, sizeof text);
        unlinkat(parent, interface, 0);
    }
    if (call.config >= 0)
        close(call.config);
    if (call.network >= 0)
        close(call.network);
    close(parent);
    return rc < 0 ? rc : 0;
}

/* What could not be taken away is tried again by `system prune`, also when all else is gone. */
static void put_aside(struct pv_run *run, int configs, const char *name, const struct pv_place *left) {
    const char *last;
    if (left->slot == PV_SLOT_NONE)
        return;
    int parent = pv_place_parent(run, left, 1, &last);
    if (parent < 0)
        return;
    pv_mkdir(parent, last, 0700);
    int directory = pv_result(openat(parent, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    close(parent);
    if (directory < 0)
        return;
    renameat(configs, name, directory, name);
    close(directory);
}

static int tear_down(struct pv_run *run, const struct pv_network_teardown *op, int configs,
                     const char *name) {
    struct call call = {.program = op->program, .argv = &op->argv, .env = &op->env,
                        .timeout = op->timeout, .lock = &op->lock, .network = -1, .is_undo = 1};
    int rc = call.config = pv_result(openat(configs, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (rc < 0)
        return rc;
    struct stat st;
    if (fstat(call.config, &st) == 0 && st.st_size == 0) {
        /* Who wrote it was killed before a word was in it, and so before netavark was asked. */
        close(call.config);
        return pv_result(unlinkat(configs, name, 0));
    }
    call.network = find_namespace(run, &op->of);
    rc = call.network < 0 ? -ECANCELED : call_netavark(run, &call);
    /* The interface may have been taken away by the container itself: then as if all were gone. */
    if (rc == -ECANCELED) {
        char alias[PV_ALIAS];
        make_alias(alias, op->alias, name);
        if (call.network >= 0)
            close(call.network);
        rc = call.network = stand_in(name);
        if (rc >= 0)
            rc = pv_remove_link(alias);
        if (rc >= 0)
            rc = call_netavark(run, &call);
        /* The bridge itself is not there: after a reboot, or a kill before it was made. */
        if (rc == -ECANCELED && strstr(call.words, "os error 19"))
            rc = 0;
    }
    if (rc == 0)
        rc = pv_result(unlinkat(configs, name, 0));
    else
        put_aside(run, configs, name, &op->left);
    close(call.config);
    if (call.network >= 0)
        close(call.network);
    return rc;
}

int pv_do_network_teardown(struct pv_run *run, const struct pv_network_teardown *op) {
    int fd = pv_place_open(run, &op->configs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd == -ENOENT)
        return 0;
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return fd < 0 ? fd : -errno;
    }
    int failure = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char name[sizeof entry->d_name];
        if (entry->d_name[0] == '.' || (op->only[0] && strcmp(entry->d_name, op->only) != 0))
            continue;
        strcpy(name, entry->d_name);
        int rc = tear_down(run, op, dirfd(directory), name);
        if (rc < 0)
            failure = rc;
    }
    closedir(directory);
    return failure;
}
