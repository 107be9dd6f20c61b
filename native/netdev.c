/*
 * A network device of the host goes over to the container, and keeps its addresses: rtnetlink(7).
 *
 * The parent speaks with both network namespaces: with its own, and through a socket that a child
 * has opened in the container's. Nothing is asked of a process inside.
 */
#define _GNU_SOURCE
#include <linux/if_addr.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>

#include "calls.h"
#include "executor.h"
#include "messenger.h"
#include "netlink.h"

#define PV_ADDRESSES 256
#define PV_FLAGS_KEPT                                                                              \
    (IFA_F_NODAD | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN | IFA_F_HOMEADDRESS)

struct address {
    struct ifaddrmsg message;
    uint32_t flags, priority;
    uint8_t local[16], peer[16], broadcast[16];
    uint8_t has_local, has_peer, has_broadcast, size;
};

/* Those of one device. */
struct addresses {
    uint32_t index, count;
    struct address list[PV_ADDRESSES];
};

static int take_index(const struct nlmsghdr *message, void *into) {
    if (message->nlmsg_type == RTM_NEWLINK)
        *(int *)into = ((struct ifinfomsg *)NLMSG_DATA(message))->ifi_index;
    return 0;
}

/* The index of a device by its name, or -ENODEV. */
static int find_device(int socket, const char *name) {
    struct pv_request r;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    int index = -ENODEV;
    pv_begin(&r, RTM_GETLINK, NLM_F_ACK, &link, sizeof link);
    pv_add_text(&r, IFLA_IFNAME, name);
    int rc = pv_ask(socket, &r, take_index, &index);
    return rc < 0 ? rc : index;
}

static void take_value(const struct rtattr *attribute, uint8_t to[16], uint8_t *has, uint8_t *size) {
    size_t length = RTA_PAYLOAD(attribute);
    if (length > 16)
        return;
    memcpy(to, RTA_DATA(attribute), length);
    *has = 1;
    *size = (uint8_t)length;
}

/* Permanent addresses of global scope: those that config-linux.md has kept. */
static int take_address(const struct nlmsghdr *message, void *into) {
    struct addresses *all = into;
    const struct ifaddrmsg *m = NLMSG_DATA(message);
    if (message->nlmsg_type != RTM_NEWADDR || m->ifa_scope != RT_SCOPE_UNIVERSE ||
        m->ifa_index != all->index)
        return 0;
    struct address one = {.message = *m, .flags = m->ifa_flags};
    int left = (int)IFA_PAYLOAD(message);
    for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFA_LOCAL)
            take_value(a, one.local, &one.has_local, &one.size);
        else if (a->rta_type == IFA_ADDRESS)
            take_value(a, one.peer, &one.has_peer, &one.size);
        else if (a->rta_type == IFA_BROADCAST)
            take_value(a, one.broadcast, &one.has_broadcast, &one.size);
        else if (a->rta_type == IFA_FLAGS && RTA_PAYLOAD(a) == sizeof one.flags)
            memcpy(&one.flags, RTA_DATA(a), sizeof one.flags);
        else if (a->rta_type == IFA_RT_PRIORITY && RTA_PAYLOAD(a) == sizeof one.priority)
            memcpy(&one.priority, RTA_DATA(a), sizeof one.priority);
    }
    if (!(one.flags & IFA_F_PERMANENT))
        return 0;
    if (all->count == PV_ADDRESSES)
        return -E2BIG;
    all->list[all->count++] = one;
    return 0;
}

static int read_addresses(int socket, int index, struct addresses *all) {
    struct pv_request r;
    struct ifaddrmsg any = {.ifa_family = AF_UNSPEC};
    memset(all, 0, sizeof *all);
    all->index = (uint32_t)index;
    pv_begin(&r, RTM_GETADDR, NLM_F_DUMP, &any, sizeof any);
    return pv_ask(socket, &r, take_address, all);
}

static int give_address(int socket, int index, const struct address *one) {
    struct pv_request r;
    struct ifaddrmsg m = one->message;
    uint32_t flags = one->flags & PV_FLAGS_KEPT;
    m.ifa_index = (uint32_t)index;
    m.ifa_flags = (uint8_t)flags;
    pv_begin(&r, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &m, sizeof m);
    if (one->has_local)
        pv_add(&r, IFA_LOCAL, one->local, one->size);
    if (one->has_peer)
        pv_add(&r, IFA_ADDRESS, one->peer, one->size);
    if (one->has_broadcast)
        pv_add(&r, IFA_BROADCAST, one->broadcast, one->size);
    pv_add(&r, IFA_FLAGS, &flags, sizeof flags);
    if (one->priority)
        pv_add(&r, IFA_RT_PRIORITY, &one->priority, sizeof one->priority);
    int rc = pv_ask(socket, &r, NULL, NULL);
    return rc == -EEXIST ? 0 : rc;
}

static int switch_on(int socket, int index) {
    struct pv_request r;
    struct ifinfomsg link = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    pv_begin(&r, RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
    return pv_ask(socket, &r, NULL, NULL);
}

static int send_over(int socket, int index, const char *name, pid_t init) {
    struct pv_request r;
    struct ifinfomsg link = {.ifi_index = index};
    uint32_t pid = (uint32_t)init;
    pv_begin(&r, RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
    pv_add(&r, IFLA_NET_NS_PID, &pid, sizeof pid);
    pv_add_text(&r, IFLA_IFNAME, name);
    return pv_ask(socket, &r, NULL, NULL);
}

/* In the network namespace of init. */
static int open_there(const void *pidfd) {
    int rc = pv_result(setns(*(const int *)pidfd, CLONE_NEWNET));
    return rc < 0 ? rc : pv_open_netlink();
}

/*
 * The name there: looked for beforehand, since a device that cannot be renamed any more has left
 * the host all the same. `%d` stands for the first number that is free.
 */
static int choose_name(struct pv_run *run, int inside, const char *wish, char name[IFNAMSIZ]) {
    const char *number = strstr(wish, "%d");
    for (int i = 0; i < 1024; i++) {
        int n = number ? snprintf(name, IFNAMSIZ, "%.*s%d%s", (int)(number - wish), wish, i, number + 2)
                       : snprintf(name, IFNAMSIZ, "%s", wish);
        if (n < 0 || n >= IFNAMSIZ)
            return pv_say(run, -ENAMETOOLONG, "%.64s", wish);
        int index = find_device(inside, name);
        if (index == -ENODEV)
            return 0;
        if (index < 0)
            return index;
        if (!number)
            break;
    }
    return pv_say(run, -EEXIST, "the container has a device %.64s already", wish);
}

static int move_device(struct pv_run *run, int outside, int inside, const struct pv_move_interface *op) {
    static struct addresses addresses;
    char name[IFNAMSIZ];
    int index = find_device(outside, op->name);
    if (index < 0)
        return pv_say(run, index, "the device on the host");
    int rc = choose_name(run, inside, op->to, name);
    if (rc < 0)
        return rc;
    rc = read_addresses(outside, index, &addresses);
    if (rc < 0)
        return pv_say(run, rc, "its addresses");
    rc = send_over(outside, index, name, run->init);
    if (rc < 0)
        return pv_say(run, rc, "moving it");
    index = find_device(inside, name);
    if (index < 0)
        return pv_say(run, index, "the device in the container");
    rc = switch_on(inside, index);
    if (rc < 0)
        return pv_say(run, rc, "switching it on");
    for (uint32_t i = 0; rc == 0 && i < addresses.count; i++)
        rc = give_address(inside, index, &addresses.list[i]);
    return rc < 0 ? pv_say(run, rc, "giving it its addresses") : 0;
}

int pv_do_move_interface(struct pv_run *run, const struct pv_move_interface *op) {
    if (run->actor != PV_BY_PARENT || run->init <= 0)
        return pv_say(run, -ECHILD, "there is no first process");
    if (strlen(op->name) >= IFNAMSIZ || strlen(op->to) >= IFNAMSIZ)
        return -ENAMETOOLONG;
    int outside = pv_open_netlink();
    int inside = outside < 0 ? outside : pv_get_from(run, open_there, &run->pidfd);
    int rc = inside < 0 ? inside : move_device(run, outside, inside, op);
    if (inside >= 0)
        close(inside);
    if (outside >= 0)
        close(outside);
    return rc;
}
