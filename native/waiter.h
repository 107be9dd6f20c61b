/* A child that has entered a user namespace, and waits there while its parent works on its /proc files. */
#ifndef PV_WAITER_H
#define PV_WAITER_H

#include <sys/types.h>

#include "executor.h"

struct pv_waiter {
    pid_t pid;
    int socket;
};

/*
 * `enter` is called in the child with `argument`: 0 or a negative errno, which the failure tells as that of
 * `what`. What was started is to be ended, also after a failure.
 */
int pv_start_waiter(struct pv_run *run, struct pv_waiter *waiter, int (*enter)(int), int argument,
                    const char *what);
void pv_end_waiter(const struct pv_waiter *waiter);

#endif
