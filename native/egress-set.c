/*
 * The sets of addresses that were given out, in the rules of the container's network namespace:
 *
 *      named4, named6              any port
 *      named4_ports, named6_ports  one port of TCP, UDP or SCTP
 *
 * Elements go by themselves when their time is over. One that is there keeps its time when it is added
 * again, so it is removed and added in one transaction.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "egress.h"
#include "nfnetlink.h"

static const char *table;

int pv_open_sets(const char *name) {
    table = name;
    return pv_open_nfnetlink();
}

struct element {
    char set[24];
    uint8_t key[20];
    size_t size;
    uint64_t timeout; /* milliseconds, big-endian */
};

static void add_element(struct pv_nf_request *r, unsigned what, unsigned flags,
                        const struct element *element) {
    pv_nf_message(r, NFNL_SUBSYS_NFTABLES << 8 | what, flags, NFPROTO_INET, 0);
    pv_nf_add(r, NFTA_SET_ELEM_LIST_TABLE, table, strlen(table) + 1);
    pv_nf_add(r, NFTA_SET_ELEM_LIST_SET, element->set, strlen(element->set) + 1);
    size_t list = pv_nf_nest(r, NFTA_SET_ELEM_LIST_ELEMENTS);
    size_t one = pv_nf_nest(r, NFTA_LIST_ELEM);
    size_t key = pv_nf_nest(r, NFTA_SET_ELEM_KEY);
    pv_nf_add(r, NFTA_DATA_VALUE, element->key, element->size);
    pv_nf_end(r, key);
    if (what == NFT_MSG_NEWSETELEM)
        pv_nf_add(r, NFTA_SET_ELEM_TIMEOUT, &element->timeout, sizeof element->timeout);
    pv_nf_end(r, one);
    pv_nf_end(r, list);
}

int pv_admit(int socket, const struct pv_address *address, uint16_t port, uint32_t seconds) {
    struct pv_nf_request r;
    struct element element = {.size = address->size, .timeout = htobe64(seconds * 1000ull)};
    snprintf(element.set, sizeof element.set, "named%c%s", address->size == 16 ? '6' : '4',
             port ? "_ports" : "");
    memcpy(element.key, address->bytes, address->size);
    if (port) {
        uint16_t number = htons(port);
        memcpy(element.key + address->size, &number, sizeof number);
        element.size += 4; /* each part fills whole registers */
    }
    pv_nf_begin(&r);
    pv_nf_message(&r, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    add_element(&r, NFT_MSG_NEWSETELEM, NLM_F_CREATE, &element);
    add_element(&r, NFT_MSG_DELSETELEM, 0, &element);
    add_element(&r, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_ACK, &element);
    pv_nf_message(&r, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    return pv_nf_send(socket, &r);
}
