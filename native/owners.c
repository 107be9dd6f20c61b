/*
 * Whom the ids of a user namespace are outside. A namespace is a descriptor, which does not say; so
 * a child joins it, and its maps are read from here: opened by us, they speak of our own ids.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "calls.h"
#include "executor.h"
#include "waiter.h"

/* Lines of three numbers; user_namespaces(7). */
static int read_map(struct pv_run *run, pid_t child, const char *name, struct pv_map *map) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)child, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return pv_say(run, -errno, "open %s", path);
    unsigned inside, outside, size;
    map->count = 0;
    while (map->count < PV_MAP_LINES && fscanf(file, "%u %u %u", &inside, &outside, &size) == 3) {
        map->lines[map->count].inside = inside;
        map->lines[map->count].outside = outside;
        map->lines[map->count].size = size;
        map->count++;
    }
    fclose(file);
    return map->count > 0 ? 0 : pv_say(run, -EINVAL, "the user namespace maps no id");
}

static int read_maps(struct pv_run *run, pid_t child, struct pv_owners *owners) {
    int rc = read_map(run, child, "uid_map", &owners->uids);
    return rc < 0 ? rc : read_map(run, child, "gid_map", &owners->gids);
}

static int join(int namespace) {
    /* Root of that namespace could trace us, and we have what we have open of the host. */
    int rc = pv_result(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    return rc < 0 ? rc : pv_result(setns(namespace, CLONE_NEWUSER));
}

int pv_read_owners(struct pv_run *run, int namespace, struct pv_owners *owners) {
    struct pv_waiter child;
    int rc = pv_start_waiter(run, &child, join, namespace, "joining the user namespace");
    if (rc == 0)
        rc = read_maps(run, child.pid, owners);
    pv_end_waiter(&child);
    return rc;
}

/* A layer as the namespace is to see it: made aside, and named when it is whole. */
int pv_do_user_copy(struct pv_run *run, const struct pv_user_copy *op) {
    static struct pv_owners owners;
    const char *name;
    char making[256];
    int namespace = pv_slot(run, op->namespace);
    if (namespace < 0)
        return namespace;
    int parent = pv_place_parent(run, &op->to, 0, &name);
    if (parent < 0)
        return parent;
    if (faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        close(parent);
        return 0;
    }
    int rc = snprintf(making, sizeof making, "%s.making", name) < (int)sizeof making ? 0 : -ENAMETOOLONG;
    if (rc == 0)
        rc = pv_read_owners(run, namespace, &owners);
    if (rc == 0)
        rc = pv_remove_below(parent, making); /* of one that was killed */
    if (rc == 0)
        rc = pv_mkdir(parent, making, 0700);
    int from = rc < 0 ? rc : pv_place_open(run, &op->from, O_RDONLY | O_DIRECTORY, 0);
    int to = from < 0 ? from : pv_result(openat(parent, making, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    rc = to;
    if (to >= 0)
        rc = pv_copy_below(run, from, to, &owners);
    if (rc == 0)
        rc = pv_copy_attributes(from, to, &owners);
    if (rc == 0)
        rc = pv_result(renameat(parent, making, parent, name));
    if (rc < 0)
        pv_remove_below(parent, making); /* such as when the disk is full */
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    close(parent);
    return rc;
}
