/*
 * What is to be told to a person is told by the program that made the plan: the executor becomes it, or
 * starts it where no successor of its own could live.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"
#include "monitor.h"

/*
 * After `setns` for a container's pid namespace our children, threads too, would be born there. Back
 * into the machine's comes its root alone, and threads may have whoever is born where they are.
 */
static int has_own_pids(void) {
    struct stat own, next;
    int pids = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    int rc = pids < 0 ? -1 : setns(pids, CLONE_NEWPID);
    if (pids >= 0)
        close(pids);
    return rc == 0 || stat("/proc/self/ns/pid", &own) < 0 ||
           stat("/proc/self/ns/pid_for_children", &next) < 0 || own.st_ino == next.st_ino;
}

void pv_become_reporter(struct pv_run *run) {
    int status;
    pv_usual_signals();
    pid_t child = has_own_pids() ? 0 : fork();
    if (child > 0) {
        while (waitpid(child, &status, 0) < 0)
            if (errno != EINTR)
                return;
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
    }
    if (pv_write_report(run) == 0)
        execv(run->reporter[0], run->reporter);
}
