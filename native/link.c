/*
 * The end of a container's interface that is on this machine, a port of a bridge. It gets an alias
 * by which it is found when the container is gone: its namespace may live on, by a process that
 * somebody else's container has in it, and then so does the port, with an address that is another's
 * by then.
 */
#define _GNU_SOURCE
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "netlink.h"

struct found {
    const char *alias;
    int index; /* of the link with the alias, or the peer of the one that was asked for */
};

static int take_peer(const struct nlmsghdr *message, void *into) {
    struct found *found = into;
    const struct ifinfomsg *link = NLMSG_DATA(message);
    int left = (int)IFLA_PAYLOAD(message);
    if (message->nlmsg_type != RTM_NEWLINK)
        return 0;
    for (const struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == IFLA_LINK && RTA_PAYLOAD(a) == sizeof found->index)
            memcpy(&found->index, RTA_DATA(a), sizeof found->index);
    return 0;
}

static int take_aliased(const struct nlmsghdr *message, void *into) {
    struct found *found = into;
    const struct ifinfomsg *link = NLMSG_DATA(message);
    size_t length = strlen(found->alias);
    int left = (int)IFLA_PAYLOAD(message);
    if (message->nlmsg_type != RTM_NEWLINK)
        return 0;
    for (const struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == IFLA_IFALIAS && RTA_PAYLOAD(a) >= length &&
            memcmp(RTA_DATA(a), found->alias, length) == 0 &&
            (RTA_PAYLOAD(a) == length || ((const char *)RTA_DATA(a))[length] == '\0'))
            found->index = link->ifi_index;
    return 0;
}

/* A socket in another network namespace; we are back in our own afterwards. */
static int open_inside(int netns) {
    int own = pv_result(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    int rc = own < 0 ? own : pv_result(setns(netns, CLONE_NEWNET));
    if (rc == 0) {
        rc = pv_open_netlink();
        if (setns(own, CLONE_NEWNET) < 0)
            pv_end_lost();
    }
    if (own >= 0)
        close(own);
    return rc;
}

static int find_peer(int netns, const char *interface) {
    struct pv_request r;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct found found = {.index = -ENODEV};
    int socket = open_inside(netns);
    if (socket < 0)
        return socket;
    pv_begin(&r, RTM_GETLINK, NLM_F_ACK, &link, sizeof link);
    pv_add_text(&r, IFLA_IFNAME, interface);
    int rc = pv_ask(socket, &r, take_peer, &found);
    close(socket);
    return rc < 0 ? rc : found.index;
}

/* A container reaches the port that it has published itself: the packet goes out where it came in. */
static int turn_hairpin_on(int socket, int index) {
    struct pv_request r;
    struct ifinfomsg link = {.ifi_family = AF_BRIDGE, .ifi_index = index};
    struct {
        struct rtattr head;
        uint8_t on, padding[3];
    } mode = {.head = {.rta_len = RTA_LENGTH(1), .rta_type = IFLA_BRPORT_MODE}, .on = 1};
    pv_begin(&r, RTM_SETLINK, NLM_F_ACK, &link, sizeof link);
    pv_add(&r, IFLA_PROTINFO | NLA_F_NESTED, &mode, sizeof mode);
    return pv_ask(socket, &r, NULL, NULL);
}

int pv_mark_link(int netns, const char *interface, const char *alias) {
    int index = find_peer(netns, interface);
    int socket = index < 0 ? index : pv_open_netlink();
    if (socket < 0)
        return socket;
    struct pv_request r;
    struct ifinfomsg link = {.ifi_index = index};
    pv_begin(&r, RTM_SETLINK, NLM_F_ACK, &link, sizeof link);
    pv_add(&r, IFLA_IFALIAS, alias, strlen(alias));
    int rc = pv_ask(socket, &r, NULL, NULL);
    if (rc == 0)
        rc = turn_hairpin_on(socket, index);
    close(socket);
    return rc;
}

int pv_remove_link(const char *alias) {
    struct pv_request r;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct found found = {.alias = alias, .index = 0};
    int socket = pv_open_netlink();
    if (socket < 0)
        return socket;
    pv_begin(&r, RTM_GETLINK, NLM_F_DUMP, &link, sizeof link);
    int rc = pv_ask(socket, &r, take_aliased, &found);
    if (rc == 0 && found.index > 0) {
        link.ifi_index = found.index;
        pv_begin(&r, RTM_DELLINK, NLM_F_ACK, &link, sizeof link);
        rc = pv_ask(socket, &r, NULL, NULL);
        rc = rc == -ENODEV ? 0 : rc; /* the kernel was faster */
    }
    close(socket);
    return rc;
}
