/* Requests to rtnetlink(7), and the answers. */
#ifndef PV_NETLINK_H
#define PV_NETLINK_H

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A message with its attributes behind it; as large as any that is sent here. */
struct pv_request {
    struct nlmsghdr header;
    char body[512];
};

/* What is done with each message of an answer. */
typedef int (*pv_taker)(const struct nlmsghdr *message, void *into);

void pv_begin(struct pv_request *r, uint16_t type, uint16_t flags, const void *message, size_t size);
void pv_add(struct pv_request *r, uint16_t type, const void *value, size_t size);
void pv_add_text(struct pv_request *r, uint16_t type, const char *text);
/* Sends, and reads the answer to its end: an errno, or the end of a list. */
int pv_ask(int socket, const struct pv_request *r, pv_taker take, void *into);
int pv_open_netlink(void);

/* There is no way back into our own network namespace: what came next would happen in the wrong one. */
static inline void __attribute__((noreturn)) pv_end_lost(void) {
    dprintf(STDERR_FILENO,
            "pivot: cannot go back to the network of this machine: %s: `pivot system prune` removes what "
            "is left\n",
            strerror(errno));
    _exit(125);
}

/* link.c: the end of a container's interface that is on this machine; `alias` is how it is found. */
int pv_mark_link(int netns, const char *interface, const char *alias);
int pv_remove_link(const char *alias);

#endif
