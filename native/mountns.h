/*
 * Little worlds to try mounts in: the program behind `pivot mountns --kernel`.
 *
 *   mountns
 *       Takes lines from standard input, whose words are separated by tabs:
 *         begin                            ends the world before, and makes a new one
 *         table PROCESS                    prints the process's mountinfo, and a line of a dot
 *         PROCESS CALL ARGUMENT...         prints the errno of the call, 0 when it went well
 *         &PROCESS CALL ARGUMENT...        the same, if the call before went well; else prints -1
 *       Processes have numbers; a world begins with 1, which has an empty tmpfs at /.
 *
 * A world is a mount namespace of its own, in a user namespace of its own, with nothing of the host
 * in it: its mounts go when its processes do, and they go when this program does. Calls and their arguments, flags as numbers:
 *   mount SOURCE TARGET TYPE FLAGS DATA      umount TARGET FLAGS      pivot_root NEW_ROOT PUT_OLD
 *   chroot WHERE    chdir WHERE    mkdir WHERE    mkdirs WHERE    touch WHERE    rmdir WHERE
 *   unlink WHERE    symlink TEXT WHERE    fork CHILD    exit    unshare FLAGS
 *   setns PROCESS FLAGS    open WHERE SLOT    close SLOT    open_tree WHERE FLAGS SLOT
 *   fsmount TYPE SOURCE ATTRIBUTES SLOT [OPTION...]    move_mount WHERE WHERE FLAGS
 *   mount_setattr WHERE FLAGS SET CLEAR PROPAGATION
 * WHERE is a path, or `@SLOT:PATH`: below that descriptor, as if it were /.
 */
#ifndef PV_MOUNTNS_H
#define PV_MOUNTNS_H

#define MOUNTNS_PROCESSES 64 /* numbers are below this one */
#define MOUNTNS_SLOTS 64

/* What a process of a world keeps. */
struct mountns_process {
    int proc; /* the host's /proc, to write maps of ids to */
    int slots[MOUNTNS_SLOTS]; /* descriptors, or -1 */
};

/* mountns-calls.c: a system call by its words; its errno. */
int mountns_call(struct mountns_process *self, int argc, char **argv);
/* Maps one user to root in the user namespace that the caller has just made; errno. */
int mountns_map_root(int proc, unsigned uid, unsigned gid);

/* mountns.c */
int mountns_main(int argc, char **argv);

#endif
