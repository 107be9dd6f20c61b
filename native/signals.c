/*
 * Signals to the executor: which are caught, what they mean, and hearing them in the midst of a start.
 * Those to a container that runs are passed on in supervise.c.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "calls.h"
#include "clock.h"
#include "executor.h"

static void catch_signal(sigset_t *set, int signal) {
    struct sigaction now;
    /* Ignored by who started us (nohup): stays so. */
    if (signal == SIGWINCH || sigaction(signal, NULL, &now) < 0 || now.sa_handler != SIG_IGN)
        sigaddset(set, signal);
}

/* The signals that are meant for the container: all that end or tell, none that stop or crash. */
int pv_catch_signals(void) {
    static const int passed[] = {SIGHUP,  SIGINT,    SIGQUIT, SIGUSR1,  SIGUSR2, SIGALRM, SIGTERM,
                                 SIGXCPU, SIGVTALRM, SIGPROF, SIGWINCH, SIGPWR,  SIGIO};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        catch_signal(&set, passed[i]);
    for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
        catch_signal(&set, i);
    /* Ignored, it would take the container's exit status away; wait(2). */
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    return pv_result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int pv_means_stop(int signal) {
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

static int stop_by(struct pv_run *run, int signal) {
    run->exit_code = 128 + signal;
    return pv_say(run, -EINTR, "stopped by signal %d", signal);
}

/*
 * Once the program may run, signals are meant for it: they wait for `supervise`. But an agent may
 * hold init up for good, which has to be stopped like any other start. What is undone is undone.
 */
int pv_heard_signals(const struct pv_run *run) {
    int is_heard = run->actor == PV_BY_PARENT && !run->undoing && (!run->leapt || run->answered);
    return is_heard ? run->signals : -1;
}

int pv_hear_signal(struct pv_run *run) {
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof info) != sizeof info)
        return 0;
    if (pv_means_stop((int)info.ssi_signo))
        return stop_by(run, (int)info.ssi_signo);
    if (run->started) /* and a hook runs beside the program */
        pv_pidfd_send_signal(run->pidfd, (int)info.ssi_signo);
    return 0;
}

int pv_hear_in_between(struct pv_run *run) {
    struct pollfd heard = {pv_heard_signals(run), POLLIN, 0};
    return heard.fd >= 0 && poll(&heard, 1, 0) > 0 ? pv_hear_signal(run) : 0;
}

int pv_was_asked_to_stop(struct pv_run *run, int timeout) {
    if (run->asked_to_stop)
        return stop_by(run, run->asked_to_stop);
    struct pollfd fds[2] = {{pv_heard_signals(run), POLLIN, 0}, {run->sync, POLLIN, 0}};
    for (;;) {
        int n = poll(fds, 2, timeout);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        /* First what init says: that it leaps was said before any signal could be meant for it. */
        if (fds[1].revents)
            return 0;
        if (!fds[0].revents)
            return 0;
        int rc = pv_hear_signal(run);
        if (rc < 0)
            return rc;
    }
}

int pv_do_sleep(struct pv_run *run, const struct pv_sleep *op) {
    struct pollfd fds[1] = {{pv_heard_signals(run), POLLIN, 0}};
    int64_t end = pv_milliseconds() + op->time;
    for (int64_t left; (left = end - pv_milliseconds()) > 0;) {
        int n = poll(fds, 1, left > 3600000 ? 3600000 : (int)left);
        int rc = n > 0 ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

void pv_usual_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
}
