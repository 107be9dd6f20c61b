/* Remembers files with several names, so that the later ones become hard links in the archive. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pack-internal.h"

enum { LINKS_BYTES_MAX = 256 * 1024 * 1024 };

struct pack_link {
    dev_t device;
    ino_t inode;
    char *path; /* NULL: a free place */
};

/* Where a file is or would be: open addressing, at most half full. */
static struct pack_link *place_of(const struct pack *p, const struct stat *st) {
    uint64_t hash = ((uint64_t)st->st_ino ^ (uint64_t)st->st_dev << 40) * 0x9e3779b97f4a7c15ull;
    size_t at = (size_t)(hash >> 20) & (p->links_capacity - 1);
    for (;; at = (at + 1) & (p->links_capacity - 1)) {
        struct pack_link *link = &p->links[at];
        if (link->path == NULL || (link->inode == st->st_ino && link->device == st->st_dev))
            return link;
    }
}

const char *pack_known_link(struct pack *p, const struct stat *st) {
    return p->links_capacity == 0 ? NULL : place_of(p, st)->path;
}

static int grow(struct pack *p) {
    struct pack larger = {.links_capacity = p->links_capacity == 0 ? 1024 : 2 * p->links_capacity};
    larger.links = calloc(larger.links_capacity, sizeof *larger.links);
    if (larger.links == NULL)
        return pack_fail(p, ENOMEM, "cannot keep the hard links in mind");
    for (size_t i = 0; i < p->links_capacity; i++) {
        const struct pack_link *link = &p->links[i];
        const struct stat st = {.st_dev = link->device, .st_ino = link->inode};
        if (link->path != NULL)
            *place_of(&larger, &st) = *link;
    }
    free(p->links);
    p->links = larger.links;
    p->links_capacity = larger.links_capacity;
    return 0;
}

int pack_note_link(struct pack *p, const struct stat *st, const char *path) {
    p->links_bytes += strlen(path) + 1 + 2 * sizeof *p->links;
    if (p->links_bytes > LINKS_BYTES_MAX)
        return pack_fail(p, ENOMEM, "cannot keep so many hard links in mind");
    if (2 * (p->links_count + 1) > p->links_capacity && grow(p) < 0)
        return -1;
    char *copy = strdup(path);
    if (copy == NULL)
        return pack_fail(p, ENOMEM, "cannot keep the hard links in mind");
    *place_of(p, st) =
        (struct pack_link){.device = st->st_dev, .inode = st->st_ino, .path = copy};
    p->links_count++;
    return 0;
}

void pack_forget_links(struct pack *p) {
    for (size_t i = 0; i < p->links_capacity; i++)
        free(p->links[i].path);
    free(p->links);
    p->links = NULL;
    p->links_capacity = 0;
}
