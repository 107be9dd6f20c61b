/* The launcher's part of the program; see launch.c. */
#ifndef PV_LAUNCH_H
#define PV_LAUNCH_H

/* Where the command line finds the executor's sealed copy. */
#define PV_EXECUTOR_FD 4

/* Opens /dev/null for standard streams that are closed: the next file would take their number. */
void pv_open_missing_streams(void);

/* Becomes `<this file>-program` with the same arguments; returns never. */
int pv_launch_main(char **argv);

/* A sealed copy in memory of an open file; a descriptor or a negative errno. */
int pv_sealed_copy(int fd);

/* 0 when this process runs from a sealed copy; becomes one otherwise, or gives a negative errno. */
int pv_seal_self(char **argv);

/*
 * Sets up what is stale in a clone: 0 when nothing was, 1 when it has been, or a negative errno
 * after set-up has said what is wrong. See fresh.c.
 */
int pv_refresh(const char *repository);

#endif
