/*
 * Whether a clone's build is older than its sources: for the script `pivot`, which asks at every
 * call. Eight hundred comparisons by a shell take longer than the rest of the start.
 *
 * tools/setup.sh has left a list of what it built from, since to list directories takes longer than to
 * look at what they hold. Where a directory has changed since, there may be more than the list has.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

enum { FRESH, STALE, LIST_CHANGED };

/* Each entry ends with a NUL, the name of a directory with a slash before. */
static int look_at(int repository, const char *list, size_t size, const struct timespec *built) {
    int found = FRESH;
    for (const char *entry = list; entry < list + size; entry += strlen(entry) + 1) {
        struct stat st;
        int is_directory = ends_with(entry, "/");
        if (fstatat(repository, entry, &st, 0) < 0)
            return is_directory ? LIST_CHANGED : STALE;
        if (is_newer(&st, built) && !is_directory)
            return STALE;
        if (is_newer(&st, built))
            found = LIST_CHANGED;
    }
    return found;
}

static int look_at_list(int repository, const struct timespec *built) {
    struct stat st;
    int fd = openat(repository, "build/.sources", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return LIST_CHANGED;
    int found = LIST_CHANGED;
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        size_t size = (size_t)st.st_size;
        char *list = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (list != MAP_FAILED && list[size - 1] == '\0')
            found = look_at(repository, list, size, built);
        if (list != MAP_FAILED)
            munmap(list, size);
    }
    close(fd);
    return found;
}

static int is_stale_in(int repository) {
    static const char *const files[] = {"package-lock.json", "tools/setup.sh"};
    struct stat st;
    if (fstatat(repository, "build/.built", &st, 0) < 0)
        return 1;
    struct timespec built = st.st_mtim;
    int by_list = look_at_list(repository, &built);
    if (by_list != LIST_CHANGED)
        return by_list == STALE;
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
