/* What the files of the unpacker share with each other, and with no one else. */
#ifndef PIVOT_UNPACK_INTERNAL_H
#define PIVOT_UNPACK_INTERNAL_H

#include <limits.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "unpack.h"

struct unpack_segment {
    uint64_t offset;
    uint64_t length;
};

/* One entry of the layer, checked: strings end with NUL and hold none, paths are canonical. */
struct unpack_record {
    uint32_t type;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
    uint32_t device_major;
    uint32_t device_minor;
    uint64_t size;
    char path[UNPACK_PATH_BYTES_MAX + 1];
    char link[UNPACK_PATH_BYTES_MAX + 1];
    unsigned char *xattrs;
    size_t xattrs_length;
    size_t xattrs_capacity;
    struct unpack_segment *segments;
    size_t segment_count;
    size_t segments_capacity;
};

/* A buffered descriptor that is only ever read forward. */
struct unpack_input {
    int fd;
    size_t start;
    size_t end;
    unsigned char bytes[256 * 1024];
};

/* What is left for the end: the times of a directory, which making its children changes, or a
 * whiteout, which may turn out to be idle. */
struct unpack_later_entry {
    char *path;
    bool is_whiteout;
    dev_t device; /* of the directory */
    ino_t inode;
    struct timespec mtime;
};

struct unpack {
    struct unpack_input input;
    struct unpack_record record;
    int root;
    int *lower; /* uppermost first */
    size_t lower_count;
    bool rootless;
    bool ignore_owner;
    bool sync;
    bool opaque_root;
    bool modes_are_set; /* of unpack_into: by the call that makes a device or FIFO */
    bool follow;        /* of unpack_into: links on the way to an entry are followed */
    bool default_acl_seen; /* then the mode given to open() is not the mode that results */

    /* The directory of the last entry. Dropped whenever a directory or a
     * symbolic link goes away: nothing else can change where a path leads
     * that has been resolved already. */
    int parent;
    char parent_path[UNPACK_PATH_BYTES_MAX + 1];

    struct unpack_later_entry *later;
    size_t later_count;
    size_t later_capacity;
    size_t later_bytes;

    uint64_t index;
    uint64_t skipped;
    int error;         /* errno of the failure */
    const char *doing; /* what failed, in words */
    const char *where; /* the path it is about */
};

/* Error convention of the unpacker: a function that can fail returns 0 (or a
 * descriptor) or -1, and -1 always comes from unpack_fail, which keeps the
 * first failure for the report at the end of unpack_main. */
int unpack_fail(struct unpack *u, int error, const char *doing);
void unpack_skip(struct unpack *u, int error, const char *doing);
void unpack_print_line(const char *kind, uint64_t index, int error, const char *doing,
                       const char *where);

/* unpack-record.c */
int unpack_read_magic(struct unpack *u);
int unpack_read_record(struct unpack *u);
int unpack_read_content(struct unpack *u, int fd);
bool unpack_next_xattr(const struct unpack_record *r, size_t *at, const char **name,
                       const unsigned char **value, size_t *length);

/* unpack-resolve.c */

/* What a path is in the merged view: an entry of a directory of one of the layers. */
struct unpack_place {
    size_t layer;  /* 0 is the new one */
    int directory; /* open, the caller's to close */
    char base[NAME_MAX + 1];
    struct stat st;
};

/* MASKED: not there, and nothing further down can show through. */
enum unpack_found { UNPACK_FOUND, UNPACK_ABSENT, UNPACK_MASKED, UNPACK_FAILED };

bool unpack_is_whiteout(const struct stat *st);
int unpack_open_in_root(int root, const char *path);
enum unpack_found unpack_look_up(struct unpack *u, const char *path, struct unpack_place *place);
enum unpack_found unpack_look_below(struct unpack *u, const char *path, struct unpack_place *place);
int unpack_follow(struct unpack *u, const char *path, char out[UNPACK_PATH_BYTES_MAX + 1]);

/* unpack-parent.c */
int unpack_make_directories(struct unpack *u, const char *path);
int unpack_existing_directory(struct unpack *u, const char *path, size_t length);
int unpack_parent(struct unpack *u, const char *path, const char **base);
int unpack_directory(struct unpack *u, const char *path);
void unpack_forget_parent(struct unpack *u);

/* unpack-below.c */
int unpack_copy_attributes(struct unpack *u, int from, int to, const struct stat *st);
int unpack_link_target(struct unpack *u, const char *path, char base[NAME_MAX + 1]);
int unpack_adopt_root(struct unpack *u);
int unpack_hide_root(struct unpack *u);
int unpack_prune_whiteouts(struct unpack *u);

/* unpack-apply.c */
int unpack_apply(struct unpack *u);

/* unpack-attributes.c */
enum unpack_xattr { UNPACK_XATTR_APPLY, UNPACK_XATTR_SKIP, UNPACK_XATTR_REFUSE };
enum unpack_xattr unpack_classify_xattr(const char *name);
/* `UID:GID:0MODE:TYPE`: an owner that could not be set. */
#define UNPACK_OWNER "user.containers.override_stat"
int unpack_set_owner(struct unpack *u, int fd, uid_t uid, gid_t gid, mode_t mode);
int unpack_set_opaque(struct unpack *u, int directory);
int unpack_clear_xattrs(struct unpack *u, int fd);
int unpack_set_attributes(struct unpack *u, int fd);
int unpack_set_attributes_at(struct unpack *u, int parent, const char *base);
int unpack_later(struct unpack *u, int directory, const char *path, struct timespec mtime);
int unpack_later_whiteout(struct unpack *u, const char *path);
int unpack_apply_later(struct unpack *u);

/* unpack-remove.c: -1 leaves errno, and is not reported yet */
int unpack_remove_tree(int parent, const char *name);

#endif
