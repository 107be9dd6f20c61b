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
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "apart.h"
#include "calls.h"
#include "companion.h"
#include "executor.h"
#include "netlink.h"

#define PV_ALIAS 256

/* One call of netavark. */
struct call {
    struct pv_tool tool;
    const struct pv_place *lock;
    const char *bridge; /* of the one that is made; NULL: it is taken away */
    int config;  /* what it reads */
    int network; /* the namespace */
    struct pv_words words;
};

/* netavark looks at rules and bridges before it changes them: one at a time. */
static int take_lock(struct pv_run *run, const struct call *call) {
    const char *name;
    int parent = pv_place_parent(run, call->lock, 1, &name);
    if (parent < 0)
        return parent;
    int signals = call->tool.is_deaf ? -1 : pv_heard_signals(run);
    int fd = pv_result(openat(parent, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    close(parent);
    int rc = fd < 0 ? fd : pv_lock_in_time(run, fd, signals, call->tool.timeout);
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return rc == -EWOULDBLOCK ? pv_say(run, -ETIMEDOUT, "others change networks all the time") : rc;
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

/* Of `{"error":"…"}` the words, of anything else the first line. */
static const char *reason(struct pv_words *words) {
    static const char key[] = "{\"error\":\"";
    words->text[words->length] = '\0';
    char *found = strstr(words->text, key);
    if (!found)
        return pv_first_word(words);
    char *text = found + sizeof key - 1, *end = strstr(text, "\"}");
    if (end)
        *end = '\0';
    return text;
}

static int keep_apart(struct pv_run *run, const struct call *call) {
    int rc = pv_keep_apart(call->bridge);
    if (rc == -EOPNOTSUPP)
        return pv_say(run, rc, "this kernel has no nf_tables, which keeps networks apart: modprobe nf_tables");
    return rc < 0 ? pv_say(run, rc, "rules that keep networks apart") : 0;
}

/* Bridges that come and go are a matter of the lock, too. */
static int call_locked(struct pv_run *run, struct call *call) {
    char network[64];
    snprintf(network, sizeof network, "/proc/%d/fd/%d", (int)getpid(), call->network);
    call->tool.last = network;
    int rc = call->bridge ? keep_apart(run, call) : 0;
    if (rc == 0 && lseek(call->config, 0, SEEK_SET) < 0)
        rc = -errno;
    if (rc == 0)
        rc = pv_run_tool(run, &call->tool, -1, call->config, &call->words);
    if (rc >= 0)
        rc = pv_judge_tool(run, &call->tool, rc, reason(&call->words));
    if (!call->bridge) {
        int forgot = pv_forget_bridges();
        return rc < 0 ? rc : forgot;
    }
    /* Somebody with another lock may have looked, and forgotten the bridge, before it was there. */
    return rc < 0 ? rc : keep_apart(run, call);
}

static int call_netavark(struct pv_run *run, struct call *call) {
    int lock = take_lock(run, call);
    if (lock < 0)
        return lock;
    int rc = call_locked(run, call);
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
    struct call call = {.tool = {.name = "netavark", .program = op->program, .argv = &op->argv,
                                 .env = &op->env, .timeout = op->timeout},
                        .lock = &op->lock, .bridge = op->bridge, .network = -1};
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
        call.tool.argv = &op->undo;
        call.tool.is_deaf = 1;
        call.bridge = NULL;
        if (call.config >= 0 && call.network >= 0)
            call_netavark(run, &call); /* of what was not made it complains; that is no news */
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
    struct call call = {.tool = {.name = "netavark", .program = op->program, .argv = &op->argv,
                                 .env = &op->env, .timeout = op->timeout, .is_deaf = 1},
                        .lock = &op->lock, .network = -1};
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
        if (rc == -ECANCELED && strstr(call.words.text, "os error 19"))
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
