/*
 * Published ports: the rules that lead them to a container come before all sockets, so a program of
 * the host that serves the same port would fall silent without a word. A socket that is bound, and
 * never listens, lets the kernel say no to the second of them.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "calls.h"
#include "executor.h"

static int hold(struct pv_run *run, const struct pv_reserve_port *op, uint32_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int is_v6 = op->address.size == sizeof v6.sin6_addr;
    if (!is_v6 && op->address.size != sizeof v4.sin_addr)
        return -EINVAL;
    memcpy(is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr, op->address.data, op->address.size);
    int type = op->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = pv_result(socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, (int)op->protocol));
    /* A kernel without this protocol has no program that could serve it either. */
    if (fd == -EPROTONOSUPPORT || fd == -EAFNOSUPPORT)
        return 0;
    if (fd < 0)
        return fd;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    const struct sockaddr *at = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    int rc = pv_result(bind(fd, at, is_v6 ? sizeof v6 : sizeof v4));
    if (rc == 0)
        return 0; /* open until the executor ends */
    close(fd);
    return pv_say(run, rc, "port %u", port);
}

int pv_do_reserve_port(struct pv_run *run, const struct pv_reserve_port *op) {
    for (uint32_t i = 0; i < op->count; i++) {
        int rc = op->port + i > 65535 ? -EINVAL : hold(run, op, op->port + i);
        if (rc < 0)
            return rc;
    }
    return 0;
}
