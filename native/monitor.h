/*
 * The executor beside a container that runs: as its monitor it moves, keeps and serves what the
 * container reads and writes, hears signals, and sees to what comes afterwards.
 */
#ifndef PV_MONITOR_H
#define PV_MONITOR_H

#include "executor.h"

/* supervise.c */
int pv_do_supervise(struct pv_run *run, const struct pv_supervise *op);
int pv_next_signal(struct pv_run *run); /* its number, or 0 */

/* flow.c */
#define PV_FLOW_POLLS 6
void pv_start_flow(struct pv_run *run);
void pv_poll_flow(struct pollfd fds[PV_FLOW_POLLS]);
void pv_move_flow(struct pv_run *run, const struct pollfd fds[PV_FLOW_POLLS]);
/* The errno with which the caller's output could not be written, or 0. */
int pv_lost_output(void);
void pv_drain_flow(struct pv_run *run);
void pv_forget_caller(struct pv_run *run);
/* Whether the container has an input; and whether it takes more, or has none. */
int pv_has_input(void);
int pv_takes_input(void);
void pv_give_input(struct pv_run *run, const char *bytes, size_t size);
void pv_end_input(struct pv_run *run);
void pv_end_output(struct pv_run *run, int stream);

/* raw.c */
void pv_make_raw(void);
int pv_is_raw(void);
void pv_restore_terminal(void);

/* log.c */
int pv_do_log(struct pv_run *run, const struct pv_log *op);
void pv_log_output(int stream, const char *bytes, size_t size);
/* One line of ours, whatever stands open of the container's. */
void pv_log_line(const char *text, size_t length);
void pv_log_end(void);

/* clients.c */
#define PV_CLIENTS 64
#define PV_CLIENT_POLLS (PV_CLIENTS + 1)
int pv_do_attachable(struct pv_run *run, const struct pv_attachable *op);
int pv_is_attachable(void);
nfds_t pv_poll_clients(struct pollfd fds[PV_CLIENT_POLLS]);
void pv_serve_clients(struct pv_run *run, const struct pollfd *fds);
void pv_send_output(const struct pv_run *run, int stream, const char *bytes, size_t size);
/* The client that waits for the container in the foreground: it gets everything (flow.c). */
void pv_take_in_caller(struct pv_run *run);
void pv_put_out(int client);
int pv_send_packet(int client, int kind, const void *bytes, size_t size);
void pv_tell_clients_end(struct pv_run *run);

/* detach.c */
int pv_do_detach(struct pv_run *run, const struct pv_detach *op);
int pv_tell_started(struct pv_run *run); /* -EINTR when nobody waits for it any more */
int pv_tell_failed(struct pv_run *run);  /* whether somebody was told, who reports it */
/* Adds what another process could not undo to what is told. */
void pv_take_news(struct pv_run *run, const void *bytes, size_t size);

/* take-part.c */
struct pv_session {
    int input;                 /* standard input is the container's */
    int is_caller;             /* who has started the container, and is to get all that it writes */
    const struct pv_place *of; /* the process that gets signals; no place: they end the session */
    struct pv_bytes keys;      /* to detach */
    const char *farewell;      /* what is printed then */
};
/* Until the container has ended, with its exit code in `run`, or until somebody leaves it. */
int pv_take_part(struct pv_run *run, int socket, const struct pv_session *wish);
int pv_do_take_part(struct pv_run *run, const struct pv_take_part *op);

/* program.c */
int pv_do_health(const struct pv_health *op);
int pv_health_pause(void);
void pv_look_after_health(void);
void pv_end_health(void);
int pv_do_afterwards(const struct pv_afterwards *op);
int pv_comes_afterwards(void);
void pv_become_afterwards(const struct pv_run *run);

#endif
