/*
 * Mounts, by way of the calls of Linux 5.2 and 5.12: a mount is made and given its flags while
 * nobody can reach it, and attached last, to a descriptor.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/stat.h>

#include "calls.h"
#include "executor.h"

int pv_attach_at(struct pv_run *run, int mount, const struct pv_place *at, uint32_t create) {
    if (at->slot == PV_SLOT_NONE)
        return 0;
    struct stat root;
    if (fstat(mount, &root) < 0)
        return -errno;
    int target = pv_place_make(run, at, create, S_ISDIR(root.st_mode));
    if (target < 0)
        return run->text[0] ? target : pv_say(run, target, "the target");
    int rc = pv_move_mount(mount, "", target, "", PV_MOVE_MOUNT_EMPTY_PATHS);
    close(target);
    return rc;
}

/* The kernel's own words about the failure, when the file system has left some; fsopen(2). */
static int in_kernels_words(struct pv_run *run, int rc, int fs, const char *call) {
    char words[PV_TEXT / 2];
    ssize_t n = read(fs, words, sizeof words - 1);
    if (n <= 2)
        return pv_say(run, rc, "%s", call);
    words[n] = '\0';
    words[strcspn(words, "\n")] = '\0';
    return pv_say(run, rc, "%s: the kernel says: %s", call, words + 2);
}

static int set_options(struct pv_run *run, int fs, const struct pv_texts *options) {
    for (uint32_t i = 0; i < options->count; i++) {
        char *option = options->items[i];
        char *equals = strchr(option, '=');
        if (equals)
            *equals = '\0';
        int rc = pv_fsconfig(fs, equals ? PV_FSCONFIG_SET_STRING : PV_FSCONFIG_SET_FLAG, option,
                             equals ? equals + 1 : NULL);
        if (equals)
            *equals = '=';
        if (rc < 0)
            return in_kernels_words(run, rc, fs, option);
    }
    return 0;
}

static int configure(struct pv_run *run, int fs, const struct pv_mount *op) {
    int rc = 0;
    if (op->source[0])
        rc = pv_fsconfig(fs, PV_FSCONFIG_SET_STRING, "source", op->source);
    if (rc < 0)
        return in_kernels_words(run, rc, fs, "source");
    rc = set_options(run, fs, &op->options);
    if (rc < 0)
        return rc;
    rc = pv_fsconfig(fs, PV_FSCONFIG_CMD_CREATE, NULL, NULL);
    return rc < 0 ? in_kernels_words(run, rc, fs, "fsconfig") : 0;
}

int pv_make_mount(struct pv_run *run, const struct pv_mount *op) {
    int fs = pv_fsopen(op->type);
    if (fs < 0)
        return pv_say(run, fs, "fsopen");
    int mount = configure(run, fs, op);
    if (mount == 0) {
        mount = pv_fsmount(fs, (unsigned)op->attributes);
        if (mount < 0)
            mount = in_kernels_words(run, mount, fs, "fsmount");
    }
    close(fs);
    return mount;
}

int pv_do_mount(struct pv_run *run, const struct pv_mount *op) {
    int mount = pv_make_mount(run, op);
    if (mount < 0)
        return mount;
    int rc = pv_attach_at(run, mount, &op->at, op->create);
    if (rc < 0) {
        close(mount);
        return rc;
    }
    return pv_keep(run, op->into, mount);
}

/* Flags and propagation of a mount by descriptor; nothing to do is no call. */
static int set_attributes(int mount, uint64_t set, uint64_t clear, uint64_t propagation, int deep) {
    /* The access time flags are one value of three bits, and none of them is relatime: to set one
     * is to clear the others, and to clear one the kernel wants all three named. */
    if ((set | clear) & PV_MOUNT_ATTR_ATIME_MASK)
        clear |= PV_MOUNT_ATTR_ATIME_MASK;
    if (!set && !clear && !propagation)
        return 0;
    struct pv_mount_attr attr = {.set = set, .clear = clear, .propagation = propagation};
    return pv_mount_setattr(mount, "", AT_EMPTY_PATH | (deep ? PV_AT_RECURSIVE : 0), &attr);
}

int pv_do_bind(struct pv_run *run, const struct pv_bind *op) {
    int from = pv_place_open(run, &op->from, O_PATH, 0);
    if (from < 0)
        return pv_say(run, from, "the source");
    int mount = pv_open_tree(from, "", PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                                           (op->recursive ? PV_AT_RECURSIVE : 0));
    close(from);
    if (mount < 0)
        return pv_say(run, mount, "open_tree");
    int rc = set_attributes(mount, op->deep_attributes, op->deep_clear,
                            op->deep_propagation ? op->propagation : 0, 1);
    if (rc == 0)
        rc = set_attributes(mount, op->attributes, op->clear,
                            op->deep_propagation ? 0 : op->propagation, 0);
    if (rc < 0)
        pv_say(run, rc, "mount_setattr");
    else
        rc = pv_attach_at(run, mount, &op->at, op->create);
    if (rc < 0) {
        close(mount);
        return rc;
    }
    return pv_keep(run, op->into, mount);
}

int pv_do_attach(struct pv_run *run, const struct pv_attach *op) {
    int mount = pv_slot(run, op->mount);
    return mount < 0 ? mount : pv_attach_at(run, mount, &op->at, op->create);
}

int pv_do_mount_setattr(struct pv_run *run, const struct pv_mount_setattr *op) {
    int mount = pv_place_open(run, &op->at, O_PATH, 0);
    if (mount < 0)
        return mount;
    int rc = set_attributes(mount, op->attributes, op->clear, op->propagation, (int)op->recursive);
    close(mount);
    return rc;
}

int pv_do_reconfigure(struct pv_run *run, const struct pv_reconfigure *op) {
    int mount = pv_place_open(run, &op->at, O_PATH, 0);
    if (mount < 0)
        return mount;
    int fs = pv_fspick(mount, "");
    close(mount);
    if (fs < 0)
        return pv_say(run, fs, "fspick");
    int rc = set_options(run, fs, &op->options);
    if (rc == 0) {
        rc = pv_fsconfig(fs, PV_FSCONFIG_CMD_RECONFIGURE, NULL, NULL);
        if (rc < 0)
            in_kernels_words(run, rc, fs, "fsconfig");
    }
    close(fs);
    return rc;
}
