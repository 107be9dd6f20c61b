/*
 * Walks overlayfs's upper directory beside the directory that it covers, and tells what differs.
 * What was copied up and is the same all the same is no difference. The formats that overlayfs
 * keeps whiteouts and opaque directories in: Documentation/filesystems/overlayfs.rst.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "calls.h"
#include "entries.h"
#include "view.h"

enum { DEPTH_MAX = 256, BLOCK = 65536 };

static struct {
    char path[PATH_MAX];
    size_t length;
    int depth;
    int is_opaque; /* nothing of the covered directories shows here */
} at;

/* One side of a comparison: what a name is, or that there is nothing. */
struct side {
    int there;
    struct stat st;
    char link[PATH_MAX];
};

static int push(const char *name, size_t *before) {
    *before = at.length;
    int n = snprintf(at.path + at.length, sizeof at.path - at.length, "%s%s", at.length ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof at.path - at.length) {
        at.path[at.length] = '\0';
        return -ENAMETOOLONG;
    }
    at.length += (size_t)n;
    return 0;
}

static void pop(size_t before) {
    at.length = before;
    at.path[before] = '\0';
}

/* `place` is what the directory of the host is in which a new file is, or NULL. */
static void tell_with(char letter, int flags, const struct side *new, const struct side *old,
                      const struct stat *place) {
    static const struct side nothing;
    const struct stat *n = new ? &new->st : &nothing.st, *o = old ? &old->st : &nothing.st;
    printf("%c %c %c %d %o %o %u %u %u %u %lld %lld %lu %llu %lld %llu %lld", letter,
           new ? view_type(n) : '-', old ? view_type(o) : '-', flags, n->st_mode & 07777u,
           o->st_mode & 07777u, n->st_uid, n->st_gid, o->st_uid, o->st_gid, (long long)n->st_size,
           (long long)o->st_size, (unsigned long)n->st_nlink, (unsigned long long)n->st_ino,
           (long long)view_ctime(n), (unsigned long long)o->st_ino,
           (long long)view_ctime(place ? place : o));
    putchar('\0');
    fwrite(at.path, 1, at.length + 1, stdout);
    fputs(new ? new->link : "", stdout);
    putchar('\0');
    fputs(old ? old->link : "", stdout);
    putchar('\0');
}

static void tell(char letter, int flags, const struct side *new, const struct side *old) {
    tell_with(letter, flags, new, old, NULL);
}

static void tell_problem(int rc) {
    tell('!', -rc, NULL, NULL);
}

/* What a name of a directory is. 0, or a negative errno: EXDEV where something is mounted on it. */
static int look(int directory, const char *name, int cross, struct side *side) {
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                           .resolve = cross ? 0 : RESOLVE_NO_XDEV};
    side->there = 0;
    side->link[0] = '\0';
    int fd = pv_openat2(directory, name, &how);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return fd;
    int rc = pv_result(fstat(fd, &side->st));
    if (rc == 0 && S_ISLNK(side->st.st_mode)) {
        ssize_t n = readlinkat(fd, "", side->link, sizeof side->link - 1);
        rc = n < 0 ? -errno : 0;
        side->link[n < 0 ? 0 : n] = '\0';
    }
    close(fd);
    side->there = rc == 0;
    return rc;
}

static int is_whiteout(const struct stat *st) {
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static int is_opaque(int directory) {
    char value[2] = "";
    const char *name = geteuid() == 0 ? "trusted.overlay.opaque" : "user.overlay.opaque";
    return fgetxattr(directory, name, value, sizeof value) == 1 && value[0] == 'y';
}

/* overlayfs notes of which file a copy was made. */
static int was_copied(int fd) {
    const char *name = geteuid() == 0 ? "trusted.overlay.origin" : "user.overlay.origin";
    return fgetxattr(fd, name, NULL, 0) >= 0;
}

static int open_same(int directory, const char *name, const struct stat *st, int flags) {
    int fd = pv_result(openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags));
    struct stat now;
    if (fd >= 0 && fstat(fd, &now) == 0 && now.st_ino == st->st_ino && now.st_dev == st->st_dev)
        return fd;
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : -ESTALE;
}

static int contents_differ(int a, int b) {
    static char one[BLOCK], other[BLOCK];
    for (;;) {
        ssize_t n = read(a, one, sizeof one), m = 0;
        if (n < 0)
            return -errno;
        while (m < n) {
            ssize_t got = read(b, other + m, (size_t)(n - m));
            if (got < 0)
                return -errno;
            if (got == 0)
                return 1;
            m += got;
        }
        if (n == 0)
            return 0;
        if (memcmp(one, other, (size_t)n) != 0)
            return 1;
    }
}

static int attributes_differ(const struct stat *a, const struct stat *b) {
    int flags = 0;
    if ((a->st_mode ^ b->st_mode) & 07777)
        flags |= VIEW_MODE;
    if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
        flags |= VIEW_OWNER;
    if (!S_ISDIR(a->st_mode) &&
        (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec))
        flags |= VIEW_TIMES;
    return flags;
}

/* Of two descriptors of the same type: what differs, or a negative errno. */
static int files_differ(int upper, const struct side *new, int host, const struct side *old) {
    int flags = attributes_differ(&new->st, &old->st);
    if (S_ISREG(new->st.st_mode)) {
        int rc = new->st.st_size != old->st.st_size ? 1 : contents_differ(upper, host);
        if (rc < 0)
            return rc;
        flags |= rc ? VIEW_CONTENT : 0;
    }
    int rc = view_xattrs_differ(upper, host);
    if (rc < 0)
        return rc;
    return flags | (rc ? VIEW_XATTR : 0);
}

/* Calls for each name of a directory, but for . and .. */
static int each_entry(int directory, int (*call)(int, int, const char *), int other) {
    DIR *entries = pv_entries_of(directory);
    if (!entries)
        return -errno;
    int rc = ++at.depth > DEPTH_MAX ? -ENAMETOOLONG : 0;
    for (const char *name; rc == 0 && (name = pv_next_entry(entries, &rc));) {
        size_t before;
        rc = push(name, &before);
        if (rc == 0) {
            int problem = call(directory, other, name);
            if (problem < 0)
                tell_problem(problem);
        }
        pop(before);
    }
    at.depth--;
    closedir(entries);
    return rc;
}

/* Everything below a directory of the host is gone, deepest first; it itself last. */
static int tell_gone(int host, int unused, const char *name) {
    struct side old;
    (void)unused;
    int rc = look(host, name, 0, &old);
    if (rc < 0 || !old.there)
        return rc;
    if (S_ISDIR(old.st.st_mode)) {
        int fd = open_same(host, name, &old.st, O_DIRECTORY);
        if (fd < 0)
            return fd;
        rc = each_entry(fd, tell_gone, -1);
        close(fd);
        if (rc < 0)
            return rc;
    }
    tell('D', 0, NULL, &old);
    return 0;
}

static int tell_gone_below(int host, const char *name, const struct stat *st) {
    int fd = open_same(host, name, st, O_DIRECTORY);
    if (fd < 0)
        return fd;
    int rc = each_entry(fd, tell_gone, -1);
    close(fd);
    return rc;
}

static int compare_entry(int upper, int host, const char *name);

/* A name that only the covered directory has, which shows no more. */
static int tell_hidden(int host, int upper, const char *name) {
    struct stat st;
    if (fstatat(upper, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return tell_gone(host, -1, name);
}

/* host is -1 where nothing is covered. Below an opaque directory overlayfs marks no others. */
static int compare_directories(int upper, int host) {
    int before = at.is_opaque;
    at.is_opaque = before || is_opaque(upper);
    int rc = each_entry(upper, compare_entry, host);
    if (rc == 0 && host >= 0 && at.is_opaque)
        rc = each_entry(host, tell_hidden, upper);
    at.is_opaque = before;
    return rc;
}

/* Both are there and of one type. */
static int compare_pair(int upper, int host, const char *name, const struct side sides[2]) {
    const struct side *new = &sides[0], *old = &sides[1];
    int is_directory = S_ISDIR(new->st.st_mode);
    int flags = attributes_differ(&new->st, &old->st);
    int a = -1, b = -1;
    if (is_directory || S_ISREG(new->st.st_mode)) {
        a = open_same(upper, name, &new->st, is_directory ? O_DIRECTORY : 0);
        b = a < 0 ? a : open_same(host, name, &old->st, is_directory ? O_DIRECTORY : 0);
        flags = b < 0 ? b : files_differ(a, new, b, old);
        if (flags > 0 && view_is_privileged(a, &new->st))
            flags |= VIEW_PRIVILEGED;
    } else if (strcmp(new->link, old->link) != 0 || new->st.st_rdev != old->st.st_rdev) {
        flags |= VIEW_CONTENT;
    }
    if (flags > 0)
        tell('M', flags, new, old);
    else if (flags == 0 && !is_directory && new->st.st_nlink > 1)
        tell('=', 0, new, old);
    if (flags >= 0 && is_directory)
        flags = compare_directories(a, b);
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
    return flags < 0 ? flags : 0;
}

/* Something new, with all that is below it. */
static int tell_made(int upper, int host, const char *name, const struct side sides[2]) {
    const struct side *new = &sides[0], *old = &sides[1];
    int is_directory = S_ISDIR(new->st.st_mode);
    int fd = -1;
    if (old->there && S_ISDIR(old->st.st_mode)) {
        int rc = tell_gone_below(host, name, &old->st);
        if (rc < 0)
            return rc;
    }
    if (is_directory || S_ISREG(new->st.st_mode)) {
        fd = open_same(upper, name, &new->st, is_directory ? O_DIRECTORY : 0);
        if (fd < 0)
            return fd;
    }
    int flags = VIEW_CONTENT | (view_is_privileged(fd, &new->st) ? VIEW_PRIVILEGED : 0);
    struct stat place;
    int is_placed = !old->there && host >= 0 && fstat(host, &place) == 0;
    if (is_placed && fd >= 0 && was_copied(fd))
        flags |= VIEW_COPIED;
    tell_with(old->there ? 'T' : 'A', flags, new, old->there ? old : NULL, is_placed ? &place : NULL);
    int rc = is_directory ? compare_directories(fd, -1) : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int compare_entry(int upper, int host, const char *name) {
    struct side sides[2] = {0};
    int rc = look(upper, name, 1, &sides[0]);
    if (rc == 0 && host >= 0)
        rc = look(host, name, 0, &sides[1]);
    if (rc < 0 || !sides[0].there)
        return rc;
    if (is_whiteout(&sides[0].st))
        return sides[1].there ? tell_gone(host, -1, name) : 0;
    if (sides[1].there && view_type(&sides[0].st) == view_type(&sides[1].st))
        return compare_pair(upper, host, name, sides);
    return tell_made(upper, host, name, sides);
}

/* The directories themselves: their attributes alone. */
static int compare_roots(int upper, int host) {
    struct side new = {.there = 1}, old = {.there = 1};
    if (fstat(upper, &new.st) < 0 || fstat(host, &old.st) < 0)
        return -errno;
    int flags = files_differ(upper, &new, host, &old);
    if (flags > 0)
        tell('M', flags, &new, &old);
    return flags < 0 ? flags : compare_directories(upper, host);
}

int view_list(const char *upper_path, const char *host_path) {
    int upper = view_open_root(upper_path);
    int host = upper < 0 ? upper : view_open_root(host_path);
    int rc = host < 0 ? host : compare_roots(upper, host);
    if (rc < 0)
        tell_problem(rc);
    fputs("end", stdout);
    putchar('\0');
    return fflush(stdout) == 0 ? 0 : 1;
}
