/*
 * Saving a container to files and bringing it back: CRIU does it, as our child.
 *
 *   executor                    criu                         the container
 *     | fork ------------------> joins cgroups, mounts
 *     |                          restores ------------------> is born as the executor's child
 *     | waits <----------------- tells its pid, ends             runs
 *     | takes hold of it
 *
 * What it mounts is in a mount namespace that ends with it. Its words go to a file in memory: they
 * are few, since what goes wrong is in its log.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"

/* Where CRIU finds what is handed down to it; src/oci/checkpoint.ts has the same numbers. */
#define PV_CRIU_STREAMS 10
#define PV_CRIU_FDS 5 /* three streams, a network namespace, a pid namespace */
#define PV_OUT_OF_THE_WAY 100

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

int pv_do_criu(struct pv_run *run, const struct pv_criu *op) {
    char line[PV_TEXT / 2];
    int status = 0;
    int words = pv_result(memfd_create("pivot-criu", MFD_CLOEXEC));
    if (words < 0)
        return words;
    pid_t pid = fork();
    if (pid == 0)
        become_criu(run, op, words);
    int rc = pid < 0 ? -errno : 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    last_line(words, line, sizeof line);
    close(words);
    const char *colon = line[0] ? ": " : "";
    if (rc < 0)
        return rc;
    if (WIFSIGNALED(status))
        return pv_say(run, -ECANCELED, "it was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return pv_say(run, -ECANCELED, "CRIU ended with %d%s%s", WEXITSTATUS(status), colon, line);
    return op->pid.slot == PV_SLOT_NONE ? 0 : adopt(run, &op->pid);
}
