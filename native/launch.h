/* The launcher's part of the program; see launch.c. */
#ifndef PV_LAUNCH_H
#define PV_LAUNCH_H

/* Opens /dev/null for standard streams that are closed: the next file would take their number. */
void pv_open_missing_streams(void);

/* Starts `<this file>-program` with the same arguments, and follows it; returns never. */
int pv_launch_main(char **argv);

/* A sealed copy in memory of an open file; a descriptor or a negative errno. */
int pv_sealed_copy(int fd);

/* 0 when this process runs from a sealed copy; becomes one otherwise, or gives a negative errno. */
int pv_seal_self(char **argv);

/* What lies beside a container for the launcher, opened; -1: it is not there, or not only ours. */
int pv_open_kept(int directory, const char *name);

/* Prints the container's state; 0: the program has to, see kept-state.c. */
int pv_tell_state(int directory);

/* Whether what was built in a clone is older than its sources; see fresh.c. */
int pv_is_stale(const char *repository);

/* Builds anew: 0, or a negative errno after set-up has said what is wrong. */
int pv_set_up(const char *repository);

#endif
