/*
 * What was refused, in lines for people and models: names by the resolver, packets by the rules, which
 * tell of them by nfnetlink_log. That is a matter of the container's network namespace alone, and the
 * machine's own log has nothing of it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "calls.h"
#include "clock.h"
#include "companion.h"
#include "egress.h"
#include "nfnetlink.h"

#define PV_RECENT 64
#define PV_AGAIN 2000 /* milliseconds in which the same is told once */
#define PV_A_SECOND 100
#define PV_NAMED 256
#define PV_SNAP 128

/* ── lines ──────────────────────────────────────────────────────────────────────────────────── */

static int out = -1;
static unsigned long untold;

void pv_tell_to(int words) {
    out = words;
    fcntl(out, F_SETFL, O_NONBLOCK); /* a flood must not keep the resolver from answering */
}

static int was_told_just_now(const char *line) {
    static struct {
        uint64_t hash;
        int64_t time;
    } recent[PV_RECENT];
    static unsigned next;
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *c = line; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    int64_t now = pv_milliseconds();
    for (int i = 0; i < PV_RECENT; i++)
        if (recent[i].hash == hash && recent[i].time && now - recent[i].time < PV_AGAIN)
            return 1;
    recent[next].hash = hash;
    recent[next].time = now;
    next = (next + 1) % PV_RECENT;
    return 0;
}

static void put(const char *line, int length) {
    if (write(out, line, (size_t)length) != length)
        untold++;
}

/* A container could fill the disk with lines that are not its own. */
static int is_too_much(void) {
    static int64_t second;
    static unsigned told;
    int64_t now = pv_milliseconds() / 1000;
    if (now != second) {
        second = now;
        told = 0;
    }
    return told++ >= PV_A_SECOND;
}

void pv_tell_rest(void) {
    char more[80];
    unsigned long count = untold;
    untold = 0;
    if (count)
        put(more, snprintf(more, sizeof more, "egress refused: %lu times more than are told here\n", count));
}

void pv_tell(const char *format, ...) {
    char line[512]; /* less than PIPE_BUF: as a whole or not at all */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0 || was_told_just_now(line))
        return;
    if (is_too_much()) {
        untold++;
        return;
    }
    if (length > (int)sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length++] = '\n';
    pv_tell_rest();
    put(line, length);
}

/* ── packets ────────────────────────────────────────────────────────────────────────────────── */

static struct {
    struct pv_address address;
    char name[PV_DNS_NAME];
} named[PV_NAMED];

void pv_remember_address(const struct pv_address *address, const char *name) {
    static unsigned next;
    for (unsigned i = 0; i < PV_NAMED; i++)
        if (memcmp(&named[i].address, address, sizeof *address) == 0 && strcmp(named[i].name, name) == 0)
            return;
    named[next].address = *address;
    snprintf(named[next].name, sizeof named[next].name, "%s", name);
    next = (next + 1) % PV_NAMED;
}

static const char *name_of(const struct pv_address *address) {
    for (unsigned i = 0; i < PV_NAMED; i++)
        if (named[i].name[0] && memcmp(&named[i].address, address, sizeof *address) == 0)
            return named[i].name;
    return NULL;
}

static int is_allowed_at(const struct pv_list *list, const char *name, unsigned port) {
    struct pv_allowed allowed;
    pv_look_in_list(list, name, &allowed);
    for (unsigned i = 0; i < allowed.count; i++)
        if (allowed.ports[i] == 0 || allowed.ports[i] == port)
            return 1;
    return 0;
}

static const char *protocol_name(unsigned protocol, char text[24]) {
    switch (protocol) {
    case IPPROTO_TCP: return "tcp";
    case IPPROTO_UDP: return "udp";
    case IPPROTO_SCTP: return "sctp";
    case IPPROTO_ICMP: return "icmp";
    case IPPROTO_ICMPV6: return "icmpv6";
    default: snprintf(text, 24, "protocol %u", protocol); return text;
    }
}

static void tell_of(const struct pv_address *address, unsigned protocol, unsigned port,
                    const struct pv_list *list) {
    char text[PV_ADDRESS_TEXT], other[24], where[PV_ADDRESS_TEXT + 16], behind[16] = "";
    const char *what = protocol_name(protocol, other), *name = name_of(address);
    if (port)
        snprintf(behind, sizeof behind, ":%u", port);
    snprintf(where, sizeof where, "%s%s", pv_address_text(address, text), behind);
    if (name && is_allowed_at(list, name, port))
        pv_tell("egress refused: %s %s (the time for which %s had this address is over: look it up again)",
                what, where, name);
    else if (name)
        pv_tell("egress refused: %s %s, which is %s (not on the list; allow with --egress allow=%s%s)",
                what, where, name, name, behind);
    else if (port == 53)
        pv_tell("egress refused: %s %s (names are answered by the container's own resolver alone; "
                "allow with --egress allow=%s)",
                what, where, where);
    else
        pv_tell("egress refused: %s %s (not on the list; allow with --egress allow=%s)", what, where,
                where);
}

static unsigned port_at(const uint8_t *packet, size_t size, size_t head, unsigned protocol) {
    int has_ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
    return has_ports && head + 4 <= size ? (unsigned)packet[head + 2] << 8 | packet[head + 3] : 0;
}

void pv_tell_packet(const uint8_t *packet, size_t size, const struct pv_list *list) {
    struct pv_address address;
    memset(&address, 0, sizeof address);
    if (size >= 20 && packet[0] >> 4 == 4) {
        address.size = 4;
        memcpy(address.bytes, packet + 16, 4);
        size_t head = (packet[0] & 15u) * 4u;
        tell_of(&address, packet[9], port_at(packet, size, head, packet[9]), list);
    } else if (size >= 40 && packet[0] >> 4 == 6) {
        address.size = 16;
        memcpy(address.bytes, packet + 24, 16);
        tell_of(&address, packet[6], port_at(packet, size, 40, packet[6]), list);
    }
}

int pv_open_refusals(uint16_t group) {
    struct pv_nf_request r;
    struct nfulnl_msg_config_cmd bind = {.command = NFULNL_CFG_CMD_BIND};
    struct nfulnl_msg_config_mode mode = {.copy_range = htonl(PV_SNAP), .copy_mode = NFULNL_COPY_PACKET};
    uint32_t at_once = htonl(1);
    int socket = pv_open_nfnetlink();
    if (socket < 0)
        return socket;
    pv_nf_begin(&r);
    pv_nf_message(&r, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_ACK, AF_UNSPEC, group);
    pv_nf_add(&r, NFULA_CFG_CMD, &bind, sizeof bind);
    pv_nf_add(&r, NFULA_CFG_MODE, &mode, sizeof mode);
    pv_nf_add(&r, NFULA_CFG_QTHRESH, &at_once, sizeof at_once);
    int rc = pv_nf_send(socket, &r);
    if (rc < 0)
        close(socket);
    return rc < 0 ? rc : socket;
}

static void hear_message(const struct nlmsghdr *message, const struct pv_list *list) {
    const struct nlattr *a =
        (const struct nlattr *)((const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg)));
    const char *end = (const char *)message + message->nlmsg_len;
    while ((const char *)a + NLA_HDRLEN <= end && a->nla_len >= NLA_HDRLEN &&
           (const char *)a + a->nla_len <= end) {
        if ((a->nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD)
            pv_tell_packet((const uint8_t *)a + NLA_HDRLEN, a->nla_len - NLA_HDRLEN, list);
        a = (const struct nlattr *)((const char *)a + NLA_ALIGN(a->nla_len));
    }
}

void pv_hear_refusals(int socket, const struct pv_list *list) {
    static char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
    for (int i = 0; i < 64; i++) {
        ssize_t n = recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n < 0 && errno == ENOBUFS)
            untold++;
        if (n <= 0)
            return;
        uint32_t left = (uint32_t)n;
        for (struct nlmsghdr *m = (struct nlmsghdr *)buffer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left))
            if (m->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
                hear_message(m, list);
    }
}
