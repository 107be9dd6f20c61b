/*
 * A walk along a container's cgroups. Which there are is the container's affair where it may write to them:
 * so there is no name that is left out, and no depth at which it ends. Going down and up by one descriptor
 * takes no more of them, and no more stack, however deep they lie. `..` leads where it should: the kernel
 * moves no cgroup to another parent.
 */
#define _GNU_SOURCE
#include "cgroup-tree.h"

#include <stdlib.h>

#include "calls.h"
#include "entries.h"

#define PV_CGROUP (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/*
 * Names, each with its zero: for each cgroup on the way an empty one, and those below it that are left; the
 * last of these is the one that the way goes on by.
 */
struct names {
    char *bytes;
    size_t used, room;
};

static int push(struct names *names, const char *name) {
    size_t size = strlen(name) + 1;
    if (names->room - names->used < size) {
        size_t room = 2 * names->room + size + 1024;
        char *bytes = realloc(names->bytes, room);
        if (!bytes)
            return -ENOMEM;
        names->bytes = bytes;
        names->room = room;
    }
    memcpy(names->bytes + names->used, name, size);
    names->used += size;
    return 0;
}

static const char *last(const struct names *names) {
    const char *before = memrchr(names->bytes, '\0', names->used - 1);
    return before ? before + 1 : names->bytes;
}

static void pop(struct names *names) {
    names->used = (size_t)(last(names) - names->bytes);
}

static int list_below(struct names *names, int cgroup) {
    DIR *entries = pv_entries_of(cgroup);
    if (!entries)
        return errno == ENOENT || errno == ENODEV ? 0 : -errno; /* removed meanwhile */
    int rc = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(entries));)
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = push(names, entry->d_name);
    closedir(entries);
    return rc;
}

static int enter(struct names *names, int cgroup, const struct pv_cgroup_visit *visit) {
    int rc = push(names, "");
    if (rc < 0)
        return rc;
    int entered = visit->enter(cgroup, visit->with);
    rc = list_below(names, cgroup);
    return rc < 0 ? rc : entered;
}

/* One step down, or up; 0, or what failed. `*at` is closed, and another one. */
static int go_on(struct names *names, int *at, const struct pv_cgroup_visit *visit) {
    const char *name = last(names);
    int is_down = *name != '\0';
    int next = pv_result(openat(*at, is_down ? name : "..", PV_CGROUP));
    if (is_down && next < 0) {
        pop(names);
        return next == -ENOENT ? 0 : next;
    }
    close(*at);
    *at = next;
    if (is_down)
        return enter(names, next, visit);
    pop(names);
    int rc = next < 0 ? next : visit->leave ? visit->leave(next, last(names)) : 0;
    pop(names);
    return rc;
}

int pv_visit_cgroups(int top, const struct pv_cgroup_visit *visit) {
    struct names names = {0};
    int at = top, failure = enter(&names, at, visit);
    /* The last empty name is that of the first cgroup. Without memory for names the way back is lost. */
    while (at >= 0 && names.used > 1 && failure != -ENOMEM) {
        int rc = go_on(&names, &at, visit);
        if (rc < 0)
            failure = rc;
    }
    free(names.bytes);
    if (at >= 0)
        close(at);
    return failure;
}
