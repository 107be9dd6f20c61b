/*
 * What is in a root, in and out of it: a process enters the root for good, with the few rights that
 * are needed there, and becomes the packer or the unpacker. It executes nothing, and holds no
 * descriptor of the host's but its standard streams.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "calls.h"
#include "executor.h"
#include "messenger.h"
#include "overlay.h"
#include "pack.h"
#include "unpack.h"

#define PV_BIT(cap) (1ull << (cap))
#define PV_TREE_FLAGS (PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)
#define PV_PRIVATE (1ull << 18) /* MS_PRIVATE */

struct there {
    int process, root;
    const struct pv_borrow_root *op;
};

/* In the process's mount namespace, without which its mounts could not be copied. */
static int copy_there(const void *with) {
    const struct there *there = with;
    const struct pv_borrow_root *op = there->op;
    if (setns(there->process, CLONE_NEWNS) < 0)
        return -errno;
    unsigned recursive = op->recursive ? PV_AT_RECURSIVE : 0;
    int mount = pv_open_tree(there->root, "", PV_TREE_FLAGS | recursive);
    if (mount < 0)
        return mount;
    struct pv_mount_attr attr = {.set = op->attributes, .propagation = PV_PRIVATE};
    if (attr.set & PV_MOUNT_ATTR_ATIME_MASK)
        attr.clear = PV_MOUNT_ATTR_ATIME_MASK; /* one value of three bits: to set it is to clear the others */
    int rc = pv_mount_setattr(mount, "", AT_EMPTY_PATH | recursive, &attr);
    /* How access times are kept is locked in the mounts of a user namespace: the lesser evil. */
    if (rc == -EPERM && (attr.set & PV_MOUNT_ATTR_ATIME_MASK)) {
        attr.set &= ~(uint64_t)PV_MOUNT_ATTR_ATIME_MASK;
        attr.clear = 0;
        rc = pv_mount_setattr(mount, "", AT_EMPTY_PATH | recursive, &attr);
    }
    return rc < 0 ? rc : mount;
}

/*
 * The process's own root, and not its namespace's: with a root that was only changed by chroot the
 * latter is the host's. It has not ended when its root is open: then the pid was its own until then.
 */
static int root_of(struct pv_run *run, const struct pv_borrow_root *op, int *process) {
    char path[48];
    pid_t pid;
    *process = pv_hold_process(run, &op->of, &pid);
    if (*process < 0)
        return *process;
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    int root = pv_result(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct pollfd end = {*process, POLLIN, 0};
    if (poll(&end, 1, 0) > 0) {
        if (root >= 0)
            close(root);
        root = pv_say(run, -ESRCH, "the container's process has ended");
    }
    return root;
}

int pv_do_borrow_root(struct pv_run *run, const struct pv_borrow_root *op) {
    struct there there = {.op = op};
    there.root = root_of(run, op, &there.process);
    int mount = there.root < 0 ? there.root : pv_get_from(run, copy_there, &there);
    if (there.root >= 0)
        close(there.root);
    if (there.process >= 0)
        close(there.process);
    return mount < 0 ? mount : pv_keep(run, op->into, mount);
}

static int keep_rights(uint64_t rights) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    /* Not more than there is: in a user namespace, or as somebody whose rights are few. */
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(rights >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return pv_result(syscall(SYS_capset, &header, data));
}

/* The root in the slot becomes ours, as a descriptor that is left open beside the streams. */
static int enter(struct pv_run *run, uint32_t slot, uint64_t rights) {
    int root = pv_slot(run, slot);
    pv_is_in_user_namespace(); /* while /proc is there to say so */
    if (root < 0)
        return root;
    if (fchdir(root) < 0 || chroot(".") < 0)
        return pv_say(run, -errno, "the root");
    /* A descriptor of a path does not read; and this one is of our own root now. */
    int own = pv_result(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (own < 0)
        return pv_say(run, own, "the root");
    /* A detached mount is gone with the descriptor that it came by, so one of the slot stays. */
    int kept = fcntl(root, F_DUPFD_CLOEXEC, 3);
    if (kept < 0)
        return -errno;
    int rc = pv_leap(run);
    if (rc == 0)
        rc = pv_close_but(3, own, kept);
    if (rc == 0)
        rc = keep_rights(rights);
    if (rc < 0)
        _exit(1); /* nobody listens any more */
    pv_standard_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return own;
}

/* Of what lies on the disk with the owners of a container's users. */
static struct pv_owners owners;
static int has_owners;

/* Nobody's in the namespace is the overflow user's, as it is shown inside. */
static void shift_owner(struct stat *st) {
    uint32_t uid = pv_inside(&owners.uids, st->st_uid), gid = pv_inside(&owners.gids, st->st_gid);
    st->st_uid = uid == ~0u ? 65534 : uid;
    st->st_gid = gid == ~0u ? 65534 : gid;
}

static ssize_t shift_xattr(const char *name, void *value, size_t length) {
    return pv_unshift_xattr(name, value, length, &owners);
}

int pv_do_owners_inside(struct pv_run *run, const struct pv_owners_inside *op) {
    has_owners = 0;
    if (op->namespace == PV_SLOT_NONE)
        return 0;
    int namespace = pv_slot(run, op->namespace);
    int rc = namespace < 0 ? namespace : pv_read_owners(run, namespace, &owners);
    has_owners = rc == 0;
    owners.inward = 1;
    return rc;
}

const struct pv_owners *pv_owners_inside(void) {
    return has_owners ? &owners : NULL;
}

int pv_do_pack(struct pv_run *run, const struct pv_pack *op) {
    /* trusted.overlay.* is seen by who may administer the system. */
    uint64_t layer = op->layer ? PV_BIT(CAP_SYS_ADMIN) : 0;
    int root = enter(run, op->root, PV_BIT(CAP_DAC_READ_SEARCH) | layer);
    if (root < 0)
        return root;
    struct pack_wish wish = {
        .root = root,
        .path = op->path,
        .name = op->name,
        .follow = op->follow,
        .bare = op->bare,
        .layer = op->layer,
        .shift_owner = has_owners ? shift_owner : NULL,
        .shift_xattr = has_owners ? shift_xattr : NULL,
    };
    signal(SIGPIPE, SIG_IGN);
    _exit(pack_run(&wish));
}

int pv_do_unpack(struct pv_run *run, const struct pv_unpack *op) {
    int root = enter(run, op->root,
                     PV_BIT(CAP_CHOWN) | PV_BIT(CAP_DAC_OVERRIDE) | PV_BIT(CAP_DAC_READ_SEARCH) |
                         PV_BIT(CAP_FOWNER) | PV_BIT(CAP_FSETID) | PV_BIT(CAP_MKNOD) |
                         PV_BIT(CAP_SETFCAP));
    if (root < 0)
        return root;
    _exit(unpack_into(root, op->path, op->follow));
}

/* The layers lie on the host, and no process of a container works in them: nothing is entered. */
int pv_do_list_changes(struct pv_run *run, const struct pv_list_changes *op) {
    int upper = pv_slot(run, op->upper);
    int *lower = calloc(op->layers.count + 1, sizeof *lower);
    if (upper < 0 || !lower)
        return upper < 0 ? upper : -ENOMEM;
    for (uint32_t i = 0; i < op->layers.count; i++) {
        lower[i] = pv_result(open(op->layers.items[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (lower[i] < 0)
            return pv_say(run, lower[i], "%s", op->layers.items[i]);
    }
    int rc = pv_leap(run);
    if (rc < 0)
        return rc;
    close(run->sync); /* the parent goes on */
    pv_standard_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    _exit(pack_list_changes(upper, lower, op->layers.count));
}
