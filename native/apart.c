/*
 * Networks do not reach one another: a table of nftables, in the network namespace of whoever makes
 * the bridges, that is there as long as one of them is:
 *
 *      table inet pivot_networks {
 *          set bridges { type ifname; elements = { "pivot0", "pv-0123456789ab" } }
 *          set within { type ifname . ifname; elements = { "pivot0" . "pivot0", … } }
 *          chain forward {
 *              type filter hook forward priority filter;
 *              iifname . oifname @within accept          (here; other tables have their say, too)
 *              iifname @bridges oifname @bridges drop
 *              iifname @bridges oifname "podman*" drop   and the way back
 *          }
 *      }
 *
 * netavark could do it (its option `isolate`), and does not do it well: it runs iptables 14 times for
 * a network, and up to 1.4 at least it takes the jump to the rules of all networks away with the last
 * container of one of them. What podman had of those rules in common with us is in the last two.
 *
 * The chain is filled anew each time, in the one transaction that names the bridge: it is complete
 * from the first moment on, whatever an earlier pivot has left.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <string.h>

#include "apart.h"
#include "calls.h"
#include "netlink.h"
#include "nfnetlink.h"

static const char table[] = "pivot_networks", chain[] = "forward";
static const char bridges[] = "bridges", within[] = "within";

/* What nft(8) shows a key as; a concatenation's is made of its parts', six bits for each. */
#define TYPE_IFNAME 41u

/* So often somebody else changes rules between our look and our change at most. */
#define PV_TRIES 64

static void add_text(struct pv_nf_request *r, unsigned type, const char *text) {
    pv_nf_add(r, type, text, strlen(text) + 1);
}

static void add_number(struct pv_nf_request *r, unsigned type, uint32_t number) {
    pv_nf_add(r, type, &(uint32_t){htonl(number)}, sizeof number);
}

static void add_message(struct pv_nf_request *r, unsigned what, unsigned flags) {
    pv_nf_message(r, NFNL_SUBSYS_NFTABLES << 8 | what, flags, NFPROTO_INET, 0);
}

static void begin_batch(struct pv_nf_request *r) {
    pv_nf_begin(r);
    pv_nf_message(r, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

static int send_batch(int socket, struct pv_nf_request *r) {
    pv_nf_message(r, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    return pv_nf_send(socket, r);
}

/* For nft(8), which shows no name without it: libnftnl's attribute 0, the order of bytes, is the host's. */
struct byte_order {
    uint8_t type, length;
    uint32_t value;
} __attribute__((packed));

static void add_set(struct pv_nf_request *r, const char *name, uint32_t type, uint32_t length,
                    uint32_t id) {
    add_message(r, NFT_MSG_NEWSET, NLM_F_CREATE);
    add_text(r, NFTA_SET_TABLE, table);
    add_text(r, NFTA_SET_NAME, name);
    add_number(r, NFTA_SET_FLAGS, 0);
    add_number(r, NFTA_SET_KEY_TYPE, type);
    add_number(r, NFTA_SET_KEY_LEN, length);
    add_number(r, NFTA_SET_ID, id);
    pv_nf_add(r, NFTA_SET_USERDATA, &(struct byte_order){0, 4, 1}, sizeof(struct byte_order));
}

static void add_chain(struct pv_nf_request *r) {
    add_message(r, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    add_text(r, NFTA_CHAIN_TABLE, table);
    add_text(r, NFTA_CHAIN_NAME, chain);
    add_text(r, NFTA_CHAIN_TYPE, "filter");
    size_t hook = pv_nf_nest(r, NFTA_CHAIN_HOOK);
    add_number(r, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD);
    add_number(r, NFTA_HOOK_PRIORITY, 0);
    pv_nf_end(r, hook);
    add_message(r, NFT_MSG_DELRULE, 0); /* all of them */
    add_text(r, NFTA_RULE_TABLE, table);
    add_text(r, NFTA_RULE_CHAIN, chain);
}

/* An expression of a rule; its data lie between the two. */
struct expression {
    size_t element, data;
};

static struct expression begin_expression(struct pv_nf_request *r, const char *name) {
    struct expression e = {.element = pv_nf_nest(r, NFTA_LIST_ELEM)};
    add_text(r, NFTA_EXPR_NAME, name);
    e.data = pv_nf_nest(r, NFTA_EXPR_DATA);
    return e;
}

static void end_expression(struct pv_nf_request *r, struct expression e) {
    pv_nf_end(r, e.data);
    pv_nf_end(r, e.element);
}

static void load_name(struct pv_nf_request *r, uint32_t key, uint32_t reg) {
    struct expression e = begin_expression(r, "meta");
    add_number(r, NFTA_META_KEY, key);
    add_number(r, NFTA_META_DREG, reg);
    end_expression(r, e);
}

/* What begins in the first register is among the set's elements. */
static void is_in(struct pv_nf_request *r, const char *set) {
    struct expression e = begin_expression(r, "lookup");
    add_text(r, NFTA_LOOKUP_SET, set);
    add_number(r, NFTA_LOOKUP_SREG, NFT_REG_1);
    end_expression(r, e);
}

static void begins_with(struct pv_nf_request *r, const char *name) {
    struct expression e = begin_expression(r, "cmp");
    add_number(r, NFTA_CMP_SREG, NFT_REG_1);
    add_number(r, NFTA_CMP_OP, NFT_CMP_EQ);
    size_t data = pv_nf_nest(r, NFTA_CMP_DATA);
    pv_nf_add(r, NFTA_DATA_VALUE, name, strlen(name));
    pv_nf_end(r, data);
    end_expression(r, e);
}

static size_t begin_rule(struct pv_nf_request *r) {
    add_message(r, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    add_text(r, NFTA_RULE_TABLE, table);
    add_text(r, NFTA_RULE_CHAIN, chain);
    return pv_nf_nest(r, NFTA_RULE_EXPRESSIONS);
}

static void end_rule(struct pv_nf_request *r, size_t rule, uint32_t verdict) {
    struct expression e = begin_expression(r, "immediate");
    add_number(r, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    size_t data = pv_nf_nest(r, NFTA_IMMEDIATE_DATA);
    size_t inner = pv_nf_nest(r, NFTA_DATA_VERDICT);
    add_number(r, NFTA_VERDICT_CODE, verdict);
    pv_nf_end(r, inner);
    pv_nf_end(r, data);
    end_expression(r, e);
    pv_nf_end(r, rule);
}

/* From a bridge of ours to one of podman's (NFT_META_IIFNAME, NFT_META_OIFNAME), or back. */
static void add_podman(struct pv_nf_request *r, uint32_t ours, uint32_t theirs) {
    size_t rule = begin_rule(r);
    load_name(r, theirs, NFT_REG_1);
    begins_with(r, "podman");
    load_name(r, ours, NFT_REG_1);
    is_in(r, bridges);
    end_rule(r, rule, NF_DROP);
}

static void add_rules(struct pv_nf_request *r) {
    size_t rule = begin_rule(r);
    load_name(r, NFT_META_IIFNAME, NFT_REG_1);
    load_name(r, NFT_META_OIFNAME, NFT_REG_2); /* the two registers are one key */
    is_in(r, within);
    end_rule(r, rule, NF_ACCEPT);
    rule = begin_rule(r);
    load_name(r, NFT_META_IIFNAME, NFT_REG_1);
    is_in(r, bridges);
    load_name(r, NFT_META_OIFNAME, NFT_REG_1);
    is_in(r, bridges);
    end_rule(r, rule, NF_DROP);
    add_podman(r, NFT_META_IIFNAME, NFT_META_OIFNAME);
    add_podman(r, NFT_META_OIFNAME, NFT_META_IIFNAME);
}

/* The bridge in both sets. */
static void add_elements(struct pv_nf_request *r, unsigned what, unsigned flags, const char *bridge) {
    char key[2 * IFNAMSIZ] = "";
    memcpy(key, bridge, strlen(bridge));
    memcpy(key + IFNAMSIZ, bridge, strlen(bridge));
    for (int i = 0; i < 2; i++) {
        add_message(r, what, flags | (i == 1 ? NLM_F_ACK : 0));
        add_text(r, NFTA_SET_ELEM_LIST_TABLE, table);
        add_text(r, NFTA_SET_ELEM_LIST_SET, i == 0 ? bridges : within);
        size_t list = pv_nf_nest(r, NFTA_SET_ELEM_LIST_ELEMENTS);
        size_t one = pv_nf_nest(r, NFTA_LIST_ELEM);
        size_t value = pv_nf_nest(r, NFTA_SET_ELEM_KEY);
        pv_nf_add(r, NFTA_DATA_VALUE, key, i == 0 ? IFNAMSIZ : sizeof key);
        pv_nf_end(r, value);
        pv_nf_end(r, one);
        pv_nf_end(r, list);
    }
}

int pv_keep_apart(const char *bridge) {
    struct pv_nf_request r;
    if (strlen(bridge) >= IFNAMSIZ)
        return -ENAMETOOLONG;
    int socket = pv_open_nfnetlink();
    if (socket < 0)
        return socket == -EPROTONOSUPPORT ? -EOPNOTSUPP : socket;
    begin_batch(&r);
    add_message(&r, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    add_text(&r, NFTA_TABLE_NAME, table);
    add_set(&r, bridges, TYPE_IFNAME, IFNAMSIZ, 1);
    add_set(&r, within, TYPE_IFNAME << 6 | TYPE_IFNAME, 2 * IFNAMSIZ, 2);
    add_chain(&r);
    add_rules(&r);
    add_elements(&r, NFT_MSG_NEWSETELEM, NLM_F_CREATE, bridge);
    int rc = send_batch(socket, &r);
    close(socket);
    return rc;
}

/* What the set holds: how many that are there, and one that is not. */
struct known {
    int there;
    char gone[IFNAMSIZ];
};

/* The value of an attribute among those behind each other; NULL: there is none. */
static const struct rtattr *find(const struct rtattr *first, size_t size, unsigned type) {
    int left = (int)size;
    for (const struct rtattr *a = first; RTA_OK(a, left); a = RTA_NEXT(a, left))
        if ((a->rta_type & NLA_TYPE_MASK) == type)
            return a;
    return NULL;
}

static const struct rtattr *find_in(const struct rtattr *outer, unsigned type) {
    return outer ? find(RTA_DATA(outer), RTA_PAYLOAD(outer), type) : NULL;
}

/* The attributes of a message of netfilter's. */
static const struct rtattr *find_in_message(const struct nlmsghdr *message, unsigned type) {
    const char *data = NLMSG_DATA(message);
    size_t size = NLMSG_PAYLOAD(message, sizeof(struct nfgenmsg));
    return find((const void *)(data + NLMSG_ALIGN(sizeof(struct nfgenmsg))), size, type);
}

static int take_names(const struct nlmsghdr *message, void *into) {
    struct known *known = into;
    const struct rtattr *list = find_in_message(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    int left = list ? (int)RTA_PAYLOAD(list) : 0;
    for (const struct rtattr *a = list ? RTA_DATA(list) : NULL; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        const struct rtattr *value = find_in(find_in(a, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
        char name[IFNAMSIZ] = "";
        if (!value || RTA_PAYLOAD(value) > sizeof name)
            continue;
        memcpy(name, RTA_DATA(value), RTA_PAYLOAD(value));
        name[sizeof name - 1] = '\0';
        if (if_nametoindex(name) > 0)
            known->there++;
        else
            memcpy(known->gone, name, sizeof name);
    }
    return 0;
}

static int take_generation(const struct nlmsghdr *message, void *into) {
    const struct rtattr *id = find_in_message(message, NFTA_GEN_ID);
    if (id && RTA_PAYLOAD(id) == sizeof(uint32_t))
        memcpy(into, RTA_DATA(id), sizeof(uint32_t));
    return 0;
}

/* 0: none is gone any more; 1: there may be more; -ERESTART: somebody else has changed rules meanwhile. */
static int forget_one(int socket) {
    struct pv_request ask;
    struct pv_nf_request r;
    struct nfgenmsg message = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    struct known known = {.there = 0};
    uint32_t generation = 0;
    pv_begin(&ask, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_ACK, &message, sizeof message);
    int rc = pv_ask(socket, &ask, take_generation, &generation);
    if (rc < 0)
        return rc;
    pv_begin(&ask, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP, &message, sizeof message);
    pv_add_text(&ask, NFTA_SET_ELEM_LIST_TABLE, table);
    pv_add_text(&ask, NFTA_SET_ELEM_LIST_SET, bridges);
    rc = pv_ask(socket, &ask, take_names, &known);
    if (rc < 0 || (known.there > 0 && !known.gone[0]))
        return rc;
    begin_batch(&r);
    pv_nf_add(&r, NFNL_BATCH_GENID, &generation, sizeof generation);
    if (known.there > 0) {
        add_elements(&r, NFT_MSG_DELSETELEM, 0, known.gone);
    } else {
        add_message(&r, NFT_MSG_DELTABLE, NLM_F_ACK);
        add_text(&r, NFTA_TABLE_NAME, table);
    }
    rc = send_batch(socket, &r);
    return rc == 0 && known.there > 0 ? 1 : rc;
}

int pv_forget_bridges(void) {
    int socket = pv_open_nfnetlink();
    if (socket < 0)
        return socket == -EPROTONOSUPPORT ? 0 : socket;
    int rc = 1;
    for (int i = 0; i < PV_TRIES && (rc == 1 || rc == -ERESTART); i++)
        rc = forget_one(socket);
    close(socket);
    if (rc == -ERESTART)
        return -EAGAIN;
    /* No such table; or a kernel without such rules, in which there was never one. */
    return rc == -ENOENT || rc == -EOPNOTSUPP || rc == -EINVAL || rc > 0 ? 0 : rc;
}
