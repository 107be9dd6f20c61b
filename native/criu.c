/*
 * Saving a container to files and bringing it back: CRIU does it, as our child.
 *
 *   executor                    criu                         the container
 *     | fork ------------------> waits
 *     | (systemd's scope is made around it, when there is to be one)
 *     | go --------------------> joins cgroups, mounts
 *     |                          makes namespaces -----------> is born as the executor's child
 *     |       <----------------- its script tells of them and waits, when there are hooks
 *     | runs hooks
 *     | go --------------------> restores ------------------->   runs
 *     | waits <----------------- tells its pid, ends
 *     | takes hold of it
 *
 * Its script is this program by its launcher's name: pv_criu_script().
 *
 * What it mounts is in a mount namespace that ends with it. Its words go to a file in memory: they
 * are few, since what goes wrong is in its log.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"

/* Where CRIU finds what is handed down to it; src/oci/checkpoint.ts has the same numbers. */
#define PV_CRIU_STREAMS 10
#define PV_CRIU_FDS 5 /* three streams, a network namespace, a pid namespace */
#define PV_OUT_OF_THE_WAY 100
#define PV_CRIU_PATIENCE 10000 /* milliseconds to give up */

static struct {
    pid_t pid; /* of the process that is or will be CRIU, or 0 */
    int pidfd;
    int words; /* what it writes to standard error */
    int go;    /* the other end of the pipe at which it waits, or -1 */
    int talk;  /* the connection by which its script has told of namespaces, or -1 */
} criu = {0, -1, -1, -1, -1};

static void close_one(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int join_cgroups(const struct pv_texts *files) {
    for (uint32_t i = 0; i < files->count; i++) {
        int fd = pv_result(open(files->items[i], O_WRONLY | O_CLOEXEC));
        int rc = fd < 0 ? fd : pv_result(write(fd, "0", 1));
        if (fd >= 0)
            close(fd);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* criu(8) wants the root to be a mount point. Nothing of this is seen by the host. */
static int mount_root(struct pv_run *run, const struct pv_place *root) {
    if (root->slot == PV_SLOT_NONE)
        return 0;
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    int at = pv_place_open(run, root, O_PATH | O_DIRECTORY, 0);
    if (at < 0)
        return at;
    int tree = pv_open_tree(at, "", PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC | PV_AT_RECURSIVE |
                                        AT_EMPTY_PATH);
    int rc = tree < 0 ? tree : pv_move_mount(tree, "", at, "", PV_MOVE_MOUNT_EMPTY_PATHS);
    if (tree >= 0)
        close(tree);
    close(at);
    return rc;
}

/* The numbers wanted may be those of others: all go out of the way first. */
static int hand_down(struct pv_run *run, const struct pv_criu *op, int words) {
    int fds[PV_CRIU_FDS] = {0, 1, 2, -1, -1};
    const uint32_t slots[] = {op->network, op->pids};
    for (int i = 0; i < 2; i++)
        if (slots[i] != PV_SLOT_NONE && (fds[3 + i] = pv_slot(run, slots[i])) < 0)
            return fds[3 + i];
    for (int i = 0; i < PV_CRIU_FDS; i++)
        if (fds[i] >= 0 && (fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, PV_OUT_OF_THE_WAY)) < 0)
            return -errno;
    words = pv_result(fcntl(words, F_DUPFD_CLOEXEC, PV_OUT_OF_THE_WAY));
    int null = pv_result(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (words < 0 || null < 0)
        return words < 0 ? words : null;
    pv_close_range(3, ~0u, PV_CLOSE_RANGE_CLOEXEC);
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(words, 2) < 0)
        return -errno;
    for (int i = 0; i < PV_CRIU_FDS; i++)
        if (fds[i] >= 0 && dup2(fds[i], PV_CRIU_STREAMS + i) < 0)
            return -errno;
    return 0;
}

static void __attribute__((noreturn)) become_criu(struct pv_run *run, const struct pv_criu *op,
                                                  int words) {
    const char *doing = "join the container's cgroups";
    int rc = join_cgroups(&op->cgroups);
    if (rc == 0) {
        doing = "mount the root on itself";
        rc = mount_root(run, &op->root);
    }
    if (rc == 0) {
        doing = "hand descriptors down";
        rc = hand_down(run, op, words);
    }
    if (rc < 0) {
        dprintf(words, "cannot %s: %s", doing, strerror(-rc));
        _exit(126);
    }
    pv_standard_signals();
    if (chdir("/") < 0)
        _exit(126);
    for (uint32_t i = 0; i < op->paths.count; i++)
        execve(op->paths.items[i], op->argv.items, op->env.items);
    dprintf(2, "cannot execute %s: %s", op->argv.items[0], strerror(errno));
    _exit(127);
}

/* The last line of its words; `text` is "" when there are none. */
static void last_line(int words, char *text, size_t size) {
    off_t end = lseek(words, 0, SEEK_END);
    off_t from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
    ssize_t n = pread(words, text, size - 1, from);
    text[n > 0 ? n : 0] = '\0';
    for (n--; n > 0 && text[n] == '\n'; n--)
        text[n] = '\0';
    const char *newline = strrchr(text, '\n');
    if (newline)
        memmove(text, newline + 1, strlen(newline));
}

/* The pid is our child's, and so nobody else's until we wait for it. */
static int adopt(struct pv_run *run, const struct pv_place *at) {
    char text[16] = "";
    int file = pv_place_open(run, at, O_RDONLY | O_NOFOLLOW, 0);
    if (file < 0)
        return pv_say(run, file, "it has not told whom it restored");
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    int pid = n > 0 ? atoi(text) : 0;
    siginfo_t end;
    int any = WEXITED | WNOHANG | WNOWAIT | __WALL;
    int rc = pid > 1 ? pv_result(waitid(P_PID, (id_t)pid, &end, any)) : -EPROTO;
    if (rc == 0)
        rc = run->pidfd = pv_pidfd_open(pid);
    if (rc < 0)
        return pv_say(run, rc, "whom it restored is no child of ours");
    run->init = pid;
    run->leapt = run->started = 1;
    pv_event(run, PV_EVENT_STARTED, run->step, 0, pid, "");
    return 0;
}

static const struct pv_criu *next_criu(const struct pv_run *run) {
    for (uint32_t i = run->step; i < run->plan.count; i++)
        if (run->plan.records[i].op.code == PV_CRIU)
            return &run->plan.records[i].op.criu;
    return NULL;
}

static void __attribute__((noreturn)) wait_for_go(struct pv_run *run, int go) {
    char byte;
    ssize_t n;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    do
        n = read(go, &byte, 1);
    while (n < 0 && errno == EINTR);
    const struct pv_criu *op = n == 1 ? next_criu(run) : NULL;
    if (!op)
        _exit(0);
    prctl(PR_SET_PDEATHSIG, 0);
    become_criu(run, op, criu.words);
}

static int fork_criu(struct pv_run *run) {
    int go[2];
    criu.words = pv_result(memfd_create("pivot-criu", MFD_CLOEXEC));
    if (criu.words < 0)
        return criu.words;
    if (pipe2(go, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        wait_for_go(run, go[0]);
    }
    int rc = pid < 0 ? -errno : 0;
    close(go[0]);
    criu.go = go[1];
    if (rc == 0) {
        criu.pid = pid;
        rc = criu.pidfd = pv_pidfd_open(pid);
    }
    return rc < 0 ? rc : 0;
}

int pv_do_criu_child(struct pv_run *run) {
    int rc = fork_criu(run);
    if (rc == 0)
        run->init = criu.pid;
    return rc;
}

/* How CRIU has ended; afterwards there is none. */
static int end_of_criu(struct pv_run *run) {
    char line[PV_TEXT / 2];
    int status = 0;
    while (waitpid(criu.pid, &status, 0) < 0 && errno == EINTR)
        ;
    criu.pid = 0;
    last_line(criu.words, line, sizeof line);
    close_one(&criu.words);
    close_one(&criu.pidfd);
    close_one(&criu.talk);
    const char *colon = line[0] ? ": " : "";
    if (WIFSIGNALED(status))
        return pv_say(run, -ECANCELED, "it was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return pv_say(run, -ECANCELED, "CRIU ended with %d%s%s", WEXITSTATUS(status), colon, line);
    return 0;
}

/* Its script connects and says whose namespaces are there; or it ends before. */
static int hear_of_namespaces(struct pv_run *run, int listener) {
    for (;;) {
        struct pollfd fds[3] = {{listener, POLLIN, 0},
                                {criu.pidfd, POLLIN, 0},
                                {pv_heard_signals(run), POLLIN, 0}};
        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            return -errno;
        int rc = fds[2].revents ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
        if (fds[0].revents & POLLIN) {
            char text[16] = "";
            criu.talk = pv_result(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
            if (criu.talk < 0)
                return criu.talk;
            ssize_t n = recv(criu.talk, text, sizeof text - 1, 0);
            run->told_pid = n > 0 ? atoi(text) : 0;
            return run->told_pid > 0 ? 0 : pv_say(run, -EPROTO, "CRIU tells of no process");
        }
        if (fds[1].revents) {
            rc = end_of_criu(run);
            return rc < 0 ? rc : pv_say(run, -EPROTO, "CRIU has told of no namespaces");
        }
    }
}

static int let_go(struct pv_run *run) {
    ssize_t n = write(criu.go, "x", 1);
    close_one(&criu.go);
    if (run->init == criu.pid)
        run->init = 0; /* it is no container's process any more */
    return n == 1 ? 0 : -EPIPE;
}

int pv_do_criu(struct pv_run *run, const struct pv_criu *op) {
    int asks = op->told.slot != PV_SLOT_NONE;
    int rc = criu.pid ? 0 : fork_criu(run);
    int listener = rc == 0 && asks ? pv_listen_at(run, &op->told, 0, 1) : -1;
    if (rc == 0 && asks && listener < 0)
        rc = listener;
    if (rc == 0)
        rc = let_go(run);
    close_one(&criu.go); /* without a word it ends */
    if (rc == 0 && asks) {
        rc = hear_of_namespaces(run, listener);
        close_one(&listener);
        if (rc < 0 && criu.pid) {
            pv_pidfd_send_signal(criu.pidfd, SIGKILL);
            end_of_criu(run);
        }
        return rc;
    }
    close_one(&listener);
    if (criu.pid) {
        int end = end_of_criu(run);
        rc = rc < 0 ? rc : end;
    }
    return rc < 0 || op->pid.slot == PV_SLOT_NONE ? rc : adopt(run, &op->pid);
}

/* Whom it has brought so far goes with CRIU itself, which takes a failed script for a failure. */
static int give_up(struct pv_run *run) {
    if (!criu.pid)
        return 0;
    close_one(&criu.talk);
    struct pollfd end = {criu.pidfd, POLLIN, 0};
    if (poll(&end, 1, PV_CRIU_PATIENCE) == 0)
        pv_pidfd_send_signal(criu.pidfd, SIGKILL);
    end_of_criu(run);
    return 0;
}

int pv_do_criu_rest(struct pv_run *run, const struct pv_criu_rest *op) {
    if (op->gives_up)
        return give_up(run);
    int rc = send(criu.talk, "x", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
    close_one(&criu.talk);
    int end = end_of_criu(run);
    if (rc == 0 || end < 0)
        rc = end;
    return rc < 0 ? rc : adopt(run, &op->pid);
}

/* CRIU's script, for all that it tells of; 0 when that was told, and the executor says go on. */
int pv_criu_script(const char *action, const char *at) {
    const char *pid = getenv("CRTOOLS_INIT_PID");
    char byte;
    if (strcmp(action, "setup-namespaces") != 0)
        return 0;
    int file = open(at, O_PATH | O_CLOEXEC);
    int fd = file < 0 || !pid ? -1 : pv_connect_to(file, SOCK_SEQPACKET);
    return fd >= 0 && send(fd, pid, strlen(pid), MSG_NOSIGNAL) > 0 && recv(fd, &byte, 1, 0) == 1 ? 0 : 1;
}
