/*
 * The guard of a container's egress list: a companion in the container's network namespace.
 *
 *      program in the container                    guard                        outside
 *         | where is example.com? -- 127.0.0.11 -->| on the list
 *         |                                        |--- marked, port 53 ------>  its name server
 *         |                                        |<-------------------------  203.0.113.7, 60 s
 *         |                                        | admits 203.0.113.7 for 60 s
 *         |<----------------- 203.0.113.7, 60 s ---|
 *         | connects                     the rules let it pass
 *         | anything else                the rules refuse, and tell the guard, which writes a line
 *
 * The rules stand by themselves: without the guard no name is answered and no address admitted.
 */
#ifndef PV_EGRESS_H
#define PV_EGRESS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "dns.h"

/* ── egress-list.c: what is on the list, and the words for what is not ─────────────────────── */

#define PV_PORTS 16

struct pv_listed {
    const char *name; /* behind the `*.` of a wildcard; lower case */
    uint16_t port;    /* or 0: any */
    int is_wild;
    size_t length;
};

struct pv_list {
    struct pv_listed *entries;
    uint32_t count;
};

/* What the list says of a name. */
struct pv_allowed {
    unsigned count; /* of ports; 0: it is not there */
    int is_exact;   /* by itself, and not by a wildcard alone */
    uint16_t ports[PV_PORTS];
};

int pv_read_list(char **texts, uint32_t count, struct pv_list *list);
void pv_look_in_list(const struct pv_list *list, const char *name, struct pv_allowed *allowed);

enum pv_reach { PV_PUBLIC, PV_PRIVATE, PV_NEVER };
/* Whether an address is one that a name may be given: any, a listed name alone, or none. */
enum pv_reach pv_reach_of(const struct pv_address *address);

#define PV_ADDRESS_TEXT 64
/* `203.0.113.7`, `[2001:db8::7]` */
const char *pv_address_text(const struct pv_address *address, char text[PV_ADDRESS_TEXT]);

/* ── egress-log.c: lines for the container's log ───────────────────────────────────────────── */

void pv_tell_to(int words);
/* A line, unless the very same was told just now. */
void pv_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How many were left out since. */
void pv_tell_rest(void);
/* Which name an address was given out for: for the words about a packet. */
void pv_remember_address(const struct pv_address *address, const char *name);
/* A socket that hears what the rules refuse, or a negative errno. */
int pv_open_refusals(uint16_t group);
void pv_hear_refusals(int socket, const struct pv_list *list);
/* One packet, from its IP header on. */
void pv_tell_packet(const uint8_t *packet, size_t size, const struct pv_list *list);

/* ── egress-set.c: the sets of admitted addresses ──────────────────────────────────────────── */

int pv_open_sets(const char *table);
/* For so many seconds; port 0 is any. */
int pv_admit(int socket, const struct pv_address *address, uint16_t port, uint32_t seconds);

/* ── egress-rights.c: what the guard gives up ──────────────────────────────────────────────── */

/* Its user, and every right but CAP_NET_ADMIN, which marks questions and admits addresses. */
int pv_keep_guard_rights(void);
/* Every system call but those of its loop; sockets of IP alone. */
int pv_keep_guard_calls(void);

/* ── egress-dns.c: the resolver ────────────────────────────────────────────────────────────── */

#define PV_PENDING 64
#define PV_TCP_CLIENTS 8
#define PV_RESOLVER_POLLS (2 + PV_PENDING + PV_TCP_CLIENTS)

struct pv_resolver {
    const struct pv_list *list;
    int udp, tcp; /* where it is asked */
    int upstream; /* the file with the servers that it asks */
    int sets;
    uint32_t mark;
};

int pv_open_resolver(const uint8_t address[4]);
/* Milliseconds that poll may wait. */
int pv_poll_resolver_sockets(struct pollfd fds[PV_RESOLVER_POLLS]);
void pv_serve_names(const struct pollfd fds[PV_RESOLVER_POLLS]);
struct pv_resolver *pv_resolver(void);

#endif
