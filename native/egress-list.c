/* The egress list: which names are on it, and which addresses a name may have; see egress.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "egress.h"

int pv_read_list(char **texts, uint32_t count, struct pv_list *list) {
    *list = (struct pv_list){.entries = calloc(count + 1, sizeof *list->entries), .count = count};
    if (!list->entries)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct pv_listed *entry = &list->entries[i];
        const char *colon = strrchr(texts[i], ':');
        long port = colon ? strtol(colon + 1, NULL, 10) : 0;
        entry->is_wild = strncmp(texts[i], "*.", 2) == 0;
        entry->name = texts[i] + (entry->is_wild ? 2 : 0);
        entry->length = colon ? (size_t)(colon - entry->name) : strlen(entry->name);
        entry->port = (uint16_t)port;
        if (entry->length == 0 || entry->length >= PV_DNS_NAME || port < 0 || port > 65535)
            return -EINVAL;
    }
    return 0;
}

static int fits(const struct pv_listed *entry, const char *name, size_t length) {
    if (!entry->is_wild)
        return length == entry->length && memcmp(name, entry->name, length) == 0;
    return length > entry->length + 1 && name[length - entry->length - 1] == '.' &&
           memcmp(name + length - entry->length, entry->name, entry->length) == 0;
}

void pv_look_in_list(const struct pv_list *list, const char *name, struct pv_allowed *allowed) {
    size_t length = strlen(name);
    *allowed = (struct pv_allowed){.count = 0};
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pv_listed *entry = &list->entries[i];
        if (!fits(entry, name, length))
            continue;
        allowed->is_exact |= !entry->is_wild;
        if (allowed->count < PV_PORTS)
            allowed->ports[allowed->count++] = entry->port;
    }
}

struct range {
    uint8_t bytes[4], bits;
    enum pv_reach reach;
};

/* IANA's special-purpose registry, as far as packets to it would stay near. */
static const struct range ranges[] = {
    {{0}, 8, PV_NEVER},           {{127}, 8, PV_NEVER},        {{169, 254}, 16, PV_NEVER},
    {{224}, 3, PV_NEVER},         {{10}, 8, PV_PRIVATE},       {{172, 16}, 12, PV_PRIVATE},
    {{192, 168}, 16, PV_PRIVATE}, {{100, 64}, 10, PV_PRIVATE}, {{192, 0, 0}, 24, PV_PRIVATE},
};

static enum pv_reach reach_of_4(const uint8_t *bytes) {
    uint32_t address, base;
    memcpy(&address, bytes, 4);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        memcpy(&base, ranges[i].bytes, 4);
        if (((ntohl(address) ^ ntohl(base)) >> (32 - ranges[i].bits)) == 0)
            return ranges[i].reach;
    }
    return PV_PUBLIC;
}

enum pv_reach pv_reach_of(const struct pv_address *address) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, translated[12] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t nearby[6] = {0, 0x64, 0xff, 0x9b, 0, 1}; /* RFC 8215 */
    static const uint8_t zero[12];
    const uint8_t *bytes = address->bytes;
    if (address->size == 4)
        return reach_of_4(bytes);
    /* Addresses of IPv4 in another dress. */
    if (memcmp(bytes, translated, 12) == 0)
        return reach_of_4(bytes + 12);
    if (bytes[0] == 0x20 && bytes[1] == 2) /* 6to4 */
        return reach_of_4(bytes + 2);
    if (memcmp(bytes, nearby, 6) == 0)
        return PV_PRIVATE;
    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, zero, 12) == 0 || bytes[0] == 0xff ||
        (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80))
        return PV_NEVER;
    int is_site = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0; /* RFC 3879: a site's own, once */
    return is_site || (bytes[0] & 0xfe) == 0xfc ? PV_PRIVATE : PV_PUBLIC;
}

const char *pv_address_text(const struct pv_address *address, char text[PV_ADDRESS_TEXT]) {
    char plain[INET6_ADDRSTRLEN] = "";
    int is_6 = address->size == 16;
    inet_ntop(is_6 ? AF_INET6 : AF_INET, address->bytes, plain, sizeof plain);
    snprintf(text, PV_ADDRESS_TEXT, is_6 ? "[%s]" : "%s", plain);
    return text;
}
