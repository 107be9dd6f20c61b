/*
 * One step on the host's side. A file is written without a name and gets it when it is whole, in
 * the place of the old one by rename(2); so nobody ever reads a half of it. Everything is done
 * relative to the open directory, to names that are not followed when they are links.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include "calls.h"
#include "view.h"
#include "view-steps.h"

enum { CHUNK = 1 << 20, FICLONE_CALL = 0x40049409 };

struct free_name {
    char text[64];
};

/* A name that nothing has; who takes it first is found out by the call that makes it. */
static struct free_name free_name(void) {
    static unsigned count;
    struct free_name name;
    snprintf(name.text, sizeof name.text, ".pivot-try-%d-%u", (int)getpid(), count++);
    return name;
}

static int copy_range(int from, int to, off_t start, off_t end) {
    if (lseek(to, start, SEEK_SET) < 0)
        return -errno;
    while (start < end) {
        ssize_t n = sendfile(to, from, &start, (size_t)(end - start < CHUNK ? end - start : CHUNK));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -EIO; /* shorter than it was */
    }
    return 0;
}

/* Shares the blocks where the file system can; otherwise copies, but for holes. */
static int copy_content(int from, int to, off_t size) {
    if (ioctl(to, (unsigned long)FICLONE_CALL, from) == 0)
        return 0;
    if (ftruncate(to, size) < 0)
        return -errno;
    for (off_t at = 0; at < size;) {
        off_t start = lseek(from, at, SEEK_DATA);
        if (start < 0 && errno == ENXIO)
            return 0;
        off_t end = start < 0 ? size : lseek(from, start, SEEK_HOLE);
        if (start < 0)
            start = at; /* a file system that does not know of holes */
        int rc = copy_range(from, to, start, end < 0 ? size : end);
        if (rc < 0)
            return rc;
        at = end < 0 ? size : end;
    }
    return 0;
}

/*
 * The order matters: chown takes capabilities away, and an access ACL changes the mode. A directory
 * can be written to until what goes into it is there; see finish_directory.
 */
static int copy_attributes(int from, int to, const struct stat *st) {
    mode_t mode = st->st_mode & 07777;
    if (fchown(to, st->st_uid, st->st_gid) < 0)
        return -errno;
    int rc = view_copy_xattrs(from, to);
    if (rc < 0)
        return rc;
    return pv_result(fchmod(to, S_ISDIR(st->st_mode) ? mode | 0700 : mode));
}

static int set_times(int fd, const struct stat *st) {
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    return pv_result(futimens(fd, times));
}

/* Puts the temporary name in the place of the old one. */
static int replace(int parent, const char *temporary, const char *base) {
    int rc = pv_result(renameat(parent, temporary, parent, base));
    /* rename(2) leaves both names when they are the same file already. */
    (void)unlinkat(parent, temporary, 0);
    return rc;
}

/* Gives a file that has no name one: the last, or one that then replaces it. */
static int give_name(int fd, int parent, const char *base, int is_new) {
    char from[64];
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    struct free_name temporary = free_name();
    const char *name = is_new ? base : temporary.text;
    if (linkat(AT_FDCWD, from, parent, name, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    return is_new ? 0 : replace(parent, name, base);
}

static int write_file(int upper, int fd, const struct stat *st) {
    int rc = copy_content(upper, fd, st->st_size);
    if (rc == 0)
        rc = copy_attributes(upper, fd, st);
    return rc == 0 ? set_times(fd, st) : rc;
}

/* For file systems without nameless files. */
static int make_named_file(int parent, const char *base, int is_new, int upper, const struct stat *st) {
    struct free_name temporary = free_name();
    int fd = pv_result(openat(parent, temporary.text,
                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd < 0)
        return fd;
    int rc = write_file(upper, fd, st);
    close(fd);
    if (rc == 0 && !is_new)
        return replace(parent, temporary.text, base);
    if (rc == 0)
        rc = pv_result(linkat(parent, temporary.text, parent, base, 0)); /* fails if it is there */
    (void)unlinkat(parent, temporary.text, 0);
    return rc;
}

static int make_file(int parent, const char *base, int is_new, int upper, const struct stat *st) {
    int fd = pv_result(openat(parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd == -EOPNOTSUPP || fd == -EISDIR || fd == -ENOENT)
        return make_named_file(parent, base, is_new, upper, st);
    if (fd < 0)
        return fd;
    int rc = write_file(upper, fd, st);
    if (rc == 0)
        rc = give_name(fd, parent, base, is_new);
    close(fd);
    return rc;
}

static int make_node(int parent, const char *name, int upper, const struct stat *st) {
    if (!S_ISLNK(st->st_mode))
        return pv_result(mknodat(parent, name, st->st_mode, st->st_rdev));
    char target[PATH_MAX];
    ssize_t n = readlinkat(upper, "", target, sizeof target - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    return pv_result(symlinkat(target, parent, name));
}

/* A symbolic link, FIFO or device. Its mode came with the call that made it. */
static int make_special(int parent, const char *base, int is_new, int upper, const struct stat *st) {
    struct free_name temporary = free_name();
    const char *name = is_new ? base : temporary.text;
    int rc = make_node(parent, name, upper, st);
    if (rc < 0)
        return rc;
    struct stat made;
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    int fd = view_open_below(parent, name, O_PATH);
    rc = fd < 0 ? fd : pv_result(fstat(fd, &made));
    /* Somebody who shares the directory may have put another file there. */
    if (rc == 0 && (view_type(&made) != view_type(st) || made.st_nlink != 1))
        rc = -ESTALE;
    if (rc == 0)
        rc = pv_result(fchownat(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    if (rc == 0)
        rc = pv_result(utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW));
    if (fd >= 0)
        close(fd);
    if (rc == 0 && !is_new)
        return replace(parent, name, base);
    if (rc < 0)
        (void)unlinkat(parent, name, 0);
    return rc;
}

static int make_directory(int parent, const char *base, int is_new, int upper, const struct stat *st) {
    if (is_new && mkdirat(parent, base, 0700) < 0)
        return -errno;
    int fd = view_open_below(parent, base, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    int rc = copy_attributes(upper, fd, st);
    close(fd);
    return rc;
}

/*
 * Only what a file has besides its content is another: then it stays the same inode, unless that has
 * another name, under which the view shows it as it was.
 */
static int change_attributes(int parent, const char *base, const struct view_step *step, int upper,
                             const struct stat *st) {
    struct stat now;
    int fd = view_open_below(parent, base, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return fd;
    int rc = pv_result(fstat(fd, &now));
    if (rc == 0 && (now.st_ino != step->old_inode || !S_ISREG(now.st_mode)))
        rc = -ESTALE;
    int is_shared = rc == 0 && now.st_nlink > 1;
    if (rc == 0 && !is_shared)
        rc = copy_attributes(upper, fd, st);
    if (rc == 0 && !is_shared)
        rc = set_times(fd, st);
    close(fd);
    return is_shared ? make_file(parent, base, 0, upper, st) : rc;
}

int view_remove(int parent, const char *base, const struct view_step *step) {
    return pv_result(unlinkat(parent, base, step->old == 'd' ? AT_REMOVEDIR : 0));
}

int view_link(int host, int parent, const char *base, const struct view_step *step) {
    const char *name;
    int from = view_open_parent(host, step->link, &name);
    if (from < 0)
        return from;
    struct free_name temporary = free_name();
    int is_new = step->old == '-';
    int rc = pv_result(linkat(from, name, parent, is_new ? base : temporary.text, 0));
    close(from);
    return rc == 0 && !is_new ? replace(parent, temporary.text, base) : rc;
}

int view_make(int parent, const char *base, const struct view_step *step, int upper,
              const struct stat *st) {
    int is_new = step->old == '-';
    /* A directory cannot take another's place, nor another a directory's, by rename(2). */
    if (!is_new && (step->old == 'd') != (step->new == 'd')) {
        int rc = view_remove(parent, base, step);
        if (rc < 0)
            return rc;
        is_new = 1;
    }
    if (step->new == 'd')
        return make_directory(parent, base, is_new, upper, st);
    if (step->new != 'f')
        return make_special(parent, base, is_new, upper, st);
    if (step->letter == 'M' && !(step->flags & VIEW_CONTENT))
        return change_attributes(parent, base, step, upper, st);
    return make_file(parent, base, is_new, upper, st);
}
