/*
 * `pivot-oci start`, `kill`, `delete` and `state` without a JavaScript runtime: what they do was planned
 * together with the container, and lies in its state directory. Whatever is out of the ordinary, a
 * wrong word, a container in another state, is left to the program, which knows how to tell of it.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "calls.h"
#include "executor.h"
#include "launch.h"

struct call {
    const char *root, *log, *format, *command, *id, *plan;
    int force;
    uint32_t signal; /* of `kill` */
};

/* A plan with a parameter is a handful of steps. */
#define PV_MOST_WITH_PARAMETER (1 << 16)

/* The value of `--NAME VALUE` or `--NAME=VALUE` at `*argv`, which then stands on its last word. */
static const char *value_of(const char *name, char ***argv) {
    const char *word = **argv;
    size_t length = strlen(name);
    if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, length) != 0)
        return NULL;
    if (word[2 + length] == '=')
        return word + 3 + length;
    if (word[2 + length] != '\0' || !(*argv)[1])
        return NULL;
    return *++*argv;
}

/* As the program has it: isContainerId of src/oci/record.ts. */
static int is_id(const char *id) {
    size_t length = strlen(id);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
    return length > 0 && length <= 255 && strspn(id, letters) == length && strcmp(id, ".") != 0 &&
           strcmp(id, "..") != 0 && id[0] != '-';
}

static int read_globals(struct call *call, char ***argv) {
    for (; **argv && (**argv)[0] == '-'; ++*argv) {
        const char *value;
        /* How cgroups are made was settled when the container was. */
        if (strcmp(**argv, "--debug") == 0 || strcmp(**argv, "--systemd-cgroup") == 0)
            continue;
        if ((value = value_of("root", argv)))
            call->root = value;
        else if ((value = value_of("log-format", argv)))
            call->format = value;
        else if ((value = value_of("log", argv)))
            call->log = value;
        else
            return 0;
    }
    return 1;
}

/* As engines give it: names are the program's to know. */
static int read_signal(const char *word, uint32_t *signal) {
    size_t length = strlen(word);
    if (length == 0 || length > 2 || strspn(word, "0123456789") != length ||
        (word[0] == '0' && length > 1))
        return 0;
    *signal = (uint32_t)atoi(word);
    return *signal <= 64;
}

static int is(const char *word, const char *other) {
    return strcmp(word, other) == 0;
}

static int read_call(struct call *call, char **argv) {
    if (!read_globals(call, &argv) || !*argv)
        return 0;
    call->command = *argv++;
    int deletes = is(call->command, "delete"), kills = is(call->command, "kill"), has_signal = 0;
    if (!deletes && !kills && !is(call->command, "start") && !is(call->command, "state"))
        return 0;
    for (; *argv; argv++) {
        if (deletes && (is(*argv, "--force") || is(*argv, "-f")))
            call->force = 1;
        else if (!call->id)
            call->id = *argv;
        else if (kills && !has_signal && read_signal(*argv, &call->signal))
            has_signal = 1;
        else
            return 0;
    }
    if (kills && !has_signal)
        return 0;
    call->plan = deletes                   ? "delete.plan"
                 : !kills                  ? "start.plan"
                 : call->signal == SIGKILL ? "kill-9.plan"
                                           : "kill.plan";
    return call->id && is_id(call->id) && call->root && call->root[0] == '/' &&
           (!call->log || call->log[0] == '/') &&
           (strcmp(call->format, "text") == 0 || strcmp(call->format, "json") == 0);
}

/* What lies beside a container, or -1: nobody but us may have written it. */
int pv_open_kept(int directory, const char *name) {
    struct stat st;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                   !(st.st_mode & 022)))
        return fd;
    close(fd);
    return -1;
}

/* `begin`: where in the file the plan does. */
static int open_plan(int directory, const char *name, off_t begin) {
    struct stat st;
    int fd = pv_open_kept(directory, name);
    if (fd < 0 || (fstat(fd, &st) == 0 && pv_plan_is_whole(fd, begin, st.st_size)))
        return fd;
    close(fd);
    return -1;
}

/*
 * The plan of `kill` leaves its parameter open, the signal: u32 where it stands in the plan, then the
 * plan. A copy with the parameter in its place; or -1.
 */
static int with_parameter(int file, uint32_t value) {
    static uint8_t bytes[PV_MOST_WITH_PARAMETER];
    ssize_t size = read(file, bytes, sizeof bytes);
    close(file);
    if (size < 8 || (size_t)size == sizeof bytes)
        return -1;
    uint32_t at;
    memcpy(&at, bytes, sizeof at);
    if (at > (size_t)size - 4 - sizeof value)
        return -1;
    memcpy(bytes + 4 + at, &value, sizeof value);
    int copy = memfd_create("pivot-plan", MFD_CLOEXEC);
    if (copy < 0 || pv_write_whole(copy, bytes + 4, (size_t)size - 4) < 0 ||
        lseek(copy, 0, SEEK_SET) < 0)
        return -1; /* the program does without, and this one ends */
    return copy;
}

static int has_ended(int directory) {
    static struct pv_run run;
    pid_t pid;
    run.slots[0] = directory;
    int process = pv_hold_process(&run, &(struct pv_place){0, "pid"}, &pid);
    if (process >= 0)
        close(process);
    return process == -ESRCH ? 1 : process < 0 ? -1 : 0;
}

/* Not a container that runs: its end has to be asked for. */
static int may_go(const struct call *call, int directory) {
    int waits = faccessat(directory, "start", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (is(call->command, "start"))
        return waits;
    if (is(call->command, "kill"))
        return has_ended(directory) == 0;
    if (call->force) /* not from under another command: that takes other steps */
        return flock(directory, LOCK_EX | LOCK_NB) == 0;
    return waits || has_ended(directory) == 1;
}

/* Returns when the program has to see to it. */
void pv_try_kept(char **argv, const char *program, const char *repository) {
    struct call call = {.format = "text", .root = geteuid() == 0 ? "/run/pivot-oci" : NULL};
    if (!argv[0] || !argv[1] || strcmp(argv[1], "oci") != 0 || !read_call(&call, argv + 2))
        return;
    int root = open(call.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int directory = root < 0 ? -1 : openat(root, call.id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root >= 0)
        close(root);
    if (directory < 0)
        return;
    if (is(call.command, "state")) {
        if (!(repository && pv_is_stale(repository)) && pv_tell_state(directory))
            exit(0);
        close(directory);
        return;
    }
    int has_parameter = is(call.plan, "kill.plan");
    int plan = open_plan(directory, call.plan, has_parameter ? sizeof call.signal : 0);
    int goes = plan >= 0 && may_go(&call, directory);
    close(directory);
    if (goes && repository)
        goes = !pv_is_stale(repository);
    if (goes && has_parameter) {
        plan = with_parameter(plan, call.signal);
        goes = plan >= 0;
    }
    if (!goes) {
        if (plan >= 0)
            close(plan);
        return;
    }
    const char *reporter[] = {
        program,    "oci", "--log-format",  call.format, "--log", call.log ? call.log : "",
        "internal-tell", "1", NULL,
    };
    exit(pv_kept_main(plan, (char **)(uintptr_t)reporter));
}
