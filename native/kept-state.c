/*
 * `pivot-oci state` without a JavaScript runtime: of what it says, only the status and the process have
 * to be looked at, and the rest lies beside the container. The file `state.text` is the document up to
 * the status, the document from behind the process, and the cgroups of the container, each with a NUL
 * at its end; see src/oci/kept-state.ts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor.h"
#include "launch.h"

/* Longer annotations are the program's. */
#define PV_MOST_STATE (1 << 16)

static int is_there(int directory, const char *name) {
    return faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The paths up to `end`: any of them frozen? One that is gone, or has no freezer, is not. */
static int any_is_frozen(const char *path, const char *end) {
    for (int frozen; path < end; path += strlen(path) + 1) {
        int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        frozen = cgroup >= 0 && pv_is_frozen(cgroup);
        if (cgroup >= 0)
            close(cgroup);
        if (frozen)
            return 1;
    }
    return 0;
}

/* As statusOf of src/oci/record.ts sees it; NULL: it is being made, or cannot be told. */
static const char *look_at(int directory, const char *cgroups, const char *end, pid_t *pid) {
    static struct pv_run run;
    /* Until all is made, and while it is taken away, who holds the lock matters. */
    if (is_there(directory, "making") || !is_there(directory, "pid"))
        return NULL;
    run.slots[0] = directory;
    int process = pv_hold_process(&run, &(struct pv_place){0, "pid"}, pid);
    if (process < 0)
        return process == -ESRCH ? "stopped" : NULL;
    close(process);
    if (is_there(directory, "start"))
        return "created";
    return any_is_frozen(cgroups, end) ? "paused" : "running";
}

/* Prints it. 0: the program has to, and nothing has been said. */
int pv_tell_state(int directory) {
    static char bytes[PV_MOST_STATE], text[PV_MOST_STATE + 128];
    int fd = pv_open_kept(directory, "state.text");
    ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (fd >= 0)
        close(fd);
    if (size < 2 || (size_t)size == sizeof bytes || bytes[size - 1] != '\0')
        return 0;
    const char *end = bytes + size, *behind = bytes + strlen(bytes) + 1;
    if (behind >= end)
        return 0;
    pid_t pid = 0;
    const char *status = look_at(directory, behind + strlen(behind) + 1, end, &pid);
    if (!status)
        return 0;
    char process[32] = "";
    if (strcmp(status, "stopped") != 0)
        snprintf(process, sizeof process, "\n  \"pid\": %d,", (int)pid);
    int length = snprintf(text, sizeof text, "%s%s\",%s%s", bytes, status, process, behind);
    return length > 0 && (size_t)length < sizeof text && pv_write_whole(1, text, (size_t)length) == 0;
}
