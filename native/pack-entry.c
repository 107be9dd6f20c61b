/*
 * One file of the tree as an entry of the archive.
 *
 * A name can mean something else at each call, when a container that runs wants it so. What is
 * opened is therefore looked at again by its descriptor, and a device is never opened: the tree's
 * mounts have `nodev`, and what is no regular file when it is open is left out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "overlay.h"
#include "pack-internal.h"
#include "unpack-internal.h"

#define WHITEOUT_PREFIX ".wh."

/* The pax records of one entry's attributes; static, since there is one entry at a time. */
struct attributes {
    unsigned char records[UNPACK_XATTRS_BYTES_MAX];
    size_t length;
    bool opaque;
    bool has_owner; /* one that the file system could not have */
    uid_t uid;
    gid_t gid;
};

/* What is open, or a name in the working directory that is never opened. */
struct subject {
    int fd;
    const char *name;
};

static ssize_t list_names(const struct subject *s, char *names, size_t size) {
    return s->fd >= 0 ? flistxattr(s->fd, names, size) : llistxattr(s->name, names, size);
}

static ssize_t get_value(const struct subject *s, const char *name, void *value, size_t size) {
    return s->fd >= 0 ? fgetxattr(s->fd, name, value, size) : lgetxattr(s->name, name, value, size);
}

/* What overlayfs has noted in its upper directory; 1: it is no attribute of the file's own. */
static int overlay_note(struct pack *p, const struct subject *s, const char *name,
                        struct attributes *a) {
    char value[2] = {0};
    size_t length = strlen(p->notes);
    if (strncmp(name, p->notes, length) != 0)
        return 0;
    const char *note = name + length;
    if (strcmp(note, "redirect") == 0 || strcmp(note, "metacopy") == 0)
        return pack_fail(p, ENOTSUP,
                         "overlayfs keeps a rename or a change of attributes by reference "
                         "(redirect_dir, metacopy), which a layer cannot hold");
    if (strcmp(note, "opaque") == 0)
        a->opaque = get_value(s, name, value, sizeof value) == 1 && value[0] == 'y';
    return 1;
}

/* What the unpacker has noted where it could not set it: only in a user namespace is it ours. */
static bool owner_note(const struct subject *s, const char *name, struct attributes *a) {
    char value[64] = "";
    if (!pv_is_in_user_namespace() || strcmp(name, UNPACK_OWNER) != 0)
        return false;
    if (get_value(s, name, value, sizeof value - 1) > 0)
        a->has_owner = sscanf(value, "%u:%u:", &a->uid, &a->gid) == 2;
    return true;
}

static int take_attribute(struct pack *p, const struct subject *s, const char *name,
                          struct attributes *a) {
    static char value[XATTR_SIZE_MAX];
    char key[XATTR_NAME_MAX + 32];
    int note = p->wish->layer ? overlay_note(p, s, name, a) : 0;
    if (note == 0 && owner_note(s, name, a))
        return 0;
    if (note != 0 || unpack_classify_xattr(name) != UNPACK_XATTR_APPLY)
        return note < 0 ? -1 : 0;
    ssize_t n = get_value(s, name, value, sizeof value);
    if (n < 0 && errno == ENODATA)
        return 0; /* gone since it was listed */
    if (n < 0)
        return pack_fail(p, errno, "cannot read an extended attribute");
    if (p->wish->shift_xattr)
        n = p->wish->shift_xattr(name, value, (size_t)n);
    snprintf(key, sizeof key, "SCHILY.xattr.%s", name);
    if (!pack_pax(a->records, sizeof a->records, &a->length, key, value, (size_t)n))
        return pack_fail(p, E2BIG, "its extended attributes are too long");
    return 0;
}

static int take_attributes(struct pack *p, const struct subject *s, struct attributes *a) {
    static char names[XATTR_LIST_MAX];
    a->length = 0;
    a->opaque = a->has_owner = false;
    ssize_t length = list_names(s, names, sizeof names);
    /* ENOENT: gone; ELOOP and the like: another thing by now. Its attributes are nobody's then. */
    if (length < 0)
        return errno == ENOTSUP || errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? 0
                   : pack_fail(p, errno, "cannot list the extended attributes");
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
        if (take_attribute(p, s, names + at, a) < 0)
            return -1;
    return 0;
}

/* The path in the archive: the wish's name, and what is below it. */
static const char *full_name(const struct pack *p, bool directory) {
    static char name[2 * PACK_PATH_MAX + 8];
    const char *top = p->wish->name;
    bool is_top = p->length == 0;
    const char *prefix = top[0] ? top : is_top ? "." : "";
    snprintf(name, sizeof name, "%s%s%s%s", prefix, top[0] && !is_top ? "/" : "", p->path,
             directory ? "/" : "");
    return name;
}

static int check_name(struct pack *p, const char *name) {
    if (strlen(name) > PACK_PATH_MAX + 1)
        return pack_fail(p, ENAMETOOLONG, "its path in the archive is too long");
    return 0;
}

static int member(struct pack *p, char type, const char *link, const struct stat *st,
                  uint64_t size, const struct attributes *a) {
    struct stat owned = *st;
    if (p->wish->shift_owner)
        p->wish->shift_owner(&owned);
    /* Of somebody who has been given it since, the owner is the one on the disk. */
    if (a && a->has_owner && st->st_uid == 0 && st->st_gid == 0) {
        owned.st_uid = a->uid;
        owned.st_gid = a->gid;
    }
    struct pack_member m = {
        .name = full_name(p, type == '5'),
        .type = type,
        .link = link,
        .st = &owned,
        .size = size,
        .xattrs = a ? a->records : NULL,
        .xattrs_length = a ? a->length : 0,
    };
    return check_name(p, m.name) < 0 ? -1 : pack_member(p, &m);
}

static struct attributes *own_attributes(void) {
    static struct attributes a;
    return &a;
}

/* As many bytes as the header has promised: a file that shrinks meanwhile is filled up with zeros,
 * of one that grows the rest is left. */
static int content(struct pack *p, int fd, uint64_t size) {
    static unsigned char bytes[PACK_OUT_BYTES];
    for (uint64_t left = size; left > 0;) {
        size_t wanted = left < sizeof bytes ? (size_t)left : sizeof bytes;
        ssize_t n = read(fd, bytes, wanted);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pack_fail(p, errno, "cannot read the file");
        if (n == 0) {
            pack_skip(p, EIO, "the file became shorter while it was read, zeros stand for the rest");
            memset(bytes, 0, sizeof bytes);
            for (; left > 0; left -= wanted) {
                wanted = left < sizeof bytes ? (size_t)left : sizeof bytes;
                if (pack_write(p, bytes, wanted) < 0)
                    return -1;
            }
            break;
        }
        if (pack_write(p, bytes, (size_t)n) < 0)
            return -1;
        left -= (uint64_t)n;
    }
    return pack_padding(p, size);
}

/* A file that is in the archive by another name already: 1 when it has been written so. */
static int hard_link(struct pack *p, const struct stat *st) {
    if (st->st_nlink < 2)
        return 0;
    const char *known = pack_known_link(p, st);
    if (known != NULL)
        return member(p, '1', known, st, 0, NULL) < 0 ? -1 : 1;
    return pack_note_link(p, st, full_name(p, false)) < 0 ? -1 : 0;
}

static int file(struct pack *p, int parent, const char *name) {
    struct attributes *a = own_attributes();
    struct stat st;
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO)) {
        pack_skip(p, errno, "it went away while the directory was read");
        return 0;
    }
    if (fd < 0)
        return pack_fail(p, errno, "cannot open the file");
    int rc = fstat(fd, &st) < 0 ? pack_fail(p, errno, "cannot look at the file") : 0;
    if (rc == 0 && !S_ISREG(st.st_mode)) {
        pack_skip(p, EAGAIN, "it was replaced while the directory was read");
        close(fd);
        return 0;
    }
    if (rc == 0)
        rc = hard_link(p, &st);
    if (rc == 0) {
        const struct subject s = {.fd = fd};
        rc = take_attributes(p, &s, a);
        if (rc == 0)
            rc = member(p, '0', "", &st, (uint64_t)st.st_size, a);
        if (rc == 0)
            rc = content(p, fd, (uint64_t)st.st_size);
    }
    close(fd);
    return rc < 0 ? -1 : 0;
}

/* Links, devices and FIFOs, which are not opened. */
static int special(struct pack *p, int parent, const char *name, const struct stat *st) {
    struct attributes *a = own_attributes();
    char target[PACK_PATH_MAX + 1] = "";
    char type = S_ISLNK(st->st_mode) ? '2' : S_ISCHR(st->st_mode) ? '3' : S_ISBLK(st->st_mode) ? '4' : '6';
    if (type == '2') {
        ssize_t n = readlinkat(parent, name, target, sizeof target - 1);
        if (n <= 0) {
            pack_skip(p, n < 0 ? errno : ENOENT, "the symbolic link cannot be read");
            return 0;
        }
        target[n] = '\0';
    }
    int rc = hard_link(p, st);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    const struct subject s = {.fd = -1, .name = name};
    if (fchdir(parent) < 0)
        return pack_fail(p, errno, "cannot enter the directory");
    return take_attributes(p, &s, a) < 0 ? -1 : member(p, type, target, st, 0, a);
}

/* An empty file beside the path at hand, whose name says that something is not there. */
static int marker(struct pack *p, const char *name, const struct stat *st) {
    size_t length = p->length;
    char whole[PACK_PATH_MAX + 1];
    memcpy(whole, p->path, length + 1);
    char *slash = strrchr(p->path, '/');
    char *last = slash ? slash + 1 : p->path;
    size_t room = sizeof p->path - (size_t)(last - p->path);
    int n = snprintf(last, room, "%s", name);
    int rc = n < 0 || (size_t)n >= room
                 ? pack_fail(p, ENAMETOOLONG, "its path in the archive is too long")
                 : 0;
    p->length = strlen(p->path);
    struct stat empty = {.st_mode = S_IFREG | 0644, .st_mtim = {.tv_sec = st->st_mtim.tv_sec}};
    if (rc == 0)
        rc = member(p, '0', "", &empty, 0, NULL);
    memcpy(p->path, whole, length + 1);
    p->length = length;
    return rc;
}

static int whiteout(struct pack *p, const char *name, const struct stat *st) {
    char removed[NAME_MAX + sizeof WHITEOUT_PREFIX];
    snprintf(removed, sizeof removed, WHITEOUT_PREFIX "%s", name);
    return marker(p, removed, st);
}

/* File systems that show the kernel and hold no files: their mount points are packed, and no more. */
static bool shows_the_kernel(int fd) {
    static const unsigned long types[] = {
        PROC_SUPER_MAGIC, SYSFS_MAGIC,     CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
        DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,      SECURITYFS_MAGIC,
        BPF_FS_MAGIC,     EFIVARFS_MAGIC,  0x19800202 /* mqueue */,
    };
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((unsigned long)fs.f_type == types[i])
            return true;
    return false;
}

static bool is_mounted_on(int parent, const struct stat *st) {
    struct stat above;
    return fstat(parent, &above) == 0 && above.st_dev != st->st_dev;
}

static int directory(struct pack *p, int parent, const char *name) {
    struct attributes *a = own_attributes();
    struct stat st;
    int fd = pack_open_directory(parent, name);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
        pack_skip(p, errno, "it went away while the directory was read");
        return 0;
    }
    if (fd < 0)
        return pack_fail(p, errno, "cannot open the directory");
    const struct subject s = {.fd = fd};
    int rc = fstat(fd, &st) < 0 ? pack_fail(p, errno, "cannot look at the directory") : 0;
    if (rc == 0)
        rc = take_attributes(p, &s, a);
    bool opaque = a->opaque;
    if (rc == 0)
        rc = member(p, '5', "", &st, 0, a);
    if (rc < 0 || (p->length > 0 && is_mounted_on(parent, &st) && shows_the_kernel(fd))) {
        close(fd);
        return rc;
    }
    if (pack_enter(p, fd, 0) < 0)
        return -1;
    if (!opaque)
        return 0;
    /* Inside of it: an empty name that `marker` can put its own in place of. */
    size_t length = p->length;
    if (length + 1 > PACK_PATH_MAX)
        return pack_fail(p, ENAMETOOLONG, "its path in the archive is too long");
    memcpy(p->path + length, "/", 2);
    p->length++;
    rc = marker(p, WHITEOUT_PREFIX ".wh..opq", &st);
    p->length = length;
    p->path[length] = '\0';
    return rc;
}

/*
 * The name of the directory `parent`, which is the last of the path. A directory is entered. 1: it is a link,
 * which is to be followed instead.
 */
int pack_entry(struct pack *p, int parent, const char *name) {
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return pack_fail(p, errno, "cannot look at it");
        pack_skip(p, errno, "it went away while the directory was read");
        return 0;
    }
    bool is_whiteout = S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
    if (is_whiteout && p->wish->layer)
        return whiteout(p, name, &st);
    if (p->wish->layer && strncmp(name, WHITEOUT_PREFIX, sizeof WHITEOUT_PREFIX - 1) == 0)
        return pack_fail(p, EINVAL, "in a layer a name with .wh. before it means a removal: rename it");
    if (is_whiteout) {
        pack_skip(p, EPERM, "the character device 0,0 means a removal");
        return 0;
    }
    if (S_ISSOCK(st.st_mode)) {
        pack_skip(p, EOPNOTSUPP, "an archive cannot hold a socket");
        return 0;
    }
    if (S_ISDIR(st.st_mode))
        return directory(p, parent, name);
    if (S_ISLNK(st.st_mode) && p->wish->follow && p->depth == 0)
        return 1;
    return S_ISREG(st.st_mode) ? file(p, parent, name) : special(p, parent, name, &st);
}

/* The directory at the top, which is open already. */
int pack_top_directory(struct pack *p, int fd, const struct stat *st) {
    const struct subject s = {.fd = fd};
    struct attributes *a = own_attributes();
    if (p->wish->bare)
        return 0;
    return take_attributes(p, &s, a) < 0 ? -1 : member(p, '5', "", st, 0, a);
}
