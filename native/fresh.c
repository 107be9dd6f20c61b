/*
 * Whether a clone's build is older than its sources: for the script `pivot`, which asks at every
 * call. Three hundred comparisons by a shell take longer than the rest of the start.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "calls.h"
#include "launch.h"

static int is_newer(const struct stat *file, const struct timespec *built) {
    if (file->st_mtim.tv_sec != built->tv_sec)
        return file->st_mtim.tv_sec > built->tv_sec;
    return file->st_mtim.tv_nsec > built->tv_nsec;
}

static int ends_with(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

static int is_source(const char *name) {
    if (ends_with(name, ".test.ts"))
        return 0;
    return ends_with(name, ".ts") || ends_with(name, ".c") || ends_with(name, ".h");
}

/* Looks at the sources of a directory, and `below` levels of directories in it. */
static int has_newer(int parent, const char *path, const struct timespec *built, int below) {
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    int newer = 0;
    for (struct dirent *entry; !newer && (entry = readdir(entries));) {
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR)
            newer = below > 0 && has_newer(fd, entry->d_name, built, below - 1);
        else if (is_source(entry->d_name) && fstatat(fd, entry->d_name, &st, 0) == 0)
            newer = is_newer(&st, built);
    }
    closedir(entries);
    return newer;
}

static int is_stale_in(int repository) {
    static const char *const files[] = {"package-lock.json", "tools/setup.sh"};
    struct stat st;
    if (fstatat(repository, "build/.built", &st, 0) < 0)
        return 1;
    struct timespec built = st.st_mtim;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (fstatat(repository, files[i], &st, 0) == 0 && is_newer(&st, &built))
            return 1;
    return has_newer(repository, "native", &built, 0) || has_newer(repository, "src", &built, 2);
}

int pv_is_stale(const char *repository) {
    int fd = open(repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0; /* gone meanwhile: there is nothing to build from */
    int stale = is_stale_in(fd);
    close(fd);
    return stale;
}

int pv_set_up(const char *repository) {
    char setup[PATH_MAX];
    if (snprintf(setup, sizeof setup, "%s/tools/setup.sh", repository) >= (int)sizeof setup)
        return -ENAMETOOLONG;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execl(setup, setup, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}
