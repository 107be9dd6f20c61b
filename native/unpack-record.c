/* Reads the records of the unpack stream. Every length is checked before it is used. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unpack-internal.h"

static int fill(struct unpack *u) {
    struct unpack_input *in = &u->input;
    in->start = 0;
    in->end = 0;
    for (;;) {
        ssize_t n = read(in->fd, in->bytes, sizeof in->bytes);
        if (n > 0) {
            in->end = (size_t)n;
            return 0;
        }
        if (n == 0)
            return unpack_fail(u, ENODATA, "the stream of records ended early");
        if (errno != EINTR)
            return unpack_fail(u, errno, "cannot read the stream of records");
    }
}

static int take(struct unpack *u, void *to, size_t length) {
    struct unpack_input *in = &u->input;
    unsigned char *out = to;
    while (length > 0) {
        if (in->start == in->end && fill(u) < 0)
            return -1;
        size_t n = in->end - in->start;
        if (n > length)
            n = length;
        memcpy(out, in->bytes + in->start, n);
        in->start += n;
        out += n;
        length -= n;
    }
    return 0;
}

static uint64_t little_endian(const unsigned char *p, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = bytes; i > 0; i--)
        value = value << 8 | p[i - 1];
    return value;
}

static uint32_t u32_at(const unsigned char *p) {
    return (uint32_t)little_endian(p, 4);
}

static int protocol(struct unpack *u, const char *words) {
    return unpack_fail(u, EPROTO, words);
}

/* Whether each component of a path is a plain name: so no walk can leave by the path itself. */
static bool canonical(const char *path, size_t length) {
    size_t start = 0;
    if (length == 0)
        return true;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && path[i] != '/')
            continue;
        size_t n = i - start;
        if (n == 0)
            return false;
        if (path[start] == '.' && (n == 1 || (n == 2 && path[start + 1] == '.')))
            return false;
        start = i + 1;
    }
    return true;
}

static int take_text(struct unpack *u, char *to, uint32_t length, const char *words) {
    if (length > UNPACK_PATH_BYTES_MAX)
        return protocol(u, words);
    if (take(u, to, length) < 0)
        return -1;
    to[length] = '\0';
    if (memchr(to, '\0', length) != NULL)
        return protocol(u, words);
    return 0;
}

bool unpack_next_xattr(const struct unpack_record *r, size_t *at, const char **name,
                       const unsigned char **value, size_t *length) {
    if (*at + 8 > r->xattrs_length)
        return false;
    const unsigned char *p = r->xattrs + *at;
    size_t name_length = (size_t)little_endian(p, 2);
    size_t value_length = u32_at(p + 4);
    *name = (const char *)p + 8; /* its last byte is NUL: see take_xattrs */
    *value = p + 8 + name_length;
    *length = value_length;
    *at += 8 + name_length + value_length;
    return true;
}

static int take_xattrs(struct unpack *u, uint32_t length) {
    struct unpack_record *r = &u->record;
    r->xattrs_length = 0;
    if (length == 0)
        return 0;
    if (length > UNPACK_XATTRS_BYTES_MAX)
        return protocol(u, "too many bytes of extended attributes");
    if (length > r->xattrs_capacity) {
        unsigned char *grown = realloc(r->xattrs, length);
        if (grown == NULL)
            return unpack_fail(u, ENOMEM, "cannot hold the extended attributes");
        r->xattrs = grown;
        r->xattrs_capacity = length;
    }
    if (take(u, r->xattrs, length) < 0)
        return -1;
    for (size_t at = 0; at < length;) {
        if (length - at < 8)
            return protocol(u, "an extended attribute is cut short");
        size_t name_length = (size_t)little_endian(r->xattrs + at, 2);
        size_t value_length = u32_at(r->xattrs + at + 4);
        at += 8;
        if (name_length < 2 || name_length > 256 || name_length > length - at)
            return protocol(u, "an extended attribute has a name of wrong length");
        const unsigned char *end = memchr(r->xattrs + at, '\0', name_length);
        if (end != r->xattrs + at + name_length - 1)
            return protocol(u, "the name of an extended attribute does not end with its only NUL");
        at += name_length;
        if (value_length > length - at)
            return protocol(u, "an extended attribute has a value cut short");
        at += value_length;
    }
    r->xattrs_length = length;
    return 0;
}

static int take_segments(struct unpack *u, uint32_t count) {
    struct unpack_record *r = &u->record;
    r->segment_count = 0;
    if (count == 0)
        return 0;
    if (count > UNPACK_SEGMENTS_MAX)
        return protocol(u, "too many segments in a sparse file");
    if (count > r->segments_capacity) {
        struct unpack_segment *grown = realloc(r->segments, count * sizeof *grown);
        if (grown == NULL)
            return unpack_fail(u, ENOMEM, "cannot hold the map of a sparse file");
        r->segments = grown;
        r->segments_capacity = count;
    }
    uint64_t reached = 0;
    for (uint32_t i = 0; i < count; i++) {
        unsigned char raw[16];
        if (take(u, raw, sizeof raw) < 0)
            return -1;
        uint64_t offset = little_endian(raw, 8);
        uint64_t length = little_endian(raw + 8, 8);
        if (offset < reached || offset > r->size || length > r->size - offset)
            return protocol(u, "the map of a sparse file is out of order or beyond its size");
        reached = offset + length;
        r->segments[i] = (struct unpack_segment){.offset = offset, .length = length};
    }
    r->segment_count = count;
    return 0;
}

int unpack_read_magic(struct unpack *u) {
    char magic[sizeof UNPACK_MAGIC - 1];
    if (take(u, magic, sizeof magic) < 0)
        return -1;
    if (memcmp(magic, UNPACK_MAGIC, sizeof magic) != 0)
        return protocol(u, "the stream of records does not begin with " UNPACK_MAGIC);
    return 0;
}

static int decode_header(struct unpack *u, const unsigned char *h) {
    struct unpack_record *r = &u->record;
    int64_t seconds = (int64_t)little_endian(h + 16, 8);
    uint32_t nanoseconds = u32_at(h + 24);
    r->type = u32_at(h);
    r->mode = u32_at(h + 4);
    r->uid = u32_at(h + 8);
    r->gid = u32_at(h + 12);
    r->mtime = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds};
    r->device_major = u32_at(h + 28);
    r->device_minor = u32_at(h + 32);
    r->size = little_endian(h + 56, 8);
    if (r->type < UNPACK_FILE || r->type > UNPACK_END)
        return protocol(u, "unknown type of record");
    if (r->mode > 07777)
        return protocol(u, "mode beyond 07777");
    /* chown() takes the highest id for "leave as it is", which would hand a file to root. */
    if (r->uid == (uid_t)-1 || r->gid == (gid_t)-1)
        return protocol(u, "owner id 4294967295");
    if (nanoseconds > 999999999)
        return protocol(u, "nanoseconds beyond a second");
    if (r->size > (uint64_t)INT64_MAX)
        return protocol(u, "size beyond 2^63");
    if (u32_at(h + 52) != 0)
        return protocol(u, "reserved field is not zero");
    return 0;
}

int unpack_read_record(struct unpack *u) {
    struct unpack_record *r = &u->record;
    unsigned char h[UNPACK_HEADER_BYTES];
    r->path[0] = '\0';
    r->link[0] = '\0';
    r->xattrs_length = 0;
    r->segment_count = 0;
    if (take(u, h, sizeof h) < 0 || decode_header(u, h) < 0)
        return -1;
    if (take_text(u, r->path, u32_at(h + 36), "a path is too long or holds NUL") < 0)
        return -1;
    if (!canonical(r->path, strlen(r->path)))
        return protocol(u, "a path is not canonical");
    if (take_text(u, r->link, u32_at(h + 40), "a link target is too long or holds NUL") < 0)
        return -1;
    if (r->type == UNPACK_HARDLINK && (r->link[0] == '\0' || !canonical(r->link, strlen(r->link))))
        return protocol(u, "the target of a hard link is not canonical");
    if (r->path[0] == '\0' && r->type != UNPACK_DIRECTORY && r->type != UNPACK_OPAQUE &&
        r->type != UNPACK_END)
        return protocol(u, "only a directory can be the root");
    if (take_xattrs(u, u32_at(h + 44)) < 0 || take_segments(u, u32_at(h + 48)) < 0)
        return -1;
    return 0;
}

static int copy_out(struct unpack *u, int fd, uint64_t length) {
    struct unpack_input *in = &u->input;
    while (length > 0) {
        if (in->start == in->end && fill(u) < 0)
            return -1;
        size_t n = in->end - in->start;
        if (n > length)
            n = (size_t)length;
        ssize_t written = write(fd, in->bytes + in->start, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return unpack_fail(u, errno, "cannot write the file");
        in->start += (size_t)written;
        length -= (uint64_t)written;
    }
    return 0;
}

/* Writes the content of the current record, a file, to fd. */
int unpack_read_content(struct unpack *u, int fd) {
    const struct unpack_record *r = &u->record;
    if (r->segment_count == 0)
        return copy_out(u, fd, r->size);
    for (size_t i = 0; i < r->segment_count; i++) {
        if (lseek(fd, (off_t)r->segments[i].offset, SEEK_SET) < 0)
            return unpack_fail(u, errno, "cannot seek in the sparse file");
        if (copy_out(u, fd, r->segments[i].length) < 0)
            return -1;
    }
    if (ftruncate(fd, (off_t)r->size) < 0)
        return unpack_fail(u, errno, "cannot set the size of the sparse file");
    return 0;
}
