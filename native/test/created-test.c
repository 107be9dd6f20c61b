/*
 * A container that is made by one process and started by another: whoever is ended in between, in
 * whatever moment, nobody waits for ever, and nothing seems to run that does not.
 */
#define CHECK_HAS_END_WITH_EXECUTOR
#include "check.h"

#include <sys/socket.h>

/* Whether it was connected when the file went: the order is the point. */
static int connections, connected_at_unlink;
static int listener_of_test = -1;

static int watched_connect(int fd, const struct sockaddr *address, socklen_t length);
static int watched_unlinkat(int directory, const char *name, int flags);
#define connect watched_connect
#define unlinkat watched_unlinkat
#include "../created.c"
#undef connect
#undef unlinkat
#include "../place.c"
#include "../sync.c"

#include <poll.h>

static int watched_connect(int fd, const struct sockaddr *address, socklen_t length) {
    int rc = connect(fd, address, length);
    connections += rc == 0;
    return rc;
}

static int watched_unlinkat(int directory, const char *name, int flags) {
    connected_at_unlink = connections > 0;
    return unlinkat(directory, name, flags);
}

static int stop_asked, answered_maps, listener_number = -1;

/* As run.c, notify.c and others.c have it. */
int pv_was_asked_to_stop(struct pv_run *run, int timeout) {
    struct pollfd fds = {run->sync, POLLIN, 0};
    if (stop_asked)
        return pv_say(run, -EINTR, "stopped");
    return poll(&fds, 1, timeout) < 0 ? -errno : 0;
}
int pv_map_answered(struct pv_run *run, int fd) {
    (void)run, (void)fd;
    answered_maps++;
    return 0;
}
int pv_hand_over_listener(struct pv_run *run, int process, int number) {
    (void)run, (void)process;
    listener_number = number;
    return 0;
}
static pid_t first_process;
int pv_hold_process(struct pv_run *run, const struct pv_place *of, pid_t *pid) {
    (void)run, (void)of;
    *pid = first_process;
    return first_process > 0 ? pv_pidfd_open(first_process) : -ESRCH;
}

static struct pv_run *run_here(enum pv_actor actor) {
    struct pv_run *run = fresh_run();
    run->actor = actor;
    run->sync = run->listener = run->terminal = run->answered_fd = -1;
    return run;
}

static const struct pv_place socket_place = {PV_SLOT_HOST, "start"};

/* Init: waits for its start, and goes on as told. Its exit status: 0, or the errno. */
static pid_t begin_init(void (*then)(struct pv_run *run)) {
    struct pv_run *run = run_here(PV_BY_PARENT);
    unlink("start");
    CHECK(pv_do_listen(run, &(struct pv_listen){socket_place, 3}) == 0, "%s", run->text);
    listener_of_test = run->listener;
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        close(pair[0]);
        run->actor = PV_BY_INIT;
        run->sync = pair[1];
        int rc = pv_do_wait_start(run, &(struct pv_wait_start){3});
        if (rc == 0 && then)
            then(run);
        _exit(-rc);
    }
    close(pair[1]);
    struct pv_message message;
    CHECK(read(pair[0], &message, sizeof message) == sizeof message && message.kind == PV_LEAPS);
    CHECK(read(pair[0], &message, sizeof message) == 0, "it hears nobody but the socket");
    close(pair[0]);
    return pid;
}

static int status_of(pid_t pid) {
    int status = -1;
    alarm(20);
    CHECK(waitpid(pid, &status, 0) == pid);
    alarm(0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int start_it(pid_t init) {
    struct pv_run *run = run_here(PV_BY_PARENT);
    first_process = init;
    return pv_do_start(run, &(struct pv_start){socket_place, {PV_SLOT_HOST, "pid"}});
}

static void says_and_leaps(struct pv_run *run) {
    pv_send(run, PV_LEAPS, 7, 0, -1);
    close(run->sync);
}

static void test_start(void) {
    pid_t init = begin_init(says_and_leaps);
    connections = connected_at_unlink = 0;
    CHECK(start_it(init) == 0, "%s", check_run.text);
    CHECK(connected_at_unlink, "init hears of our end from the moment on that nobody else can start");
    CHECK(status_of(init) == 0);
    CHECK(access("start", F_OK) < 0);
    CHECK(start_it(init) == -ENOENT, "nobody starts twice");
    close(listener_of_test);
}

/* Whoever connects and ends without a word. */
static void test_starter_that_ends(void) {
    for (int part = 0; part < 3; part++) {
        pid_t init = begin_init(says_and_leaps);
        pid_t starter = fork();
        if (starter == 0) {
            struct pv_run *run = run_here(PV_BY_PARENT);
            if (part == 0) { /* connected */
                int file = open("start", O_PATH | O_CLOEXEC);
                _exit(pv_connect_to(file, SOCK_SEQPACKET) < 0);
            }
            int fd = claim(run, &socket_place); /* and nobody else can start any more */
            _exit(part == 1 ? fd < 0 : send(fd, "short", 5, 0) != 5);
        }
        close(listener_of_test);
        CHECK(status_of(starter) == 0);
        int status = status_of(init);
        CHECK(status != 0 && status < 1000, "part %d: init ends by itself: %d", part, status);
    }
}

static void fails(struct pv_run *run) {
    snprintf(run->text, sizeof run->text, "the word of init");
    pv_send(run, PV_FAILED, 5, ENOEXEC, -1);
}

static void ends(struct pv_run *run) {
    (void)run;
}

static void listens(struct pv_run *run) {
    struct pv_message message = {.kind = PV_LISTENS, .size = 42};
    pv_send_bytes(run->sync, &message, sizeof message, -1);
    says_and_leaps(run);
}

static void hangs(struct pv_run *run) {
    (void)run;
    pause();
}

static void test_last_steps(void) {
    pid_t init = begin_init(fails);
    close(listener_of_test);
    CHECK(start_it(init) == -ENOEXEC && strcmp(check_run.text, "the word of init") == 0);
    status_of(init);

    init = begin_init(ends);
    close(listener_of_test);
    CHECK(start_it(init) == -ECHILD, "it has ended without a word");
    status_of(init);

    init = begin_init(listens);
    close(listener_of_test);
    CHECK(start_it(init) == 0 && listener_number == 42);
    status_of(init);

    init = begin_init(hangs);
    close(listener_of_test);
    stop_asked = 1;
    CHECK(start_it(init) == -EINTR);
    CHECK(status_of(init) == 1000 + SIGKILL, "what was begun and cannot be begun again is ended");
    stop_asked = 0;
}

static void test_nobody_there(void) {
    struct pv_run *run = run_here(PV_BY_PARENT);
    unlink("start");
    CHECK(pv_do_listen(run, &(struct pv_listen){socket_place, 3}) == 0);
    int listener = run->listener;
    CHECK(pv_do_listen(run_here(PV_BY_PARENT), &(struct pv_listen){socket_place, 3}) == -EADDRINUSE);
    close(listener);
    listener_of_test = -1;
    CHECK(start_it(getpid()) == -ECHILD && strstr(check_run.text, "nobody waits"));
    CHECK(access("start", F_OK) < 0, "what nobody listens at goes");
    put_file("start", "x", 1);
    CHECK(start_it(getpid()) == -ECHILD, "a file is no socket");
    CHECK(symlink("elsewhere", "start") == 0);
    CHECK(start_it(getpid()) < 0, "no link is followed");
    unlink("start");
}

/* With the word comes, when an agent is asked, where it is said that it has the filter. */
static void test_answered(void) {
    pid_t init = begin_init(says_and_leaps);
    close(listener_of_test);
    int file = open("start", O_PATH | O_CLOEXEC);
    int fd = pv_connect_to(file, SOCK_SEQPACKET);
    struct pv_message message = {.kind = PV_TURN};
    CHECK(fd >= 0 && pv_send_bytes(fd, &message, sizeof message, file) == 0);
    CHECK(status_of(init) == 0);
    close(fd);
    close(file);

    init = begin_init(says_and_leaps);
    close(listener_of_test);
    file = open("start", O_PATH | O_CLOEXEC);
    fd = pv_connect_to(file, SOCK_SEQPACKET);
    message.kind = PV_FAILED;
    CHECK(fd >= 0 && pv_send_bytes(fd, &message, sizeof message, -1) == 0);
    CHECK(status_of(init) == EPROTO, "no other word starts it");
    close(fd);
    close(file);
}

static void test_terminal(void) {
    struct pv_run *run = run_here(PV_BY_PARENT);
    const struct pv_send_terminal op = {{PV_SLOT_HOST, "console"}};
    CHECK(pv_do_send_terminal(run, &op) == -EBADF);
    run->terminal = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK(pv_do_send_terminal(run, &op) == -ENOENT);
    put_file("console", "", 0);
    CHECK(pv_do_send_terminal(run, &op) == -ECONNREFUSED, "a file is no socket");
    close(run->terminal);
    unlink("console");
}

static void test_words_without_a_container(void) {
    struct pv_run *run = run_here(PV_BY_PARENT);
    run->init = 0;
    CHECK(pv_do_leave(run) == -ECHILD);
    run->init = 5;
    CHECK(pv_do_leave(run) == 0 && run->init == 0);
}

int main(void) {
    enter_scratch();
    test_start();
    test_starter_that_ends();
    test_last_steps();
    test_nobody_there();
    test_answered();
    test_terminal();
    test_words_without_a_container();
    return check_result();
}
