/* The names in a directory, but for "." and "..". */
#ifndef PV_ENTRIES_H
#define PV_ENTRIES_H

#include <dirent.h>
#include <string.h>

#include "calls.h"

/* A stream that leaves the descriptor alone, which may be one of O_PATH; NULL and errno. */
static inline DIR *pv_entries_of(int directory) {
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries && fd >= 0) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return entries;
}

/* The next name, valid until the one after it; NULL at the end, or after a failure with its errno in `rc`. */
static inline const char *pv_next_entry(DIR *entries, int *rc) {
    struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(entries);
    } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    if (!entry && errno != 0)
        *rc = -errno;
    return entry ? entry->d_name : NULL;
}

#endif
