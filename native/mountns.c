/* Little worlds for mounts: their making, their processes, and who tells them what to do. */
#define _GNU_SOURCE
#include "mountns.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "calls.h"

#define LONGEST 16384 /* a line */
#define MOST_WORDS 64

/* What a process answers: the errno of its call, and its child's or its own pid. */
struct answer {
    int error, pid;
};

/* The driver's side: a socket to each process, which all are made before the first. */
struct world {
    int proc;
    int sockets[MOUNTNS_PROCESSES], ends[MOUNTNS_PROCESSES];
    int pids[MOUNTNS_PROCESSES]; /* 0: there is none */
};

static int split(char *line, char **words, int most) {
    int count = 0;
    for (char *word = line; word && count < most; count++) {
        words[count] = word;
        word = strchr(word, '\t');
        if (word)
            *word++ = '\0';
    }
    return count;
}

/* ── a process of a world ───────────────────────────────────────────────────────────────────── */

static _Noreturn void serve(struct mountns_process *self, const int *ends, int id) {
    char line[LONGEST], *words[MOST_WORDS];
    for (;;) {
        ssize_t length = recv(ends[id], line, sizeof line - 1, 0);
        if (length <= 0)
            _exit(0);
        line[length] = '\0';
        int count = split(line, words, MOST_WORDS);
        struct answer answer = {0, 0};
        if (strcmp(words[0], "exit") == 0)
            _exit(0);
        if (strcmp(words[0], "fork") == 0 && count == 2) {
            int child = atoi(words[1]);
            answer.pid = fork();
            if (answer.pid == 0) {
                id = child;
                continue;
            }
            answer.error = answer.pid < 0 ? errno : 0;
        } else {
            answer.error = mountns_call(self, count, words);
        }
        if (send(ends[id], &answer, sizeof answer, MSG_NOSIGNAL) < 0)
            _exit(0);
    }
}

/* A detached tmpfs, or a negative errno. */
static int make_tmpfs(void) {
    int fs = pv_fsopen("tmpfs");
    if (fs < 0)
        return fs;
    int rc = pv_fsconfig(fs, PV_FSCONFIG_SET_STRING, "source", "tmpfs");
    if (rc >= 0)
        rc = pv_fsconfig(fs, PV_FSCONFIG_SET_STRING, "mode", "755");
    if (rc >= 0)
        rc = pv_fsconfig(fs, PV_FSCONFIG_CMD_CREATE, NULL, NULL);
    if (rc >= 0)
        rc = pv_fsmount(fs, 0);
    close(fs);
    return rc;
}

/*
 * Enters a mount namespace of a user namespace of its own, root too: so the kernel itself sees to it
 * that no file system of the host can be changed from here. The first tmpfs takes the place of the
 * host's root, and is locked there by the kernel, since it hides what came from the host: it is the
 * bottom of the world. The second lies on top of it, is `/`, and may be unmounted as any other.
 */
static int enter(int proc) {
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return errno;
    int rc = mountns_map_root(proc, uid, gid);
    if (rc != 0)
        return rc;
    /* Private, so that nothing that the host mounts from now on appears. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return errno;
    int bottom = make_tmpfs();
    if (bottom < 0)
        return -bottom;
    rc = pv_move_mount(bottom, "", AT_FDCWD, "/", PV_MOVE_MOUNT_F_EMPTY_PATH);
    if (rc < 0)
        return -rc;
    if (fchdir(bottom) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
        return errno;
    close(bottom);
    int root = make_tmpfs();
    if (root < 0)
        return -root;
    rc = pv_move_mount(root, "", AT_FDCWD, "/", PV_MOVE_MOUNT_F_EMPTY_PATH);
    if (rc < 0)
        return -rc;
    if (fchdir(root) < 0 || chroot(".") < 0)
        return errno;
    close(root);
    return 0;
}

static _Noreturn void live(struct world *world) {
    struct mountns_process self = {.proc = world->proc};
    for (int i = 0; i < MOUNTNS_SLOTS; i++)
        self.slots[i] = -1;
    /* Without the driver's ends: when it goes, so do all processes. */
    for (int i = 1; i < MOUNTNS_PROCESSES; i++)
        close(world->sockets[i]);
    close(0);
    close(1);
    signal(SIGCHLD, SIG_IGN);
    prctl(PR_SET_DUMPABLE, 1);
    umask(022);
    struct answer answer = {enter(world->proc), getpid()};
    if (send(world->ends[1], &answer, sizeof answer, MSG_NOSIGNAL) < 0 || answer.error != 0)
        _exit(0);
    serve(&self, world->ends, 1);
}

/* ── the driver ─────────────────────────────────────────────────────────────────────────────── */

/* Waits until a process is gone, and with it what it had: not only its descriptors. */
static void await_end(int pidfd) {
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    while (poll(&gone, 1, -1) < 0 && errno == EINTR)
        continue;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

static void end_world(struct world *world) {
    int pidfds[MOUNTNS_PROCESSES];
    for (int i = 1; i < MOUNTNS_PROCESSES; i++) {
        pidfds[i] = world->pids[i] > 0 ? pv_pidfd_open(world->pids[i]) : -1;
        if (world->sockets[i] >= 0)
            close(world->sockets[i]);
        if (world->ends[i] >= 0)
            close(world->ends[i]);
        world->sockets[i] = world->ends[i] = -1;
        world->pids[i] = 0;
    }
    for (int i = 1; i < MOUNTNS_PROCESSES; i++) {
        if (pidfds[i] < 0)
            continue;
        await_end(pidfds[i]);
        close(pidfds[i]);
    }
}

static int begin_world(struct world *world) {
    end_world(world);
    for (int i = 1; i < MOUNTNS_PROCESSES; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
            return errno;
        world->sockets[i] = pair[0];
        world->ends[i] = pair[1];
    }
    fflush(stdout);
    int pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        live(world);
    world->pids[1] = pid;
    struct answer answer = {0, 0};
    /* The process alone must have its end, so that its death is seen. */
    close(world->ends[1]);
    world->ends[1] = -1;
    if (recv(world->sockets[1], &answer, sizeof answer, 0) != sizeof answer)
        return ESRCH;
    return answer.error;
}

static void print_table(const struct world *world, int id) {
    char name[64], block[65536];
    snprintf(name, sizeof name, "%d/mountinfo", world->pids[id]);
    int fd = world->pids[id] > 0 ? openat(world->proc, name, O_RDONLY | O_CLOEXEC) : -1;
    for (ssize_t length; fd >= 0 && (length = read(fd, block, sizeof block)) > 0;)
        fwrite(block, 1, (size_t)length, stdout);
    if (fd >= 0)
        close(fd);
    puts(".");
}

/* setns names a process of the world: the process itself knows pids only. */
static int order(struct world *world, int id, int count, char **words) {
    char line[LONGEST];
    int length = 0, target = 0;
    if (id < 1 || id >= MOUNTNS_PROCESSES || world->pids[id] == 0 || count < 1)
        return ESRCH;
    const bool forks = strcmp(words[0], "fork") == 0, joins = strcmp(words[0], "setns") == 0;
    if (forks || joins) {
        target = count > 1 ? atoi(words[1]) : 0;
        if (target < 1 || target >= MOUNTNS_PROCESSES)
            return ESRCH;
        bool there = world->pids[target] > 0;
        if (there != joins)
            return there ? EEXIST : ESRCH;
        /* A number is not given twice: the socket was for one process. */
        if (!there && world->sockets[target] < 0)
            return EEXIST;
    }
    char pid[16];
    snprintf(pid, sizeof pid, "%d", target ? world->pids[target] : 0);
    for (int i = 0; i < count; i++) {
        const char *word = i == 1 && joins ? pid : words[i];
        length += snprintf(line + length, sizeof line - (size_t)length, "%s%s", i ? "\t" : "", word);
        if (length >= (int)sizeof line)
            return E2BIG;
    }
    bool ends = strcmp(words[0], "exit") == 0;
    int pidfd = ends ? pv_pidfd_open(world->pids[id]) : -1;
    if (send(world->sockets[id], line, (size_t)length, MSG_NOSIGNAL) < 0)
        return errno;
    if (ends) {
        if (pidfd >= 0) {
            await_end(pidfd);
            close(pidfd);
        }
        world->pids[id] = 0;
        close(world->sockets[id]);
        world->sockets[id] = -1;
        return 0;
    }
    struct answer answer = {ESRCH, 0};
    if (recv(world->sockets[id], &answer, sizeof answer, 0) != sizeof answer)
        return ESRCH;
    if (answer.error == 0 && forks)
        world->pids[target] = answer.pid;
    return answer.error;
}

int mountns_main(int argc, char **argv) {
    (void)argc, (void)argv;
    static struct world world;
    static char *words[MOST_WORDS];
    for (int i = 0; i < MOUNTNS_PROCESSES; i++)
        world.sockets[i] = world.ends[i] = -1;
    world.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (world.proc < 0) {
        fprintf(stderr, "mountns: cannot open /proc: %s\n", strerror(errno));
        return 125;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    char *line = NULL;
    size_t size = 0;
    int error = 0;
    for (ssize_t length; (length = getline(&line, &size, stdin)) > 0;) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        int count = split(line, words, MOST_WORDS);
        if (strcmp(words[0], "begin") == 0) {
            int rc = begin_world(&world);
            if (rc != 0) {
                fprintf(stderr, "mountns: cannot make a mount namespace: %s\n", strerror(rc));
                end_world(&world);
                free(line);
                return 125;
            }
        } else if (strcmp(words[0], "table") == 0) {
            int id = count > 1 ? atoi(words[1]) : 0;
            print_table(&world, id > 0 && id < MOUNTNS_PROCESSES ? id : 0);
        } else {
            const bool needed = words[0][0] == '&';
            const bool skipped = needed && error != 0;
            if (!skipped)
                error = order(&world, atoi(words[0] + needed), count - 1, words + 1);
            printf("%d\n", skipped ? -1 : error);
        }
    }
    free(line);
    end_world(&world);
    return 0;
}
