/*
 * pasta: a program without rights that carries what a container sends to sockets of this machine, and
 * back. It goes into the background by itself when the container's interface is there, so a keeper
 * stands between it and us:
 *
 *      executor            keeper, process 1 of a PID namespace      pasta
 *         | clone3 ---------->| mounts the network namespace
 *         |                   | fork, execve ---------------------->| makes the interface
 *         |                   |             <------------- exit 0   | and goes on as its own child
 *         |<----------- 1     | ready  
 *         |                   | waits, and ends with pasta
 *
 * The keeper ends with the executor, and whatever it has started with the keeper. pasta, which gives
 * its rights up first of all, cannot open the namespace of a process by /proc: so that is mounted on a
 * file, in the keeper's mount namespace.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "calls.h"
#include "companion.h"
#include "executor.h"

#define PV_READY "\001" /* no word of pasta's */

static void __attribute__((noreturn)) fail(int words, const char *what, int error) {
    dprintf(words, "%s: %s\n", what, strerror(error));
    _exit(126);
}

/* By descriptors: /proc is that of another PID namespace. */
static void mount_namespace(struct pv_run *run, const struct pv_place *at, int network, int words) {
    /* Nothing of ours is seen outside; but what the machine unmounts goes here too, or it would stay busy. */
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        fail(words, "mount: slave", errno);
    int tree = pv_open_tree(network, "", AT_EMPTY_PATH | PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC);
    if (tree < 0)
        fail(words, "open_tree: its network namespace", -tree);
    int file = pv_place_open(run, at, O_PATH | O_NOFOLLOW, 0);
    if (file < 0)
        fail(words, at->path, -file);
    int rc = pv_move_mount(tree, "", file, "", PV_MOVE_MOUNT_EMPTY_PATHS);
    if (rc < 0)
        fail(words, "move_mount: its network namespace", -rc);
}

/*
 * Nobody else can have an address on this link: a second in which the kernel makes sure of that would
 * be one in which IPv6 does not work yet. Where there is no IPv6 there is no such setting.
 */
static void trust_addresses(int network, int words) {
    int status = 0;
    pid_t pid = fork(); /* there is no way back from there for who is root of a user namespace alone */
    if (pid == 0) {
        if (setns(network, CLONE_NEWNET) < 0)
            fail(words, "setns", errno);
        int setting = open("/proc/sys/net/ipv6/conf/default/accept_dad", O_WRONLY | O_CLOEXEC);
        if (setting >= 0 && write(setting, "0", 1) != 1)
            fail(words, "net.ipv6.conf.default.accept_dad", errno);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0 || status != 0)
        _exit(126);
}

/* Says by one character that it is ready, and ends with pasta. */
static void __attribute__((noreturn)) keep(const struct pv_tool *tool, int words) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t first = null < 0 ? -1 : fork();
    if (first < 0)
        fail(words, "fork", errno);
    if (first == 0)
        pv_execute_tool(tool, null, words);
    pv_close_but(0, (int)words, ~0);
    for (int status;;) {
        pid_t pid = wait(&status);
        if (pid < 0 && errno == EINTR)
            continue;
        int is_ready = pid == first && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (is_ready && write(words, PV_READY, 1) == 1)
            continue;
        if (pid == first)
            _exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 126);
        _exit(0);
    }
}

static int clone_keeper(void) {
    struct clone_args args = {.flags = CLONE_NEWPID | CLONE_NEWNS, .exit_signal = SIGCHLD};
    return pv_result(syscall(SYS_clone3, &args, sizeof args));
}

static void __attribute__((noreturn)) become_keeper(struct pv_run *run, const struct pv_pasta *op,
                                                    int network, const int pipe[2]) {
    int words = pipe[1];
    pv_standard_signals();
    close(pipe[0]);
    pv_end_with(0);
    /* From outside of our PID namespace every parent is 0: it is still there when it can hear us. */
    if (poll(&(struct pollfd){words, 0, 0}, 1, 0) != 0)
        _exit(126);
    setsid(); /* a key of the terminal is not meant for it */
    trust_addresses(network, words);
    mount_namespace(run, &op->at, network, words);
    struct pv_tool tool = {
        .program = op->program, .argv = &op->argv, .env = &op->env, .last = op->at.path};
    keep(&tool, words);
}

static const char farewell[] = "pivot: pasta has ended: the container reaches nobody any more\n";

int pv_do_pasta(struct pv_run *run, const struct pv_pasta *op) {
    struct pv_words words = {.length = 0};
    int pipe[2], status = 0, network = pv_container_network(run);
    if (network < 0)
        return network;
    if (pipe2(pipe, O_CLOEXEC) < 0)
        return -errno;
    int keeper = clone_keeper();
    if (keeper == 0)
        become_keeper(run, op, network, pipe);
    close(pipe[1]);
    int pidfd = keeper < 0 ? keeper : pv_pidfd_open(keeper);
    int rc = pidfd < 0 ? pidfd
                       : pv_wait_for_words(run, &words, pidfd, &pipe[0], pv_heard_signals(run),
                                           PV_READY[0], op->timeout);
    if (pidfd >= 0)
        close(pidfd);
    if (rc == 1 && (rc = pv_add_companion(keeper, pipe[0], farewell)) == 0)
        return 0;
    if (keeper > 0)
        kill(keeper, SIGKILL);
    while (keeper > 0 && waitpid(keeper, &status, 0) < 0 && errno == EINTR)
        ;
    if (pipe[0] >= 0)
        close(pipe[0]);
    if (rc < 0)
        return rc;
    return pv_say(run, -ECANCELED, "pasta ended with %d: %.180s", WEXITSTATUS(status),
                  pv_last_word(&words));
}
