/*
 * Companions: processes that work beside a container as long as it runs, and programs that do one
 * thing for it.
 *
 *      executor --- companion      tells of what it sees in lines, by a pipe
 *
 * A companion ends with its executor, whatever ends that (PR_SET_PDEATHSIG); the executor ends them
 * when the container has ended. One that starts programs of the machine is the first process of a PID
 * namespace, so that they end with it.
 */
#ifndef PV_COMPANION_H
#define PV_COMPANION_H

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

#include "executor.h"

#define PV_TOOL_ARGUMENTS 128

/* A program of the machine. */
struct pv_tool {
    const char *name; /* for the words of a failure */
    const char *program;
    const struct pv_texts *argv, *env;
    uint32_t timeout; /* milliseconds */
    const char *last; /* comes behind its arguments; or NULL */
    int is_deaf;      /* who asks the executor to stop does not stop it */
};

/* The beginning of what a program said. */
struct pv_words {
    size_t length;
    char text[4096];
};

/* tool.c */
/* In a child of ours: never returns. */
void __attribute__((noreturn)) pv_execute_tool(const struct pv_tool *tool, int input, int words);
/*
 * Runs it to its end, in this network namespace unless that is -1; it reads from `input`. Its wait status,
 * or a negative errno: then it is ended.
 */
int pv_run_tool(struct pv_run *run, const struct pv_tool *tool, int network, int input,
                struct pv_words *words);
/* 0, or -ECANCELED with how it ended and why: of its words those that tell. */
int pv_judge_tool(struct pv_run *run, const struct pv_tool *tool, int status, const char *why);
/*
 * Hears words until their writer ends: 0; or until the character `until` comes, unless that is 0: 1.
 * A negative errno after the time, or when somebody asks the executor to stop by the descriptor
 * `signals`, unless that is -1.
 */
int pv_wait_for_words(struct pv_run *run, struct pv_words *words, int pidfd, int *from, int signals,
                      char until, uint32_t timeout);
const char *pv_last_word(struct pv_words *words);
const char *pv_first_word(struct pv_words *words);

/* companion.c */

/* Takes over both: `words` is a pipe from it, `farewell` the line for when it ends before the container. */
int pv_add_companion(pid_t pid, int words, const char *farewell);
/*
 * In a companion that has just been made: it ends with the executor. To be said again after a change
 * of user, which makes the kernel forget it. In a PID namespace of its own 0 is the executor.
 */
void pv_end_with(pid_t executor);

/* network.c: the container's, held until the executor ends. */
int pv_container_network(struct pv_run *run);

#endif
