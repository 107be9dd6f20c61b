/* Stopping between two steps, until somebody who looks at what there is by then says go on. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "calls.h"
#include "executor.h"

/* Until SIGCONT; whoever could say so being gone is a reason to stop, and so to undo. */
static int wait_to_go_on(struct pv_run *run, int signals) {
    for (;;) {
        struct pollfd fds[3] = {
            {signals, POLLIN, 0}, {pv_heard_signals(run), POLLIN, 0}, {run->starter, POLLIN, 0}};
        int n = poll(fds, 3, -1);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n < 0)
            continue;
        int rc = fds[1].revents ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
        if (fds[0].revents)
            return 0;
        if (fds[2].revents)
            return pv_say(run, -EPIPE, "who started the executor has ended");
    }
}

/*
 * SIGCONT is waited for rather than the process stopped: who is stopped hears nothing, not even
 * that it should end, and stays when nobody is left to wake it.
 */
int pv_do_pause(struct pv_run *run) {
    sigset_t go_on, before;
    if (run->actor == PV_BY_INIT)
        return pv_say(run, -EINVAL, "init cannot pause: the parent does, and init waits for it");
    sigemptyset(&go_on);
    sigaddset(&go_on, SIGCONT);
    if (sigprocmask(SIG_BLOCK, &go_on, &before) < 0)
        return -errno;
    int signals = pv_result(signalfd(-1, &go_on, SFD_CLOEXEC | SFD_NONBLOCK));
    int rc = signals;
    if (rc >= 0) {
        pv_event(run, PV_EVENT_PAUSED, run->step, 0, run->init, "");
        rc = wait_to_go_on(run, signals);
        struct signalfd_siginfo info; /* taken, so that it is not pending afterwards */
        if (read(signals, &info, sizeof info) < 0 && rc == 0)
            rc = -errno;
        close(signals);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}
