/* The walk along the plan: who does which step, what happens when one fails, and the clean-up. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "calls.h"
#include "monitor.h"

int pv_say(struct pv_run *run, int rc, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->text, sizeof run->text, format, arguments);
    va_end(arguments);
    return rc;
}

void pv_event(struct pv_run *run, enum pv_event_kind kind, uint32_t step, int error, int value,
              const char *text) {
    struct pv_event event = {.kind = kind, .step = step, .error = error, .value = value};
    if (kind == PV_EVENT_ENDED)
        run->exit_code = value;
    if (kind == PV_EVENT_FAILED || kind == PV_EVENT_LEFT)
        run->has_news = 1;
    strncpy(event.text, text, sizeof event.text - 1);
    uint32_t room = kind == PV_EVENT_LEFT ? PV_EVENTS_LEFT : PV_EVENTS;
    if (run->result < 0 && run->kept < room)
        run->events[run->kept++] = event;
    /* Who asked may be gone; the exit status says the rest. */
    if (run->result >= 0 && write(run->result, &event, sizeof event) < 0)
        run->result = -1;
}

/* Init is gone, and has left no word. */
static int how_init_ended(struct pv_run *run) {
    int status = 0;
    if (run->actor != PV_BY_PARENT)
        return -EPIPE;
    pid_t pid;
    do
        pid = waitpid(run->init, &status, __WALL);
    while (pid < 0 && errno == EINTR);
    run->init = 0;
    if (pid > 0 && WIFSIGNALED(status))
        return pv_say(run, -ECHILD, "init was ended by signal %d", WTERMSIG(status));
    return pv_say(run, -ECHILD, "init ended before it could say why");
}

/* Waits until it is our turn again. Gives 0 with `*step` set, or a negative errno. */
static int wait_for_turn(struct pv_run *run, uint32_t *step) {
    for (;;) {
        struct pv_message message;
        int rc = run->actor == PV_BY_PARENT ? pv_was_asked_to_stop(run, -1) : 0;
        if (rc == 0)
            rc = pv_receive(run, &message);
        if (rc == -EPIPE && run->leapt) {
            run->started = 1;
            pv_event(run, PV_EVENT_STARTED, *step, 0, run->init, "");
            return 1;
        }
        if (rc == -EPIPE)
            return how_init_ended(run);
        if (rc < 0)
            return rc;
        switch ((enum pv_message_kind)message.kind) {
        case PV_TURN:
            *step = message.step;
            return 0;
        case PV_TERMINAL:
            continue;
        case PV_LEAPS:
            run->leapt = 1;
            *step = message.step;
            continue;
        case PV_LISTENS:
            rc = pv_hand_over_listener(run, run->listens, (int)message.size);
            if (rc < 0) {
                *step = run->step = message.step;
                return rc;
            }
            continue;
        case PV_FAILED:
            *step = run->step = message.step;
            memcpy(run->text, message.text, PV_TEXT);
            return -message.error;
        }
        return -EPROTO;
    }
}

/* The last record of so many steps behind this one: with some of them comes what would undo them. */
static uint32_t pass_over(const struct pv_plan *plan, uint32_t record, uint32_t steps) {
    while (record + 1 < plan->count) {
        int is_undo = plan->records[record + 1].flags & PV_RECORD_UNDO;
        if (steps == 0 && !is_undo)
            break;
        record++;
        steps -= !is_undo;
    }
    return record;
}

/* Does our steps from `from` on; at the other's, hands over. */
int pv_walk(struct pv_run *run, uint32_t from) {
    for (uint32_t i = from; i < run->plan.count; i++) {
        const struct pv_record *record = &run->plan.records[i];
        if (record->flags & PV_RECORD_UNDO)
            continue;
        if (record->actor != run->actor) {
            if (run->leapt)
                continue; /* taken by init, which is the program by now */
            if (run->sync < 0) {
                run->step = i;
                return pv_say(run, -EPROTO, "there is no other process to take this step");
            }
            uint32_t handed = i;
            int rc = pv_send(run, PV_TURN, i, 0, -1);
            if (rc == 0 || rc == -EPIPE) /* gone already: it may have left word */
                rc = wait_for_turn(run, &i);
            for (; run->actor == PV_BY_PARENT && handed < i; handed++)
                run->done[handed] = 1; /* the other's, up to the step that it told of */
            if (rc < 0)
                return rc;
            if (rc == 0)
                i--; /* ours; the loop adds one */
            continue;
        }
        run->step = i;
        run->text[0] = '\0';
        int rc = run->actor == PV_BY_PARENT ? pv_was_asked_to_stop(run, 0) : 0;
        if (rc == 0)
            rc = pv_do_op(run, &record->op);
        if (rc < 0)
            return rc;
        if (record->op.code == PV_CLONE && run->actor == PV_BY_INIT)
            return 0; /* a second process comes out of this call: see init_main */
        if (run->actor == PV_BY_PARENT)
            run->done[i] = 1;
        i = pass_over(&run->plan, i, run->past);
        run->past = 0;
    }
    return 0;
}

/* The container's first process: waits for its turn, and leaves only by execve or _exit. */
static void __attribute__((noreturn)) init_main(struct pv_run *run) {
    uint32_t step = 0;
    int rc = wait_for_turn(run, &step);
    /* The identity maps are written by now: from here on nobody inside may look into us. */
    if (rc == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        rc = -errno;
    if (rc == 0)
        rc = pv_walk(run, step);
    if (rc == 0)
        rc = pv_say(run, -EPROTO, "the plan ends without a program");
    pv_send(run, PV_FAILED, run->step, -rc, -1);
    _exit(rc == -ENOENT ? 127 : 126);
}

static void kill_init(struct pv_run *run) {
    if (run->init <= 0)
        return;
    if (run->pidfd >= 0)
        pv_pidfd_send_signal(run->pidfd, SIGKILL);
    else
        kill(run->init, SIGKILL);
    while (waitpid(run->init, NULL, __WALL) < 0 && errno == EINTR)
        ;
    run->init = 0;
}

/* The first lock: on the directory that says what there is to take away. */
static uint32_t locked_at(const struct pv_run *run) {
    for (uint32_t i = 0; i < run->plan.count; i++)
        if (run->plan.records[i].op.code == PV_LOCK)
            return i;
    return 0;
}

/*
 * Takes away what the steps that were done have made, the last first. When something stays, so does
 * the directory by which others find it, unlocked: `system prune` then does the rest.
 */
static void undo(struct pv_run *run, int failed) {
    run->undoing = 1;
    uint32_t locked = locked_at(run);
    int something_stays = 0;
    for (uint32_t i = run->plan.count; i-- > 0;) {
        const struct pv_record *record = &run->plan.records[i];
        if (!(record->flags & PV_RECORD_UNDO) || !run->done[i - 1])
            continue;
        if (something_stays && i < locked)
            continue;
        if (record->flags & PV_RECORD_ON_FAILURE && !failed)
            continue;
        run->step = i;
        run->text[0] = '\0';
        int rc = pv_do_op(run, &record->op);
        if (rc < 0)
            pv_event(run, PV_EVENT_LEFT, i, -rc, 0, run->text);
        something_stays |= rc < 0;
    }
}

static int start(struct pv_run *run) {
    for (uint32_t i = 0; i < PV_SLOTS; i++)
        run->slots[i] = -1;
    for (int i = 0; i < PV_STREAMS; i++)
        run->pipes[i][0] = run->pipes[i][1] = -1;
    run->sync = run->pidfd = run->terminal = run->starter = run->result = -1;
    for (int i = 0; i < PV_LOCKS; i++)
        run->locks[i] = -1;
    run->waiter = run->caller = -1;
    run->agent = run->listens = run->answered_fd = run->listener = run->network = -1;
    run->pid_namespace = -1;
    run->starter = pv_pidfd_open(getppid());
    /* A plan keeps more open than somebody may allow his programs; `leap` gives the limit back. */
    if (getrlimit(RLIMIT_NOFILE, &run->files) == 0)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){run->files.rlim_max, run->files.rlim_max});
    run->signals = pv_catch_signals();
    return run->signals < 0 ? run->signals : 0;
}

static int load(struct pv_run *run, int fd) {
    int rc = pv_plan_load(fd, &run->plan);
    close(fd);
    return rc;
}

/* Something must be told to a person: the program that made the plan does it, as our successor. */
void pv_become_reporter(struct pv_run *run) {
    pv_usual_signals();
    if (pv_write_report(run) == 0)
        execv(run->reporter[0], run->reporter);
}

/* The kernel lays arguments and environment down in one piece; proc_pid_cmdline(5). */
static void note_words(struct pv_run *run, int argc, char **argv) {
    extern char **environ;
    char *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    for (char **entry = environ; *entry; entry++)
        if (*entry == end)
            end += strlen(*entry) + 1;
    run->words = argv[0];
    run->words_size = (size_t)(end - argv[0]);
}

/* Our own place is for what comes afterwards. */
static void report_beside(struct pv_run *run, int has_news) {
    pid_t pid = has_news ? fork() : -1;
    if (pid == 0) {
        pv_become_reporter(run);
        _exit(125);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Carries the plan out, undoes what is to be undone, and gives the exit status. */
static int carry_out(struct pv_run *run, int rc) {
    if (rc < 0)
        pv_say(run, rc, "the plan cannot be read");
    if (rc == 0) {
        run->done = calloc(run->plan.count + 1, 1);
        rc = run->done ? pv_walk(run, 0) : -ENOMEM;
    }
    if (run->actor == PV_BY_INIT)
        init_main(run);
    if (rc < 0) {
        run->exit_code = run->exit_code ? run->exit_code : 125;
        /* To be stopped while it only waits is what it waits for, and no failure. */
        if (rc != -EINTR || !run->plan.records || run->plan.records[run->step].op.code != PV_SLEEP)
            pv_event(run, PV_EVENT_FAILED, run->step, -rc, 0, run->text);
    }
    kill_init(run);
    pv_end_companions();
    pv_close_slots(run); /* undoing may need the descriptors that a start ran out of */
    if (run->done)
        undo(run, rc < 0);
    pv_end_program(run);
    if (pv_tell_failed(run))
        return run->exit_code;
    int has_news = run->has_news && run->reporter[1];
    if (rc == 0 && pv_comes_afterwards()) {
        report_beside(run, has_news);
        pv_become_afterwards(run);
    }
    if (has_news)
        pv_become_reporter(run);
    return run->exit_code;
}

/*
 * executor run PLAN RESULT
 *
 * PLAN is a descriptor. Events are written to the descriptor RESULT as struct pv_event. The exit
 * status is the container's, or 125 when it could not be made.
 */
int pv_run_main(int argc, char **argv) {
    static struct pv_run run;
    note_words(&run, argc, argv);
    run.use = argc > 4 ? pv_keep_use(atoi(argv[4])) : -1;
    int rc = start(&run);
    run.result = atoi(argv[3]);
    fcntl(run.result, F_SETFD, FD_CLOEXEC);
    if (rc == 0)
        rc = load(&run, atoi(argv[2]));
    return carry_out(&run, rc);
}

/*
 * executor follow PIPE PID PROGRAM
 *
 * The plan comes by the pipe from the process PID, which runs PROGRAM. Events are kept, and when
 * there is something to tell, PROGRAM is executed in our place and finds them; see follow.c.
 */
int pv_follow_main(int argc, char **argv) {
    static struct pv_run run;
    note_words(&run, argc, argv);
    run.reporter[0] = argv[4];
    run.use = argc > 5 ? atoi(argv[5]) : -1;
    int rc = start(&run);
    if (rc == 0)
        rc = pv_follow(&run, atoi(argv[2]), atoi(argv[3]));
    if (rc < 0)
        dprintf(STDERR_FILENO, "pivot: no plan came from %s: %s\n", argv[4], strerror(-rc));
    return carry_out(&run, rc);
}

/* A plan from a file, which enters no container: so nothing has to be sealed; see kept.c. */
int pv_kept_main(int plan, char **reporter) {
    static struct pv_run run;
    run.use = -1;
    for (size_t i = 0; i <= PV_REPORTER_ARGUMENTS && reporter[i]; i++)
        run.reporter[i] = reporter[i];
    int rc = start(&run);
    if (rc == 0)
        rc = load(&run, plan);
    run.handed = run.plan.bytes;
    run.handed_size = run.plan.size;
    return carry_out(&run, rc);
}
