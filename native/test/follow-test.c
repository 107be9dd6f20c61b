/*
 * The executor that follows its program: whatever comes through the pipe, in whatever pieces, and
 * however the program ends. How a hand-over is read is tested with the plans it holds: plan-test.c.
 */
#include "check.h"

#include <sys/prctl.h>

#include "../follow.c"

static uint8_t decoded[1 << 20];
static size_t decoded_size;

/* As plan.c has it: it fails for what begins with a `!`. */
int pv_plan_decode(void *bytes, size_t size, struct pv_plan *plan) {
    (void)plan;
    decoded_size = size;
    memcpy(decoded, bytes, size < sizeof decoded ? size : sizeof decoded);
    return size > 0 && decoded[0] == '!' ? -EPROTO : 0;
}

/* As files.c has it. */
int pv_write_whole(int fd, const void *bytes, size_t size) {
    for (size_t sent = 0; sent < size;) {
        ssize_t n = write(fd, (const char *)bytes + sent, size - sent);
        if (n < 0)
            return -errno;
        sent += (size_t)n;
    }
    return 0;
}

static void put_number(int fd, uint32_t value) {
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24)};
    CHECK(write(fd, bytes, sizeof bytes) == sizeof bytes);
}

/* A run that follows a child, which is given the pipe's other end. */
static struct pv_run *begin(void (*program)(int pipe), int *pipe_end) {
    struct pv_run *run = fresh_run();
    int ends[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    memset(run->reporter, 0, sizeof run->reporter);
    run->asked_to_stop = 0;
    run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    run->program = fork();
    if (run->program == 0) {
        close(ends[0]);
        signal(SIGTERM, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        program(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    *pipe_end = ends[0];
    return run;
}

static int follow(void (*program)(int pipe)) {
    int end;
    struct pv_run *run = begin(program, &end);
    int rc = pv_follow(run, end, run->program);
    pv_end_program(run);
    close(run->signals);
    static void *handed[16]; /* an executor takes one plan, and never gives it back */
    static size_t count;
    if (rc == 0)
        handed[count++] = run->handed;
    CHECK(count < 16 && handed[0]);
    return rc;
}

static void hands_over(int fd) {
    put_number(fd, 4 + 4 + 5 + 4 + 3 + 4);
    put_number(fd, 2);
    put_number(fd, 4);
    CHECK(write(fd, "tell", 5) == 5);
    put_number(fd, 2);
    CHECK(write(fd, "no", 3) == 3);
    CHECK(write(fd, "plan", 4) == 4);
    pause(); /* it is ended */
}

static void hands_over_in_drops(int fd) {
    int ends[2];
    uint8_t byte;
    CHECK(pipe(ends) == 0);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* the program is ended, and so is this */
        close(ends[0]);
        hands_over(ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1) {
        CHECK(write(fd, &byte, 1) == 1);
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
}

static void ends_in_the_number(int fd) {
    CHECK(write(fd, "\1\0", 2) == 2);
}

static void ends_in_the_middle(int fd) {
    put_number(fd, 100);
    put_number(fd, 2);
}

static void says_too_much(int fd) {
    put_number(fd, 0xffffffff);
    pause();
}

static void says_nothing_in_it(int fd) {
    put_number(fd, 0);
}

static void hands_over_no_plan(int fd) {
    put_number(fd, 5);
    put_number(fd, 0);
    CHECK(write(fd, "!", 1) == 1);
}

/* A whole hand-over while it is asked to stop: the program has said all it has to say. */
static void hands_over_late(int fd) {
    signal(SIGTERM, SIG_IGN);
    CHECK(write(fd, "\30", 1) == 1);
    kill(getppid(), SIGTERM);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    CHECK(write(fd, "\0\0\0", 3) == 3);
    put_number(fd, 2);
    put_number(fd, 4);
    CHECK(write(fd, "tell", 5) == 5);
    put_number(fd, 2);
    CHECK(write(fd, "no", 3) == 3);
    CHECK(write(fd, "plan", 4) == 4);
}

static void test_hand_over(void) {
    for (int i = 0; i < 2; i++) {
        decoded_size = 0;
        CHECK(follow(i ? hands_over_in_drops : hands_over) == 0);
        CHECK(strcmp(check_run.reporter[1], "tell") == 0 && strcmp(check_run.reporter[2], "no") == 0);
        CHECK(decoded_size == 4 && memcmp(decoded, "plan", 4) == 0);
        CHECK(check_run.asked_to_stop == 0 && check_run.program == 0);
    }
    CHECK(follow(ends_in_the_number) == -EPIPE);
    CHECK(follow(ends_in_the_middle) == -EPIPE);
    CHECK(follow(says_too_much) == -EPROTO);
    CHECK(follow(says_nothing_in_it) == -EPROTO);
    CHECK(follow(hands_over_no_plan) == -EPROTO);
    CHECK(follow(hands_over_late) == 0);
    CHECK(check_run.asked_to_stop == SIGTERM, "and is told to the walk");
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 || errno == ECHILD);
}

static void exits_3(int fd) {
    (void)fd;
    _exit(3);
}

static void crashes(int fd) {
    (void)fd;
    kill(getpid(), SIGUSR2);
    pause();
}

static void waits_for_a_signal(int fd) {
    close(fd); /* without a plan, and it goes on */
    pause();
}

/* The executor of a program that hands nothing over never comes back: so in a child. */
static int end_of(void (*program)(int pipe), int number) {
    int status = -1;
    pid_t executor = fork();
    if (executor == 0) {
        int end;
        struct pv_run *run = begin(program, &end);
        pv_follow(run, end, run->program);
        _exit(99);
    }
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    if (number)
        kill(executor, number);
    waitpid(executor, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void test_no_plan(void) {
    CHECK(end_of(exits_3, 0) == 3);
    CHECK(end_of(crashes, 0) == 1000 + SIGUSR2, "in the same way");
    CHECK(end_of(waits_for_a_signal, SIGTERM) == 1000 + SIGTERM, "which it was passed");
}

static void test_report(void) {
    struct pv_run *run = fresh_run();
    uint8_t head[4], rest[2 * sizeof(struct pv_event)];
    run->kept = 1;
    run->events[0] = (struct pv_event){.kind = PV_EVENT_FAILED, .step = 7};
    run->handed = (uint8_t *)(uintptr_t)"the plan";
    run->handed_size = 8;
    for (int busy = 0; busy < 2; busy++) {
        if (busy)
            CHECK(dup2(STDERR_FILENO, PV_REPORT_FD) == PV_REPORT_FD);
        CHECK(pv_write_report(run) == 0);
        CHECK(fcntl(PV_REPORT_FD, F_GETFD) == 0, "it survives an execve");
        CHECK(read(PV_REPORT_FD, head, 4) == 4 && number_at(head) == sizeof(struct pv_event));
        CHECK(read(PV_REPORT_FD, rest, sizeof rest) == sizeof(struct pv_event) + 8);
        CHECK(memcmp(rest, run->events, sizeof(struct pv_event)) == 0);
        close(PV_REPORT_FD);
    }
}

int main(void) {
    test_hand_over();
    test_no_plan();
    test_report();
    return check_result();
}
