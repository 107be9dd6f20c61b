/* A descriptor that can be had in another namespace alone: a child goes there, and hands it over. */
#ifndef PV_MESSENGER_H
#define PV_MESSENGER_H

#include "executor.h"

/*
 * `get` is called in the child, which nobody there can look into: the descriptor, or a negative errno,
 * both of which become the caller's. The child executes nothing, and is gone afterwards.
 */
int pv_get_from(struct pv_run *run, int (*get)(const void *), const void *with);

#endif
