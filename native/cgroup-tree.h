/* The cgroups that a container has made below its own: of any name, and however deep. */
#ifndef PV_CGROUP_TREE_H
#define PV_CGROUP_TREE_H

struct pv_cgroup_visit {
    int (*enter)(int cgroup, void *with); /* before those below it */
    int (*leave)(int parent, const char *name); /* of each but the first, after those below it; or NULL */
    void *with;
};

/* Closes `top`. All are visited, also after a failure; the last one of them, or 0. */
int pv_visit_cgroups(int top, const struct pv_cgroup_visit *visit);

#endif
