/*
 * Gives a directory or file to a user of a container. Somebody who shares it may be at work in it:
 * each name is opened below the descriptor of its directory, follows no link and crosses no mount,
 * and the owner of that very inode is changed.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/stat.h>

#include "calls.h"
#include "entries.h"
#include "executor.h"

#define PV_OWN_DEPTH 512 /* a descriptor or two for each */

struct giving {
    struct pv_run *run;
    uid_t uid;
    gid_t gid;
    int depth;
};

static int give(const struct giving *g, int fd, const struct stat *st) {
    if (st->st_uid == g->uid && st->st_gid == g->gid)
        return 0;
    return pv_result(fchownat(fd, "", g->uid, g->gid, AT_EMPTY_PATH));
}

static int give_tree(struct giving *g, int fd);

static int give_entry(struct giving *g, int directory, const char *name) {
    int heard = pv_hear_in_between(g->run);
    if (heard < 0)
        return heard;
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH,
    };
    int fd = pv_openat2(directory, name, &how);
    if (fd == -ENOENT || fd == -EXDEV)
        return 0; /* gone meanwhile, or another file system's */
    int rc = fd < 0 ? fd : give_tree(g, fd);
    if (rc < 0 && !g->run->text[0])
        pv_say(g->run, rc, "%.200s", name);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int give_entries(struct giving *g, int directory) {
    DIR *entries = pv_entries_of(directory);
    if (!entries)
        return -errno;
    int rc = 0;
    for (const char *name; rc == 0 && (name = pv_next_entry(entries, &rc));)
        rc = give_entry(g, directory, name);
    closedir(entries);
    return rc;
}

/* A directory's owner last: until then nobody inside can rename what is below. */
static int give_tree(struct giving *g, int fd) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode)) {
        if (g->depth == PV_OWN_DEPTH)
            return pv_say(g->run, -ELOOP, "more than %d directories in each other", PV_OWN_DEPTH);
        g->depth++;
        int rc = give_entries(g, fd);
        g->depth--;
        if (rc < 0)
            return rc;
    }
    return give(g, fd, &st);
}

/* Whether it is a directory that nobody has used yet. */
static int is_fresh(int fd, const struct stat *st, const struct pv_owners *owners) {
    if (!S_ISDIR(st->st_mode) || pv_is_mapped(&owners->uids, st->st_uid))
        return 0;
    DIR *entries = pv_entries_of(fd);
    if (!entries)
        return 0;
    int rc = 0;
    int fresh = !pv_next_entry(entries, &rc) && rc == 0;
    closedir(entries);
    return fresh;
}

/* Who the user is outside. */
static int find_owner(struct giving *g, const struct pv_own *op, const struct pv_owners *owners) {
    struct pv_run *run = g->run;
    int root = op->root == PV_SLOT_NONE ? -1 : pv_slot(run, op->root);
    if (op->root != PV_SLOT_NONE && root < 0)
        return root;
    int rc = pv_find_ids(run, root, op->user, &g->uid, &g->gid);
    if (rc < 0 || !owners)
        return rc;
    if (op->user[0] == '\0') {
        pv_root_of(owners, &g->uid, &g->gid);
        return 0;
    }
    uint32_t uid = pv_outside(&owners->uids, g->uid), gid = pv_outside(&owners->gids, g->gid);
    if (uid == ~0u || gid == ~0u)
        return pv_say(run, -EINVAL, "the user namespace has no ids %u:%u", g->uid, g->gid);
    g->uid = uid;
    g->gid = gid;
    return 0;
}

int pv_do_own(struct pv_run *run, const struct pv_own *op) {
    static struct pv_owners maps;
    struct pv_owners *owners = op->namespace == PV_SLOT_NONE ? NULL : &maps;
    struct giving g = {.run = run};
    struct stat st;
    int rc = 0;
    if (owners) {
        int namespace = pv_slot(run, op->namespace);
        rc = namespace < 0 ? namespace : pv_read_owners(run, namespace, owners);
    }
    if (rc == 0)
        rc = find_owner(&g, op, owners);
    if (rc < 0)
        return rc;
    int fd = pv_place_open(run, &op->at, O_PATH, 0);
    if (fd < 0)
        return fd;
    rc = pv_result(fstat(fd, &st));
    if (rc == 0 && (!op->fresh || (owners && is_fresh(fd, &st, owners))))
        rc = op->deep ? give_tree(&g, fd) : give(&g, fd, &st);
    close(fd);
    return rc;
}

/* Both ends of a pipe are one inode. */
int pv_do_own_pipes(struct pv_run *run, const struct pv_own_pipes *op) {
    static struct pv_owners owners;
    uid_t uid;
    gid_t gid;
    int namespace = pv_slot(run, op->namespace);
    int rc = namespace < 0 ? namespace : pv_read_owners(run, namespace, &owners);
    if (rc < 0)
        return rc;
    pv_root_of(&owners, &uid, &gid);
    for (int i = 0; i < PV_STREAMS; i++)
        if (run->pipes[i][0] >= 0 && fchown(run->pipes[i][0], uid, gid) < 0)
            return pv_say(run, -errno, "fchown");
    return 0;
}
