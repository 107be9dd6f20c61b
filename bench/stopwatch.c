/*
 * The clock of the benchmark: runs the command it is told to, reports what it cost.
 *
 *   stopwatch FILE      FILE holds argument vectors; each argument ends with a NUL,
 *                       each vector with an empty argument
 *   stdin:   the index of a vector, one a line
 *   stdout:  one line of JSON per run, in the same order
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

static void run(char **argv)
{
    struct totals totals = {0};
    struct rusage usage;
    int status;

    const long long start = now_ns();
    const pid_t pid = spawn(argv);
    if (wait4(pid, &status, 0, &usage) < 0)
        die("wait for", argv[0]);
    const long long ended = now_ns();
    add(&totals, &usage);

    alarm(SETTLE_SECONDS);
    while (wait4(-1, NULL, 0, &usage) > 0)
        add(&totals, &usage);
    if (errno != ECHILD)
        die("wait for what was left running by", argv[0]);
    alarm(0);

    printf("{\"wallNs\":%lld,\"settledNs\":%lld,\"userUs\":%lld,\"sysUs\":%lld,"
           "\"maxRssKb\":%ld,\"status\":%d}\n",
           ended - start, now_ns() - start, totals.user_us, totals.sys_us, totals.max_rss_kb,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fflush(stdout);
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
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        char *end;
        const unsigned long index = strtoul(line, &end, 10);
        if (end == line || *end != '\n' || index >= count) {
            fprintf(stderr, "stopwatch: no vector %.*s, there are %zu\n",
                    (int)strcspn(line, "\n"), line, count);
            return 125;
        }
        run(vectors[index]);
    }
    return 0;
}
