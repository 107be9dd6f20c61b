/* What the files of the packer share with each other, and with no one else. */
#ifndef PIVOT_PACK_INTERNAL_H
#define PIVOT_PACK_INTERNAL_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "pack.h"

/* As the unpacker: what is longer cannot be made by its whole path any more (PATH_MAX). */
#define PACK_PATH_MAX 4095
#define PACK_DEPTH_MAX 2048
#define PACK_OUT_BYTES (256 * 1024)

/* A directory that is being read. */
struct pack_level {
    DIR *entries;
    size_t path_length; /* of its own path */
    unsigned visible;   /* how many of the layers show through, from the top; for changes alone */
};

struct pack_link; /* pack-links.c */

struct pack {
    const struct pack_wish *wish;
    const char *notes; /* what the names of overlayfs's attributes begin with */
    /* From the top of the tree on; what is above it in the archive is the wish's name. */
    char path[PACK_PATH_MAX + 1];
    size_t length;
    struct pack_level levels[PACK_DEPTH_MAX];
    size_t depth;
    struct pack_link *links;
    size_t links_count;
    size_t links_capacity;
    size_t links_bytes;
    unsigned char out[PACK_OUT_BYTES];
    size_t filled;
    uint64_t written; /* bytes of the archive */
    uint64_t index;
    uint64_t skipped;
    int error;
    const char *doing;
};

/* Error convention: 0 or a descriptor, or -1, which always comes from pack_fail. */
int pack_fail(struct pack *p, int error, const char *doing);
void pack_skip(struct pack *p, int error, const char *doing);
/* Reports how it went, and gives the exit status. */
int pack_report(const struct pack *p, int result);

/* pack-walk.c */
int pack_enter(struct pack *p, int directory, unsigned visible);
/* The next name of the directory that is being read, appended to the path: 1, or 0 when there is
 * none and the walk has gone up, or -1. */
int pack_next(struct pack *p, const char **name, int *directory);
void pack_leave_name(struct pack *p);
int pack_open_directory(int parent, const char *name);

/* pack-entry.c */
int pack_entry(struct pack *p, int parent, const char *name);
int pack_top_directory(struct pack *p, int directory, const struct stat *st);

/* pack-links.c: the archive's path of a file that was packed by another name, or NULL. */
const char *pack_known_link(struct pack *p, const struct stat *st);
int pack_note_link(struct pack *p, const struct stat *st, const char *path);
void pack_forget_links(struct pack *p);

/* pack-tar.c */
struct pack_member {
    const char *name; /* the whole path in the archive */
    char type;        /* a typeflag of ustar */
    const char *link;
    const struct stat *st;
    uint64_t size;
    const unsigned char *xattrs; /* records of a pax header, ready to be written */
    size_t xattrs_length;
};
int pack_write(struct pack *p, const void *bytes, size_t size);
int pack_flush(struct pack *p);
int pack_member(struct pack *p, const struct pack_member *member);
int pack_padding(struct pack *p, uint64_t size);
int pack_end(struct pack *p);
/* Appends `LENGTH KEY=VALUE\n` to a buffer of so many bytes; false when it does not fit. */
bool pack_pax(unsigned char *to, size_t capacity, size_t *length, const char *key,
              const void *value, size_t value_length);

#endif
