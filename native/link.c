/*
 * The end of a container's interface that is on this machine, a port of a bridge. It gets an alias
 * by which it is found when the container is gone: its namespace may live on, by a process that
 * somebody else's container has in it, and then so does the port, with an address that is another's
 * by then.
 */
#define _GNU_SOURCE
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "netlink.h"

struct found {
    const char *alias;
    int index; /* of the link with the alias, or of the one that was asked for */
    int peer, peer_namespace; /* of its peer, and by which number that one's namespace goes here; or 0, -1 */
};

static int take_link(const struct nlmsghdr *message, void *into) {
    struct found *found = into;
    const struct ifinfomsg *link = NLMSG_DATA(message);
    int left = (int)IFLA_PAYLOAD(message);
    if (message->nlmsg_type != RTM_NEWLINK)
        return 0;
    found->index = link->ifi_index;
    for (const struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == IFLA_LINK && RTA_PAYLOAD(a) == sizeof found->peer)
            memcpy(&found->peer, RTA_DATA(a), sizeof found->peer);
        else if (a->rta_type == IFLA_LINK_NETNSID && RTA_PAYLOAD(a) == sizeof found->peer_namespace)
            memcpy(&found->peer_namespace, RTA_DATA(a), sizeof found->peer_namespace);
    return 0;
}

static int take_namespace(const struct nlmsghdr *message, void *into) {
    const struct rtattr *a =
        (const struct rtattr *)((const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct rtgenmsg)));
    int left = (int)NLMSG_PAYLOAD(message, sizeof(struct rtgenmsg));
    for (; message->nlmsg_type == RTM_NEWNSID && RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == NETNSA_NSID && RTA_PAYLOAD(a) == sizeof(int))
            memcpy(into, RTA_DATA(a), sizeof(int));
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

/* By its name, or by its number when that is NULL. */
static int find_link(int socket, const char *name, int index, struct found *found) {
    struct pv_request r;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    *found = (struct found){.peer_namespace = -1};
    pv_begin(&r, RTM_GETLINK, NLM_F_ACK, &link, sizeof link);
    if (name)
        pv_add_text(&r, IFLA_IFNAME, name);
    int rc = pv_ask(socket, &r, take_link, found);
    return rc == 0 && found->index <= 0 ? -ENODEV : rc;
}

/* The number by which a network namespace goes in ours; -1: it has none. */
static int number_of(int socket, int netns) {
    struct pv_request r;
    struct rtgenmsg message = {.rtgen_family = AF_UNSPEC};
    int number = -1;
    pv_begin(&r, RTM_GETNSID, NLM_F_ACK, &message, sizeof message);
    pv_add(&r, NETNSA_FD, &netns, sizeof netns);
    int rc = pv_ask(socket, &r, take_namespace, &number);
    return rc < 0 ? rc : number;
}

/*
 * The end here of an interface there. What the other side says of it is what a container with
 * CAP_NET_ADMIN has made of it, and the number could be that of any link of ours: so ours has to say
 * the same.
 */
static int find_end(int socket, int netns, const char *interface) {
    struct found inside, ours;
    int there = open_inside(netns);
    if (there < 0)
        return there;
    int rc = find_link(there, interface, 0, &inside);
    close(there);
    if (rc == 0)
        rc = inside.peer > 0 ? find_link(socket, NULL, inside.peer, &ours) : -ENODEV;
    if (rc < 0)
        return rc;
    int is_it = ours.peer == inside.index && ours.peer_namespace >= 0 &&
                ours.peer_namespace == number_of(socket, netns);
    return is_it ? ours.index : -ENODEV;
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
    int socket = pv_open_netlink();
    int index = socket < 0 ? socket : find_end(socket, netns, interface);
    if (index < 0) {
        if (socket >= 0)
            close(socket);
        return index;
    }
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
