/*
 * The executor: carries out a plan, step by step, and decides nothing.
 *
 * Error convention: a function gives 0 or a descriptor, or a negative errno. What the errno alone
 * does not say (which of several calls, the kernel's own words) goes into `run->text`, which
 * travels with the failure; see pv_say().
 */
#ifndef PV_EXECUTOR_H
#define PV_EXECUTOR_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "plan.h"

#define PV_TEXT 240

/*
 * The hand-shake. Parent and init walk the same list; each does its own steps, and only one of
 * them is at work at any time. Who meets a step of the other hands over and waits.
 *
 *      parent                                   init
 *        | steps before `clone`
 *        | clone ------------------------------> waits
 *        | (maps, cgroup: its steps)
 *        | TURN n ------------------------------> steps n, n+1, ...
 *        | waits      <---------- TERMINAL + fd   (a terminal's master, when there is one)
 *        |            <------------------ TURN m  meets a step of the parent
 *        | steps m ...
 *        | TURN n ------------------------------>
 *        |            <------------------- LEAPS  the next thing that can be heard is execve
 *        |            <------- end of file        execve closed the socket
 *        | supervise
 *
 * At any time init may say FAILED and exit; the parent may kill init.
 */
enum pv_message_kind {
    PV_TURN = 1,
    PV_TERMINAL,
    PV_LEAPS,
    PV_LISTENS, /* size: the number that the filter's descriptor will have; see notify.c */
    PV_FAILED,
};

struct pv_message {
    uint32_t kind;
    uint32_t step;
    int32_t error; /* an errno */
    uint32_t size; /* of text */
    char text[PV_TEXT];
};

/* What is reported to who started the executor: fixed-size records on the result descriptor. */
enum pv_event_kind {
    PV_EVENT_STARTED = 1, /* value: the pid of init */
    PV_EVENT_FAILED,      /* step, error, text */
    PV_EVENT_ENDED,       /* value: exit code, error: the signal that ended it or 0 */
    PV_EVENT_LEFT,        /* an undo failed: step, error, text */
    PV_EVENT_PAUSED,      /* step, value: the pid of init, or 0 */
};

struct pv_event {
    uint32_t kind;
    uint32_t step;
    int32_t error;
    int32_t value;
    char text[PV_TEXT];
};

/* The most arguments that a reporter is started with, beside its own name. */
#define PV_REPORTER_ARGUMENTS 15

/*
 * Only what a reporter is to tell is kept. Of many things that were left behind the first say enough; but
 * how it failed, and how the container ended, always have room.
 */
#define PV_EVENTS 16
#define PV_EVENTS_LEFT (PV_EVENTS - 2)

enum { PV_STDIN, PV_STDOUT, PV_STDERR, PV_STREAMS };

/* A container holds its state directory, and what it writes to. */
#define PV_LOCKS 2

struct pv_run {
    struct pv_plan plan;
    enum pv_actor actor;
    int slots[PV_SLOTS];
    uint8_t *done; /* parent: which steps have been carried out */
    uint32_t step; /* the one at hand */
    int sync;      /* the socket between parent and init, or -1 */
    int result;    /* where events go, or -1: then they are kept below */
    struct pv_event events[PV_EVENTS];
    uint32_t kept;
    int signals;   /* parent: a signalfd, or -1 */
    int locks[PV_LOCKS]; /* parent: show that it lives, or -1 */
    int use; /* parent: the lock of a user's namespace that it lives in, or -1; see rootless.c */
    uint32_t past; /* parent: how many of the next steps are not taken */
    int listener;  /* where init of a created container will wait for its start, or -1 */
    pid_t program;       /* that made the plan, until it was reaped; or 0 */
    int program_pidfd;
    uint8_t *handed;     /* the plan as it came, for the reporter */
    size_t handed_size;
    char *reporter[PV_REPORTER_ARGUMENTS + 2]; /* the program and its arguments */
    char *words;   /* our arguments and environment, as others see them */
    size_t words_size;
    pid_t init;    /* parent: 0 before `clone`, and after it was reaped */
    int pidfd;
    int leapt;     /* init has said LEAPS */
    int started;   /* parent: and then was heard no more: the program runs */
    int starter;   /* parent: a pidfd of the process that started the executor, or -1 */
    pid_t told_pid; /* parent: of a container that another executor has made, for hooks */
    int is_there;  /* init: it has entered its working directory while it had more rights */
    int outlives;  /* init: the container goes on without the executor */
    int asked_to_stop;   /* parent: by this signal, before there was a plan; or 0 */
    int undoing;   /* parent: the walk is over */
    int exit_code; /* parent: what main returns */
    int has_news;  /* parent: a step or an undo has failed */
    int waiter;    /* the socket of the process that waits for the start, or -1; see detach.c */
    int caller;    /* the same socket, when that process then takes part in the foreground; or -1 */
    struct winsize window; /* of the terminal that was left; no rows: none */
    int agent;     /* the socket of who answers the filter's questions, or -1 */
    const struct pv_texts *agent_state;
    int answered_fd;
    unsigned *answered; /* shared by parent and init: the agent has the filter; see notify.c */
    int pid_namespace; /* parent: what init is to join when it is made, or -1 */
    int network;   /* parent: the container's network namespace once it is connected, or -1 */
    int listens;   /* parent: a pidfd of the process that gets the filter */
    int terminal;  /* parent: the terminal's master; init: its slave; or -1 */
    int pipes[PV_STREAMS][2];
    int own_streams[PV_STREAMS]; /* init: pipes or a terminal that were made for it */
    int copies_terminal_in, copies_terminal_out; /* parent: the terminal is copied from 0, to 1 */
    struct rlimit files; /* the caller's limit of open files; we raise our own */
    char home[256]; /* init: what set_user found in /etc/passwd */
    char name[256]; /* the last one that pv_place_parent took from a path */
    char text[PV_TEXT];
};

/* Adds words to the failure that is about to be returned; gives `rc` back. */
int pv_say(struct pv_run *run, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* rootless.c: the lock of a user's namespace, at a number where others find it */
int pv_keep_use(int fd);

/* run.c */
int pv_run_main(int argc, char **argv);
int pv_follow_main(int argc, char **argv);
int pv_kept_main(int plan, char **reporter);
int pv_walk(struct pv_run *run, uint32_t from);
/* Returns when it cannot be executed. */
void pv_become_reporter(struct pv_run *run);
void pv_event(struct pv_run *run, enum pv_event_kind kind, uint32_t step, int error, int value,
              const char *text);

/* signals.c */
/* A signalfd of those that are meant for the container; they are blocked. */
int pv_catch_signals(void);
int pv_means_stop(int signal);
/* A signalfd that says when somebody asks the executor to stop, or -1: now it cannot. */
int pv_heard_signals(const struct pv_run *run);
/* What it says: -EINTR, or 0 when that is nothing to stop for. */
int pv_hear_signal(struct pv_run *run);
/* -EINTR when somebody has; 0 when init has something to say, or after the time. */
int pv_was_asked_to_stop(struct pv_run *run, int timeout);
/* Between two pieces of long work: -EINTR when somebody has, else 0. */
int pv_hear_in_between(struct pv_run *run);
int pv_do_sleep(struct pv_run *run, const struct pv_sleep *op);
/* As a program expects them that somebody starts: none blocked, none ignored by us. */
void pv_usual_signals(void);

/* operations.c */
int pv_do_op(struct pv_run *run, const struct pv_op *op);

/* kept.c */
void pv_try_kept(char **argv, const char *program, const char *repository);

/* follow.c */
int pv_follow(struct pv_run *run, int pipe, pid_t program);
int pv_take_hand_over(struct pv_run *run, uint8_t *bytes, size_t size);
void pv_end_program(struct pv_run *run);
int pv_write_report(const struct pv_run *run);

/* pause.c */
int pv_do_pause(struct pv_run *run);

/* sync.c: whole messages of a fixed size, each with a descriptor or -1 */
ssize_t pv_send_part(int socket, const void *bytes, size_t size, int fd);
int pv_send_bytes(int socket, const void *bytes, size_t size, int fd);
int pv_receive_bytes(int socket, void *bytes, size_t size, int *fd);
int pv_send(struct pv_run *run, enum pv_message_kind kind, uint32_t step, int error, int fd);
int pv_receive(struct pv_run *run, struct pv_message *message);

/* place.c */
int pv_place_open(struct pv_run *run, const struct pv_place *place, uint64_t flags, uint64_t resolve);
int pv_place_parent(struct pv_run *run, const struct pv_place *place, int make_parents,
                    const char **name);
int pv_place_make(struct pv_run *run, const struct pv_place *place, enum pv_target_kind create,
                  int directory);
int pv_mkdir(int parent, const char *name, mode_t mode);
int pv_keep(struct pv_run *run, uint32_t slot, int fd);
int pv_slot(struct pv_run *run, uint32_t slot);
void pv_close_slots(struct pv_run *run);

/* files.c */
int pv_do_mkdir(struct pv_run *run, const struct pv_mkdir *op);
int pv_do_write(struct pv_run *run, const struct pv_write *op);
int pv_write_whole(int fd, const void *bytes, size_t size);
int pv_do_write_bytes(struct pv_run *run, const struct pv_write_bytes *op);
int pv_do_append(struct pv_run *run, const struct pv_append *op);
int pv_do_write_pid(struct pv_run *run, const struct pv_write_pid *op);
int pv_write_text(struct pv_run *run, const struct pv_place *at, uint32_t how, mode_t mode,
                  const char *text);
int pv_do_lock(struct pv_run *run, const struct pv_lock *op);
/*
 * 0 when it is ours, -EWOULDBLOCK after so many milliseconds. -EINTR: somebody asks the executor to stop
 * by the descriptor `signals`, unless that is -1.
 */
int pv_lock_in_time(struct pv_run *run, int fd, int signals, uint32_t patience);
int pv_do_symlink(struct pv_run *run, const struct pv_symlink *op);
int pv_do_open(struct pv_run *run, const struct pv_open *op);
int pv_do_mknod(struct pv_run *run, const struct pv_mknod *op);

/* remove.c */
int pv_do_remove(struct pv_run *run, const struct pv_remove *op);
int pv_remove_below(int parent, const char *name);

/* cgroup.c */
int pv_do_device_filter(struct pv_run *run, const struct pv_device_filter *op);
int pv_do_remove_cgroup(struct pv_run *run, const struct pv_remove_cgroup *op);

/* namespaces.c */
int pv_do_clone(struct pv_run *run, const struct pv_clone *op);
int pv_do_setns(struct pv_run *run, const struct pv_setns *op);
int pv_do_interface_up(const struct pv_interface_up *op);

/* netdev.c */
int pv_do_move_interface(struct pv_run *run, const struct pv_move_interface *op);

/* network.c, port.c */
int pv_do_network_setup(struct pv_run *run, const struct pv_network_setup *op);
int pv_do_network_teardown(struct pv_run *run, const struct pv_network_teardown *op);
int pv_do_reserve_port(struct pv_run *run, const struct pv_reserve_port *op);

/* pasta.c, egress.c, follow-resolver.c; companions see companion.h */
#define PV_COMPANIONS 3
int pv_do_pasta(struct pv_run *run, const struct pv_pasta *op);
int pv_do_egress_rules(struct pv_run *run, const struct pv_egress_rules *op);
int pv_do_egress_guard(struct pv_run *run, const struct pv_egress_guard *op);
void pv_poll_companions(struct pollfd fds[PV_COMPANIONS]);
void pv_hear_companions(struct pv_run *run, const struct pollfd fds[PV_COMPANIONS]);
/* What they have told before the container ended. */
void pv_drain_companions(struct pv_run *run);
void pv_end_companions(void);
int pv_do_follow_resolver(struct pv_run *run, const struct pv_follow_resolver *op);
int pv_poll_resolver(void);
void pv_look_after_resolver(struct pv_run *run);

/* mounts.c */
int pv_do_mount(struct pv_run *run, const struct pv_mount *op);
/* A new file system with its options and flags, not attached to anything. */
int pv_make_mount(struct pv_run *run, const struct pv_mount *op);
int pv_do_bind(struct pv_run *run, const struct pv_bind *op);
int pv_do_attach(struct pv_run *run, const struct pv_attach *op);
int pv_do_mount_setattr(struct pv_run *run, const struct pv_mount_setattr *op);
int pv_attach_at(struct pv_run *run, int mount, const struct pv_place *at, uint32_t create);

int pv_do_reconfigure(struct pv_run *run, const struct pv_reconfigure *op);

/* idmap.c */
int pv_do_user_namespace(struct pv_run *run, const struct pv_user_namespace *op);
int pv_do_idmap(struct pv_run *run, const struct pv_idmap *op);

/* copy.c */
struct pv_owners;
int pv_do_copy_up(struct pv_run *run, const struct pv_copy_up *op);
/* With the owners that a user namespace has outside, or NULL: as they are. */
int pv_copy_below(struct pv_run *run, int from, int to, const struct pv_owners *owners);
int pv_copy_attributes(int from, int to, const struct pv_owners *owners);

/* owners.c, owner-ids.c, user-overlay.c, own.c */
#define PV_MAP_LINES 340 /* as many as the kernel takes; user_namespaces(7) */
struct pv_map {
    uint32_t count;
    struct {
        uint32_t inside, outside, size;
    } lines[PV_MAP_LINES];
};
struct pv_owners {
    struct pv_map uids, gids;
    int inward; /* for a copy: of ids outside those inside are made, and not the other way */
};
/* What `owners_inside` has said, or NULL; in transfer.c. */
const struct pv_owners *pv_owners_inside(void);
/* The maps of a user namespace, as we see it. */
int pv_read_owners(struct pv_run *run, int namespace, struct pv_owners *owners);
/* Outside, for an id inside; ~0u when it has none. */
uint32_t pv_outside(const struct pv_map *map, uint32_t id);
int pv_is_mapped(const struct pv_map *map, uint32_t outside);
/* The other way round. */
uint32_t pv_inside(const struct pv_map *map, uint32_t outside);
/* The ids of its root, or of whoever stands first in its maps. */
void pv_root_of(const struct pv_owners *owners, uid_t *uid, gid_t *gid);
/* Ids that stand in an extended attribute; gives its length, or a negative errno. */
ssize_t pv_shift_xattr(const char *name, void *value, size_t length, size_t room,
                       const struct pv_owners *owners);
ssize_t pv_unshift_xattr(const char *name, void *value, size_t length,
                         const struct pv_owners *owners);
int pv_do_user_overlay(struct pv_run *run, const struct pv_user_overlay *op);
int pv_do_user_copy(struct pv_run *run, const struct pv_user_copy *op);
int pv_do_own_pipes(struct pv_run *run, const struct pv_own_pipes *op);
int pv_do_own(struct pv_run *run, const struct pv_own *op);

/* volume.c, fill.c */
int pv_do_volume(struct pv_run *run, const struct pv_volume *op);
int pv_do_leave_volume(struct pv_run *run, const struct pv_leave_volume *op);
int pv_do_fill(struct pv_run *run, const struct pv_fill *op);

/* borrow.c */
int pv_do_borrow(struct pv_run *run, const struct pv_borrow *op);

/* cover.c */
int pv_do_mask(struct pv_run *run, const struct pv_mask *op);
int pv_do_readonly(struct pv_run *run, const struct pv_readonly *op);
int pv_is_null(const struct stat *st);

/* root.c */
int pv_do_pivot_root(const struct pv_pivot_root *op);
int pv_do_umount(const struct pv_umount *op);
int pv_do_move(const struct pv_move *op);
int pv_do_enter_root(struct pv_run *run, const struct pv_enter_root *op);
int pv_do_chdir(struct pv_run *run, const struct pv_chdir *op);

/* streams.c */
int pv_do_console(struct pv_run *run, const struct pv_console *op);
int pv_do_pipes(struct pv_run *run, const struct pv_pipes *op);
int pv_do_stdio(struct pv_run *run, const struct pv_stdio *op);
int pv_give_streams(struct pv_run *run, uid_t uid);
int pv_do_setsid(const struct pv_setsid *op);
void pv_copy_window_size(const struct pv_run *run, int terminal);

/* process.c */
int pv_do_setrlimit(struct pv_run *run, const struct pv_setrlimit *op);
int pv_do_capbset(const struct pv_capbset *op);
int pv_do_capset(struct pv_run *run, const struct pv_capset *op);
int pv_do_seccomp(struct pv_run *run, const struct pv_seccomp *op);
int pv_do_init(struct pv_run *run);
int pv_do_exec(struct pv_run *run, const struct pv_exec *op);
void pv_standard_signals(void);
int pv_do_close_fds(struct pv_run *run, const struct pv_close_fds *op);
/* All descriptors from `from` on but two; ~0u stands for none. */
int pv_close_but(unsigned from, int one, int other);
/* Tells the parent that the next thing that can be heard of us is our end. */
int pv_leap(struct pv_run *run);

/* transfer.c */
int pv_do_borrow_root(struct pv_run *run, const struct pv_borrow_root *op);
int pv_do_owners_inside(struct pv_run *run, const struct pv_owners_inside *op);
int pv_do_pack(struct pv_run *run, const struct pv_pack *op);
int pv_do_unpack(struct pv_run *run, const struct pv_unpack *op);
int pv_do_list_changes(struct pv_run *run, const struct pv_list_changes *op);

/* notify.c */
struct sock_fprog;
int pv_map_answered(struct pv_run *run, int fd);
int pv_do_seccomp_agent(struct pv_run *run, const struct pv_seccomp_agent *op);
int pv_seccomp_and_listen(struct pv_run *run, unsigned flags, const struct sock_fprog *program);
int pv_hand_over_listener(struct pv_run *run, int process, int number);

/* schedule.c */
int pv_do_scheduler(struct pv_run *run, const struct pv_scheduler *op);
int pv_do_io_priority(struct pv_run *run, const struct pv_io_priority *op);
int pv_do_memory_policy(const struct pv_memory_policy *op);
int pv_do_sched_affinity(struct pv_run *run, const struct pv_sched_affinity *op);

/* user.c */
/* The ids of `USER[:GROUP]`, by the files of a root, or of our own when it is -1. */
int pv_find_ids(struct pv_run *run, int root, const char *user, uid_t *uid, gid_t *gid);
int pv_do_set_user(struct pv_run *run, const struct pv_set_user *op);
int pv_do_become_root(struct pv_run *run);

int pv_do_find_program(struct pv_run *run, const struct pv_find_program *op);

/* created.c */
int pv_listen_at(struct pv_run *run, const struct pv_place *at, int flags, int backlog);
int pv_connect_to(int file, int type);
int pv_do_listen(struct pv_run *run, const struct pv_listen *op);
int pv_do_outlive(struct pv_run *run);
void pv_end_with_executor(const struct pv_run *run);
int pv_do_wait_start(struct pv_run *run, const struct pv_wait_start *op);
int pv_do_leave(struct pv_run *run);
int pv_do_start(struct pv_run *run, const struct pv_start *op);
int pv_do_send_terminal(struct pv_run *run, const struct pv_send_terminal *op);

/* hook.c */
int pv_do_hook(struct pv_run *run, const struct pv_hook *op);

/* systemd.c */
int pv_do_ask_systemd(struct pv_run *run, const struct pv_ask_systemd *op);

/* criu.c */
int pv_do_criu(struct pv_run *run, const struct pv_criu *op);
int pv_do_criu_child(struct pv_run *run);
int pv_do_criu_rest(struct pv_run *run, const struct pv_criu_rest *op);
int pv_criu_script(const char *action, const char *at);

/* others.c */
int pv_do_process(struct pv_run *run, const struct pv_process *op);
int pv_start_time(pid_t pid, uint64_t *ticks);
int pv_hold_process(struct pv_run *run, const struct pv_place *of, pid_t *pid);
int pv_do_signal(struct pv_run *run, const struct pv_signal *op);
int pv_do_signal_cgroup(struct pv_run *run, const struct pv_signal_cgroup *op);
int pv_do_freeze(struct pv_run *run, const struct pv_freeze *op);
int pv_is_frozen(int cgroup);

#endif
