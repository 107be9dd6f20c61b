/*
 * The clock of the benchmark: runs the command it is told to, reports what it cost.
 *
 *   stopwatch FILE      FILE holds argument vectors; each argument ends with a NUL,
 *                       each vector with an empty argument
 *   stdin:   the indexes of vectors to run one after the other, separated by spaces, a line.
 *            What a command leaves running is waited for before the next one starts. With a
 *            letter behind an index, it is not:
 *              -   left to the next command: `create` leaves a container to `start`
 *              &   the command itself is not waited for either, up to the end of the line
 *   stdout:  one line of JSON per run, in the order in which they ended
 *     index      of the vector
 *     startNs    when it began, on a clock that only tells differences
 *     wallNs     from before posix_spawn to the exit of the command
 *     settledNs  to the exit of the last process that the command left behind
 *     userUs, sysUs, maxRssKb   of the whole tree; the last is that of its largest process
 *     status     exit status, or 128 + signal
 *
 * It is C, and small, for two reasons. The spawning is a vfork from a process of a few
 * pages, so the figures hold the command and not its parent. And Linux carries the
 * spawner's resident size over into the child's ru_maxrss at exec: a large parent would
 * hide every smaller child.
 *
 * As a child subreaper it inherits what a command leaves running (conmon and its clean-up
 * process, for one), waits for it, and so keeps it out of the next command's time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* A command that leaves a process for good must not stop the benchmark. */
enum { SETTLE_SECONDS = 30 };

struct totals {
    long long user_us, sys_us;
    long max_rss_kb;
};

static _Noreturn void die(const char *doing, const char *object)
{
    fprintf(stderr, "stopwatch: %s %s: %s\n", doing, object, strerror(errno));
    exit(125);
}

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long microseconds(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

static void add(struct totals *totals, const struct rusage *usage)
{
    totals->user_us += microseconds(usage->ru_utime);
    totals->sys_us += microseconds(usage->ru_stime);
    if (usage->ru_maxrss > totals->max_rss_kb)
        totals->max_rss_kb = usage->ru_maxrss;
}

/* The file as a list of argument vectors, with the number of them in *count. */
static char ***read_vectors(const char *path, size_t *count)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        die("open", path);
    const size_t size = (size_t)status.st_size;
    /* No more vectors and arguments than bytes, since each takes at least one. */
    char *text = malloc(size + 1);
    char **arguments = calloc(size + 1, sizeof *arguments);
    char ***vectors = calloc(size + 1, sizeof *vectors);
    if (!text || !arguments || !vectors)
        die("hold", path);
    if (read(fd, text, size) != status.st_size)
        die("read", path);
    text[size] = '\0';
    close(fd);

    *count = 0;
    bool inside = false;
    for (char *at = text; at < text + size; at += strlen(at) + 1, arguments++) {
        if (*at && !inside)
            vectors[(*count)++] = arguments;
        inside = *at;
        *arguments = inside ? at : NULL;
    }
    return vectors;
}

static pid_t spawn(char **argv)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    if (errno)
        die("spawn", argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* A command that runs. */
struct running {
    pid_t pid; /* 0 when it has ended */
    size_t index;
    long long start;
};

static void report(const struct running *command, long long ended, long long settled,
                   const struct totals *totals, int status)
{
    printf("{\"index\":%zu,\"startNs\":%lld,\"wallNs\":%lld,\"settledNs\":%lld,\"userUs\":%lld,"
           "\"sysUs\":%lld,\"maxRssKb\":%ld,\"status\":%d}\n",
           command->index, command->start, ended - command->start, settled - command->start,
           totals->user_us, totals->sys_us, totals->max_rss_kb,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fflush(stdout);
}

/* Waits for what was left running; or, where it may stay, only takes what has ended already. */
static void settle(struct totals *totals, bool stays)
{
    struct rusage usage;
    pid_t pid;

    alarm(stays ? 0 : SETTLE_SECONDS);
    while ((pid = wait4(-1, NULL, stays ? WNOHANG : 0, &usage)) > 0)
        add(totals, &usage);
    if (pid < 0 && errno != ECHILD)
        die("wait for", "what a command left running");
    alarm(0);
}

static void run(size_t index, char **argv, bool stays)
{
    struct totals totals = {0};
    struct rusage usage;
    int status;

    struct running command = {.index = index, .start = now_ns()};
    command.pid = spawn(argv);
    if (wait4(command.pid, &status, 0, &usage) < 0)
        die("wait for", argv[0]);
    const long long ended = now_ns();
    add(&totals, &usage);
    /* A command that failed may have left a container that waits for a start that never comes. */
    settle(&totals, stays || status != 0);
    report(&command, ended, now_ns(), &totals, status);
}

enum { MOST_AT_ONCE = 256 };

/* Commands that run at the same time; what they leave running stays. */
struct crowd {
    struct running commands[MOST_AT_ONCE];
    size_t count;
};

static void join_crowd(struct crowd *crowd, size_t index, char **argv)
{
    if (crowd->count == MOST_AT_ONCE) {
        fprintf(stderr, "stopwatch: more than %d commands at once\n", MOST_AT_ONCE);
        exit(125);
    }
    struct running *command = &crowd->commands[crowd->count++];
    command->index = index;
    command->start = now_ns();
    command->pid = spawn(argv);
}

static void await_crowd(struct crowd *crowd)
{
    for (size_t left = crowd->count; left > 0;) {
        struct totals totals = {0};
        struct rusage usage;
        int status;
        const pid_t pid = wait4(-1, &status, 0, &usage);
        const long long ended = now_ns();
        if (pid < 0)
            die("wait for", "commands that run at once");
        add(&totals, &usage);
        for (size_t i = 0; i < crowd->count; i++) {
            if (crowd->commands[i].pid != pid)
                continue;
            report(&crowd->commands[i], ended, ended, &totals, status);
            crowd->commands[i].pid = 0;
            left--;
        }
    }
    crowd->count = 0;
}

/* One line of stdin; false when it is not as described above. */
static bool run_line(char *line, char ***vectors, size_t count)
{
    static struct crowd crowd;
    for (char *at = line; *at != '\n' && *at != '\0';) {
        char *end;
        const unsigned long index = strtoul(at, &end, 10);
        if (end == at || index >= count)
            return false;
        const char how = *end;
        if (how == '&')
            join_crowd(&crowd, index, vectors[index]);
        else
            run(index, vectors[index], how == '-');
        at = end + (how == '&' || how == '-');
        at += *at == ' ';
    }
    await_crowd(&crowd);
    return true;
}

static void interrupt_wait(int signal_number)
{
    (void)signal_number;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: stopwatch FILE <INDEXES\n", stderr);
        return 125;
    }
    /* Without SA_RESTART, so that the alarm ends a wait. */
    const struct sigaction alarmed = {.sa_handler = interrupt_wait};
    sigaction(SIGALRM, &alarmed, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        die("become", "a child subreaper");

    size_t count;
    char ***vectors = read_vectors(argv[1], &count);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        if (!run_line(line, vectors, count)) {
            fprintf(stderr, "stopwatch: not a list of vectors from 0 to %zu: %s", count - 1, line);
            return 125;
        }
    }
    free(line);
    return 0;
}
