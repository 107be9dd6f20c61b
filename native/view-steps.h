/* One step of applying a view, shared by the files that take it. */
#ifndef PV_VIEW_STEPS_H
#define PV_VIEW_STEPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Open directories: what the view has written, and what it covers. */
struct view_part {
    int upper, host;
};

struct view_step {
    char letter, new, old; /* see view.h */
    unsigned part;
    int flags;
    int fresh, shared; /* bits of what view.h calls HOST */
    uint64_t inode, old_inode;
    int64_t ctime, old_ctime;
    const char *path, *link;
};

/* view-steps.c */
int view_read_steps(unsigned parts, struct view_step **steps, size_t *count);

/* view-make.c: 0 or a negative errno; parent and base are of the host. */
int view_make(int parent, const char *base, const struct view_step *step, int upper,
              const struct stat *st);
int view_link(int host, int parent, const char *base, const struct view_step *step);
int view_remove(int parent, const char *base, const struct view_step *step);

#endif
