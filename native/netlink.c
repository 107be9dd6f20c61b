/* Requests to rtnetlink(7), and the answers. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>

#include "calls.h"
#include "netlink.h"

void pv_begin(struct pv_request *r, uint16_t type, uint16_t flags, const void *message, size_t size) {
    memset(r, 0, sizeof *r);
    r->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = NLM_F_REQUEST | flags;
    memcpy(NLMSG_DATA(&r->header), message, size);
}

void pv_add(struct pv_request *r, uint16_t type, const void *value, size_t size) {
    struct rtattr *attribute = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(size);
    memcpy(RTA_DATA(attribute), value, size);
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + (uint32_t)RTA_ALIGN(attribute->rta_len);
}

void pv_add_text(struct pv_request *r, uint16_t type, const char *text) {
    pv_add(r, type, text, strlen(text) + 1);
}

int pv_ask(int socket, const struct pv_request *r, pv_taker take, void *into) {
    static char buffer[65536] __attribute__((aligned(NLMSG_ALIGNTO)));
    if (send(socket, r, r->header.nlmsg_len, 0) < 0)
        return -errno;
    for (int rc = 0;;) {
        struct sockaddr_nl from = {.nl_pid = 0};
        socklen_t length = sizeof from;
        ssize_t n = recvfrom(socket, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (from.nl_pid != 0)
            continue; /* not the kernel: in a container's namespace its CAP_NET_ADMIN can write to us */
        uint32_t left = (uint32_t)n;
        for (struct nlmsghdr *m = (struct nlmsghdr *)buffer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
            if (m->nlmsg_type == NLMSG_DONE)
                return rc;
            if (m->nlmsg_type == NLMSG_ERROR) {
                int error = ((struct nlmsgerr *)NLMSG_DATA(m))->error;
                return error < 0 ? error : rc;
            }
            if (take && rc == 0)
                rc = take(m, into);
        }
    }
}

int pv_open_netlink(void) {
    return pv_result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}
