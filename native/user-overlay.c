/*
 * The root of a container in a user namespace: an overlay that the kernel takes for the host's, so
 * that layers are read as they were unpacked (trusted.overlay.*), and that the container cannot
 * change. A child makes it, and is gone:
 *
 *      a mount namespace of its own
 *        | the directory of all layers, with owners mapped, covers itself
 *        | becomes root of the namespace, with the rights that overlayfs needs: as whom it works
 *        | overlay ──► a mount that is attached
 *      the user namespace, and a mount namespace that this one owns
 *        | here nodev is locked (mount_namespaces(7)): root of the namespace cannot take it away,
 *        | and no device node of an image is ever opened
 *        | a copy of the overlay's mount ──► handed over, detached
 *
 * Whoever makes files through an idmapped mount must be somebody whom it maps: the host's root is
 * not (EOVERFLOW), which is why the child becomes another.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"

#define PV_BIT(cap) (1ull << (cap))
#define PV_NODEV 0x4u
#define PV_COPY_OF (PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC)

/* With these overlayfs reads and writes layers, whoever asks it to. */
static const uint64_t rights = PV_BIT(CAP_CHOWN) | PV_BIT(CAP_DAC_OVERRIDE) |
                               PV_BIT(CAP_DAC_READ_SEARCH) | PV_BIT(CAP_FOWNER) |
                               PV_BIT(CAP_FSETID) | PV_BIT(CAP_LINUX_IMMUTABLE) |
                               PV_BIT(CAP_MKNOD) | PV_BIT(CAP_SETFCAP) | PV_BIT(CAP_SYS_ADMIN);

struct reply {
    int error;
    char text[PV_TEXT];
};

static int become(uid_t uid, gid_t gid) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    /* Groups cannot be given up in a namespace of a single id; the caller's are all that there are. */
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return -errno;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ||
        syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(rights >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return pv_result(syscall(SYS_capset, &header, data));
}

/* `base` covered by itself, with the owners of the namespace. */
static int map_base(struct pv_run *run, const char *base, int namespace) {
    int mount = pv_open_tree(AT_FDCWD, base, PV_COPY_OF | PV_AT_RECURSIVE);
    if (mount < 0)
        return pv_say(run, mount, "open_tree %s", base);
    /* By a descriptor: the path may end in a link, which the paths of layers follow. */
    int target = pv_result(open(base, O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct pv_mount_attr attr = {.set = PV_MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    int rc = pv_mount_setattr(mount, "", AT_EMPTY_PATH | PV_AT_RECURSIVE, &attr);
    if (rc < 0) {
        pv_say(run, rc, "mapping the owners of %s", base);
    } else {
        rc = target < 0 ? target : pv_move_mount(mount, "", target, "", PV_MOVE_MOUNT_EMPTY_PATHS);
        if (rc < 0)
            pv_say(run, rc, "move_mount to %s", base);
    }
    if (target >= 0)
        close(target);
    close(mount);
    return rc;
}

/* In the user namespace's own mount namespace, which gets a copy of ours with all flags locked. */
static int lock_flags(struct pv_run *run, int namespace) {
    if (setns(namespace, CLONE_NEWUSER) < 0)
        return pv_say(run, -errno, "joining the user namespace");
    if (unshare(CLONE_NEWNS) < 0)
        return pv_say(run, -errno, "unshare");
    int copy = pv_open_tree(AT_FDCWD, "", PV_COPY_OF | AT_EMPTY_PATH);
    return copy < 0 ? pv_say(run, copy, "open_tree") : copy;
}

static int make_there(struct pv_run *run, const struct pv_user_overlay *op, int namespace,
                      const struct pv_owners *owners) {
    uid_t uid;
    gid_t gid;
    struct pv_mount wish = {
        .type = "overlay",
        .source = "overlay",
        .options = op->options,
        .attributes = op->attributes | PV_NODEV,
    };
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return pv_say(run, -errno, "a mount namespace");
    int target = pv_place_open(run, &op->at, O_PATH | O_DIRECTORY, 0);
    if (target < 0)
        return pv_say(run, target, "the place to mount on");
    int rc = op->mapped ? map_base(run, op->base, namespace) : 0;
    if (rc < 0)
        return rc;
    pv_root_of(owners, &uid, &gid);
    rc = become(uid, gid);
    if (rc < 0)
        return pv_say(run, rc, "becoming %u:%u", uid, gid);
    int overlay = pv_make_mount(run, &wish);
    if (overlay < 0)
        return overlay;
    rc = pv_move_mount(overlay, "", target, "", PV_MOVE_MOUNT_EMPTY_PATHS);
    if (rc < 0)
        return pv_say(run, rc, "move_mount");
    /* The working directory is what unshare takes along to the copy. */
    if (fchdir(overlay) < 0)
        return pv_say(run, -errno, "fchdir");
    return lock_flags(run, namespace);
}

int pv_do_user_overlay(struct pv_run *run, const struct pv_user_overlay *op) {
    static struct pv_owners owners;
    struct reply reply = {0};
    int sockets[2], mount = -1;
    int namespace = pv_slot(run, op->namespace);
    int rc = namespace < 0 ? namespace : pv_read_owners(run, namespace, &owners);
    if (rc < 0)
        return rc;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid_t child = fork();
    if (child == 0) {
        mount = make_there(run, op, namespace, &owners);
        reply.error = mount < 0 ? mount : 0;
        memcpy(reply.text, run->text, PV_TEXT);
        _exit(pv_send_bytes(sockets[1], &reply, sizeof reply, mount) == 0 ? 0 : 1);
    }
    rc = child < 0 ? -errno : 0;
    close(sockets[1]);
    if (child > 0) {
        rc = pv_receive_bytes(sockets[0], &reply, sizeof reply, &mount);
        rc = rc < 0 ? pv_say(run, -ECHILD, "the process that mounts it ended early") : reply.error;
        if (reply.error < 0)
            pv_say(run, rc, "%s", reply.text);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(sockets[0]);
    return rc < 0 ? rc : pv_keep(run, op->into, mount);
}
