/* The walk down a tree: one directory open for each level, and one name at a time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pack-internal.h"

enum { SKIPS_REPORTED = 16 };

static void print_line(const struct pack *p, const char *kind, int error, const char *doing) {
    fprintf(stderr, "%s %llu %d %s: ", kind, (unsigned long long)p->index, error, doing);
    for (const unsigned char *at = (const unsigned char *)p->path; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f || *at == '\\')
            fprintf(stderr, "\\x%02x", *at);
        else
            fputc(*at, stderr);
    }
    fputc('\n', stderr);
}

int pack_fail(struct pack *p, int error, const char *doing) {
    if (p->error == 0) {
        p->error = error;
        p->doing = doing;
    }
    return -1;
}

void pack_skip(struct pack *p, int error, const char *doing) {
    if (p->skipped++ < SKIPS_REPORTED)
        print_line(p, "skip", error, doing);
}

int pack_report(const struct pack *p, int result) {
    if (result < 0)
        print_line(p, "fail", p->error, p->doing);
    else
        fprintf(stderr, "ok %llu %llu %llu\n", (unsigned long long)p->index,
                (unsigned long long)p->skipped, (unsigned long long)p->written);
    return result < 0 ? 1 : 0;
}

int pack_open_directory(int parent, const char *name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Goes down into a directory, whose descriptor belongs to the walk from now on. */
int pack_enter(struct pack *p, int directory, unsigned visible) {
    if (p->depth == PACK_DEPTH_MAX) {
        close(directory);
        return pack_fail(p, ENAMETOOLONG, "directories are nested too deep");
    }
    DIR *entries = fdopendir(directory);
    if (entries == NULL) {
        close(directory);
        return pack_fail(p, ENOMEM, "cannot read the directory");
    }
    p->levels[p->depth++] = (struct pack_level){
        .entries = entries,
        .path_length = p->length,
        .visible = visible,
    };
    return 0;
}

/* Takes the last name off the path again. */
void pack_leave_name(struct pack *p) {
    p->length = p->depth == 0 ? 0 : p->levels[p->depth - 1].path_length;
    p->path[p->length] = '\0';
}

static int go_up(struct pack *p) {
    closedir(p->levels[--p->depth].entries);
    pack_leave_name(p);
    return 0;
}

static int append(struct pack *p, const char *name) {
    size_t n = strlen(name);
    size_t slash = p->length > 0;
    if (p->length + slash + n > PACK_PATH_MAX)
        return pack_fail(p, ENAMETOOLONG, "a name below this directory makes its path too long");
    if (slash)
        p->path[p->length++] = '/';
    memcpy(p->path + p->length, name, n + 1);
    p->length += n;
    return 1;
}

int pack_next(struct pack *p, const char **name, int *directory) {
    struct pack_level *level = &p->levels[p->depth - 1];
    pack_leave_name(p);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(level->entries);
        if (entry == NULL && errno != 0)
            return pack_fail(p, errno, "cannot read the directory");
        if (entry == NULL)
            return go_up(p);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *name = entry->d_name;
        *directory = dirfd(level->entries);
        return append(p, entry->d_name);
    }
}
