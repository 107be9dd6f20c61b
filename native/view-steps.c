/* Reads the steps of applying a view from standard input; see view.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "view-steps.h"

static int read_all(char **bytes, size_t *length) {
    size_t room = 0;
    *bytes = NULL;
    *length = 0;
    for (;;) {
        if (*length + 1 >= room) {
            room = room ? 2 * room : 65536;
            char *grown = realloc(*bytes, room);
            if (!grown)
                return -ENOMEM;
            *bytes = grown;
        }
        ssize_t n = read(0, *bytes + *length, room - *length - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        *length += (size_t)n;
    }
    (*bytes)[*length] = '\0';
    return 0;
}

/* Relative, and without `.`, `..` and empty names: openat2 refuses what would lead out besides. */
static int is_plain(const char *path) {
    if (path[0] == '\0')
        return 1;
    for (const char *name = path;;) {
        size_t n = strcspn(name, "/");
        if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
            return 0;
        if (name[n] == '\0')
            return 1;
        name += n + 1;
    }
}

static int parse(const char *head, struct view_step *step) {
    unsigned long long inode, old_inode;
    long long ctime, old_ctime;
    int host;
    if (sscanf(head, "%c %c %c %u %d %d %llu %lld %llu %lld", &step->letter, &step->new, &step->old,
               &step->part, &step->flags, &host, &inode, &ctime, &old_inode, &old_ctime) != 10)
        return -EPROTO;
    step->fresh = host & 1;
    step->shared = host & 2;
    step->inode = inode;
    step->old_inode = old_inode;
    step->ctime = ctime;
    step->old_ctime = old_ctime;
    return 0;
}

int view_read_steps(unsigned parts, struct view_step **steps, size_t *count) {
    char *bytes;
    size_t length, strings = 0;
    int rc = read_all(&bytes, &length);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < length; i++)
        strings += bytes[i] == '\0';
    if (strings % 3 != 0 || (length > 0 && bytes[length - 1] != '\0'))
        return -EPROTO;
    *count = strings / 3;
    *steps = calloc(*count ? *count : 1, sizeof **steps);
    if (!*steps)
        return -ENOMEM;
    const char *next = bytes;
    for (size_t i = 0; i < *count; i++) {
        struct view_step *step = &(*steps)[i];
        if (parse(next, step) < 0)
            return -EPROTO;
        step->path = next + strlen(next) + 1;
        step->link = step->path + strlen(step->path) + 1;
        next = step->link + strlen(step->link) + 1;
        if (step->part >= parts || !is_plain(step->path) || !is_plain(step->link))
            return -EPROTO;
    }
    return 0;
}
