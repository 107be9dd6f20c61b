/* The unpacker's command line, its walk through the stream of records, and what it reports. */
#define _GNU_SOURCE
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack-internal.h"

enum { SKIPS_REPORTED = 16 };

void unpack_print_line(const char *kind, uint64_t index, int error, const char *doing,
                       const char *where) {
    printf("%s %llu %d %s: ", kind, (unsigned long long)index, error, doing);
    for (const unsigned char *p = (const unsigned char *)where; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f || *p == '\\')
            printf("\\x%02x", *p);
        else
            putchar(*p);
    }
    putchar('\n');
}

int unpack_fail(struct unpack *u, int error, const char *doing) {
    if (u->error == 0) {
        u->error = error;
        u->doing = doing;
    }
    return -1;
}

void unpack_skip(struct unpack *u, int error, const char *doing) {
    if (u->skipped++ < SKIPS_REPORTED)
        unpack_print_line("skip", u->index, error, doing, u->where);
}

static int apply_stream(struct unpack *u) {
    if (unpack_read_magic(u) < 0 || unpack_adopt_root(u) < 0)
        return -1;
    for (;; u->index++) {
        if (unpack_read_record(u) < 0)
            return -1;
        if (u->record.type == UNPACK_END)
            break;
        if (unpack_apply(u) < 0)
            return -1;
    }
    if (u->opaque_root && unpack_hide_root(u) < 0)
        return -1;
    if (unpack_prune_whiteouts(u) < 0 || unpack_apply_later(u) < 0)
        return -1;
    if (u->sync && syncfs(u->root) < 0)
        return unpack_fail(u, errno, "cannot flush the file system");
    return 0;
}

static int open_roots(struct unpack *u, const char *root, char **lower) {
    u->where = root;
    u->root = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (u->root < 0)
        return unpack_fail(u, errno, "cannot open the directory to unpack into");
    for (size_t i = 0; i < u->lower_count; i++) {
        u->where = lower[i];
        u->lower[i] = open(lower[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (u->lower[i] < 0)
            return unpack_fail(u, errno, "cannot open a layer below");
    }
    u->where = u->record.path;
    return 0;
}

static void release(struct unpack *u) {
    for (size_t i = 0; i < u->later_count; i++)
        free(u->later[i].path);
    free(u->later);
    free(u->record.xattrs);
    free(u->record.segments);
}

static int remove_trees(char **paths) {
    for (; *paths != NULL; paths++) {
        char *path = *paths;
        char *slash = strrchr(path, '/');
        const char *base = slash == NULL ? path : slash + 1;
        int parent = AT_FDCWD;
        if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
            unpack_print_line("fail", 0, EINVAL, "not a name of a directory to remove", path);
            return 1;
        }
        if (slash != NULL) {
            *slash = '\0';
            parent = open(slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
            *slash = '/';
        }
        if (slash != NULL && parent < 0 && errno == ENOENT)
            continue;
        int result = slash != NULL && parent < 0 ? -1 : unpack_remove_tree(parent, base);
        int error = errno;
        if (parent >= 0)
            close(parent);
        if (result < 0) {
            unpack_print_line("fail", 0, error, "cannot remove the directory", path);
            return 1;
        }
    }
    puts("ok 0 0");
    return 0;
}

static int usage(void) {
    fputs("usage: unpack [--rootless] [--ignore-owner] [--sync] [--lower DIR]... DIR < RECORDS\n"
          "       unpack --remove DIR...\n",
          stderr);
    return 2;
}

int unpack_main(int argc, char **argv) {
    static struct unpack u; /* large, and zero to begin with */
    static int lower_fds[UNPACK_LOWER_MAX];
    static char *lower[UNPACK_LOWER_MAX];
    int i = 1;
    if (argc > 2 && strcmp(argv[1], "--remove") == 0)
        return remove_trees(argv + 2);
    u.parent = -1;
    u.lower = lower_fds;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--rootless") == 0) {
            u.rootless = true;
        } else if (strcmp(argv[i], "--ignore-owner") == 0) {
            u.ignore_owner = true;
        } else if (strcmp(argv[i], "--sync") == 0) {
            u.sync = true;
        } else if (strcmp(argv[i], "--lower") == 0 && i + 1 < argc &&
                   u.lower_count < UNPACK_LOWER_MAX) {
            lower[u.lower_count++] = argv[++i];
        } else {
            return usage();
        }
    }
    if (i + 1 != argc)
        return usage();
    umask(0);
    signal(SIGPIPE, SIG_IGN);
    int result = open_roots(&u, argv[i], lower);
    if (result == 0)
        result = apply_stream(&u);
    if (result < 0)
        unpack_print_line("fail", u.index, u.error, u.doing, u.where);
    else
        printf("ok %llu %llu\n", (unsigned long long)u.index, (unsigned long long)u.skipped);
    fflush(stdout);
    release(&u);
    return result < 0 ? 1 : 0;
}
