/*
 * A filter that asks an agent, of which the parent ends before it has handed the filter over: init may
 * make no call by then, and must not wait for ever either.
 */
#include "check.h"

#include "../notify.c"
#include "../sync.c"

#include <linux/audit.h>
#include <signal.h>
#include <sys/prctl.h>

/* Asks about getppid, which nobody makes here. */
static struct sock_filter instructions[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const struct sock_fprog program = {4, instructions};

static int agent;

static void listen_as_agent(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "agent"};
    agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(agent, (struct sockaddr *)&address, sizeof address) == 0 && listen(agent, 8) == 0);
}

static struct pv_run *asking(void) {
    static char *pieces[] = {(char *)"{\"pid\":", (char *)"}", NULL};
    struct pv_run *run = fresh_run();
    run->agent = run->answered_fd = run->listens = -1;
    run->answered = NULL;
    const struct pv_seccomp_agent op = {.path = "agent", .state = {2, pieces}};
    static struct pv_seccomp_agent kept;
    kept = op;
    CHECK(pv_do_seccomp_agent(run, &kept) == 0, "%s", run->text);
    return run;
}

static pid_t begin_init(struct pv_run *run, int *sync) {
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGILL, SIG_DFL); /* the sanitizer's */
        signal(SIGTRAP, SIG_DFL);
        close(pair[0]);
        run->sync = pair[1];
        int rc = pv_seccomp_and_listen(run, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        _exit(rc < 0 ? 1 : 0);
    }
    close(pair[1]);
    *sync = pair[0];
    return pid;
}

/* 0, an exit status, or 1000 and the signal; -1 when it has not ended after a while. */
static int end_of(pid_t pid) {
    int status;
    for (int i = 0; i < 500; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -1;
}

static void test_answered(void) {
    struct pv_run *run = asking();
    int sync;
    CHECK(*run->answered == (unsigned)getpid());
    pid_t init = begin_init(run, &sync);
    run->sync = sync;
    run->init = init;
    struct pv_message message;
    CHECK(pv_receive(run, &message) == 0 && message.kind == PV_LISTENS);
    CHECK(pv_hand_over_listener(run, run->listens, (int)message.size) == 0, "%s", run->text);
    CHECK(end_of(init) == 0);
    close(sync);
}

/* In every way in which a process may end: init is a grandchild, adopted by us. */
static void test_parent_that_ends(void) {
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (int how = 0; how < 3; how++) {
        int report[2];
        CHECK(pipe(report) == 0);
        pid_t parent = fork();
        if (parent == 0) {
            struct pv_run *run = asking();
            struct pv_message message;
            int sync;
            pid_t init = begin_init(run, &sync);
            run->sync = sync;
            pv_receive(run, &message);
            nanosleep(&(struct timespec){0, 20000000}, NULL); /* it looks at the word by now */
            if (write(report[1], &init, sizeof init) != sizeof init)
                _exit(1);
            if (how == 0)
                kill(getpid(), SIGKILL);
            if (how == 1)
                execl("/bin/true", "true", (char *)NULL);
            _exit(0);
        }
        pid_t init = -1;
        CHECK(read(report[0], &init, sizeof init) == sizeof init);
        waitpid(parent, NULL, 0);
        int end = end_of(init);
        CHECK(end == 1000 + SIGILL || end == 1000 + SIGTRAP, "way %d: %d", how, end);
        close(report[0]);
        close(report[1]);
    }
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    enter_scratch();
    listen_as_agent();
    test_answered();
    test_parent_that_ends();
    return check_result();
}
