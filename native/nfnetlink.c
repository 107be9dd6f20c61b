/* Requests to netfilter; see nfnetlink.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "calls.h"
#include "nfnetlink.h"

int pv_open_nfnetlink(void) {
    int fd = pv_result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    /* The kernel answers within the call; should it not, nobody waits for ever. */
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){2, 0}, sizeof(struct timeval));
    return fd;
}

void pv_nf_begin(struct pv_nf_request *r) {
    r->size = r->message = 0;
}

static struct nlmsghdr *message_of(struct pv_nf_request *r) {
    return (struct nlmsghdr *)(r->bytes + r->message);
}

/* Zeroed; NULL when it does not fit, which no caller's data brings about. */
static void *take(struct pv_nf_request *r, size_t size) {
    size_t whole = NLMSG_ALIGN(size);
    if (r->size + whole > sizeof r->bytes)
        return NULL;
    void *found = memset(r->bytes + r->size, 0, whole);
    r->size += whole;
    message_of(r)->nlmsg_len = (uint32_t)(r->size - r->message);
    return found;
}

void pv_nf_message(struct pv_nf_request *r, unsigned type, unsigned flags, uint8_t family,
                   uint16_t resource) {
    r->message = r->size;
    struct nlmsghdr *head = take(r, NLMSG_HDRLEN + sizeof(struct nfgenmsg));
    if (!head)
        return;
    head->nlmsg_type = (uint16_t)type;
    head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    *(struct nfgenmsg *)NLMSG_DATA(head) = (struct nfgenmsg){family, NFNETLINK_V0, htons(resource)};
}

void pv_nf_add(struct pv_nf_request *r, unsigned type, const void *value, size_t size) {
    struct nlattr *a = take(r, NLA_HDRLEN + size);
    if (!a)
        return;
    a->nla_type = (uint16_t)type;
    a->nla_len = (uint16_t)(NLA_HDRLEN + size);
    memcpy((char *)a + NLA_HDRLEN, value, size);
}

size_t pv_nf_nest(struct pv_nf_request *r, unsigned type) {
    size_t at = r->size;
    pv_nf_add(r, NLA_F_NESTED | type, "", 0);
    return at;
}

void pv_nf_end(struct pv_nf_request *r, size_t nest) {
    ((struct nlattr *)(r->bytes + nest))->nla_len = (uint16_t)(r->size - nest);
}

int pv_nf_send(int socket, const struct pv_nf_request *r) {
    static char buffer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    while (recv(socket, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        ; /* what a request before this had besides its first error */
    if (sendto(socket, r->bytes, r->size, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
        return -errno;
    for (;;) {
        ssize_t n = recv(socket, buffer, sizeof buffer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        uint32_t left = (uint32_t)n;
        for (struct nlmsghdr *m = (struct nlmsghdr *)buffer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left))
            if (m->nlmsg_type == NLMSG_ERROR)
                return ((struct nlmsgerr *)NLMSG_DATA(m))->error;
    }
}
