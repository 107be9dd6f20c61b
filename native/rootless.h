/* An ordinary user's namespace: how the launcher becomes root of one; see rootless.c. */
#ifndef PV_ROOTLESS_H
#define PV_ROOTLESS_H

#include <sys/types.h>

#define PV_MAP_TEXT 4096

/* Ids of the host that become those of the namespace, as newuidmap(1) takes them. */
struct pv_id_map {
    char *words[3 * 64 + 4]; /* program, pid, and three words a line; ends with NULL */
    char lines[PV_MAP_TEXT]; /* as /proc/PID/uid_map takes them */
    int has_range;           /* more than the user's own id */
};

/* What could not be done, for a line about it. */
struct pv_no_namespace {
    const char *stage;
    int error;
    char text[512];
};

/*
 * What /etc/subuid or /etc/subgid gives a user, laid behind their own id, which becomes 0.
 * `name`: NULL when the user has none.
 */
void pv_read_ranges(struct pv_id_map *map, const char *file, const char *name, uid_t uid, id_t own);

struct pv_holder {
    int directory; /* where it is noted */
    int joins;     /* the namespace that it is to hold, or -1: a new one */
    uid_t uid;
    gid_t gid;
    char **argv; /* of the command: its words give way to the holder's name */
};

/* A process that holds a user namespace: its pid, or -1 with the reason. */
pid_t pv_make_namespace(const struct pv_holder *of, struct pv_no_namespace *why);

/*
 * Called by the launcher: returns as root of the user's namespace, or as who it was. The descriptor
 * that keeps the namespace, or -1.
 */
int pv_enter_namespace(char **argv);

#endif
