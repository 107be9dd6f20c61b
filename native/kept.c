/*
 * `pivot-oci start` and `delete` without a JavaScript runtime: what they do was planned together
 * with the container, and lies in its state directory. Whatever is out of the ordinary, a wrong
 * word, a container in another state, is left to the program, which knows how to tell of it.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "calls.h"
#include "executor.h"
#include "launch.h"

struct call {
    const char *root, *log, *format, *command, *id;
    int force;
};

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
        if (strcmp(**argv, "--debug") == 0)
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

static int read_call(struct call *call, char **argv) {
    if (!read_globals(call, &argv) || !*argv)
        return 0;
    call->command = *argv++;
    int deletes = strcmp(call->command, "delete") == 0;
    if (!deletes && strcmp(call->command, "start") != 0)
        return 0;
    for (; *argv; argv++) {
        if (deletes && (strcmp(*argv, "--force") == 0 || strcmp(*argv, "-f") == 0))
            call->force = 1;
        else if (!call->id)
            call->id = *argv;
        else
            return 0;
    }
    return call->id && is_id(call->id) && call->root && call->root[0] == '/' &&
           (!call->log || call->log[0] == '/') &&
           (strcmp(call->format, "text") == 0 || strcmp(call->format, "json") == 0);
}

/* Nobody but us may have written it. */
static int open_plan(int directory, const char *name) {
    struct stat st;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
        !(st.st_mode & 022))
        return fd;
    close(fd);
    return -1;
}

/* Not a container that runs: its end has to be asked for. */
static int may_go(const struct call *call, int directory) {
    int waits = faccessat(directory, "start", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (strcmp(call->command, "start") == 0)
        return waits;
    if (call->force) /* not from under another command: that takes other steps */
        return flock(directory, LOCK_EX | LOCK_NB) == 0;
    if (waits)
        return 1;
    static struct pv_run run;
    pid_t pid;
    run.slots[0] = directory;
    int process = pv_hold_process(&run, &(struct pv_place){0, "pid"}, &pid);
    if (process >= 0)
        close(process);
    return process == -ESRCH;
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
    int plan = open_plan(directory, call.command[0] == 's' ? "start.plan" : "delete.plan");
    int goes = plan >= 0 && may_go(&call, directory);
    close(directory);
    if (goes && repository)
        goes = !pv_is_stale(repository);
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
