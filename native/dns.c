/* Messages of the domain name system; see dns.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "dns.h"

#define PV_HEADER 12
#define PV_POINTERS 64 /* of a name: each leads back, so this is for the reader's peace */
#define PV_ALIASES 8

enum { TYPE_CNAME = 5, TYPE_OPT = 41, CLASS_INTERNET = 1 };
enum { FLAG_ANSWER = 0x8000, OPCODE = 0x7800, CUT_SHORT = 0x0200 };
enum { RECURSION_ASKED = 0x0100, RECURSION_HAD = 0x0080 };

static unsigned read16(const uint8_t *bytes) {
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t read32(const uint8_t *bytes) {
    return (uint32_t)read16(bytes) << 16 | read16(bytes + 2);
}

static uint8_t *write16(uint8_t *to, unsigned value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    return to + 2;
}

static uint8_t *write32(uint8_t *to, uint32_t value) {
    return write16(write16(to, value >> 16), value & 0xffff);
}

static int is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/*
 * A name from `at` on; gives where what follows it begins, or 0. `*is_host` is cleared when a label
 * has what no host's has; such a character is shown as `?`.
 */
static size_t read_name(const uint8_t *bytes, size_t size, size_t at, char name[PV_DNS_NAME],
                        int *is_host) {
    size_t end = 0, length = 0;
    for (int jumps = 0; at < size;) {
        unsigned label = bytes[at++];
        if (label == 0) {
            name[length ? length - 1 : 0] = '\0';
            return end ? end : at;
        }
        if (label >= 0xc0) {
            if (at >= size || ++jumps > PV_POINTERS)
                return 0;
            size_t to = (label & 0x3f) << 8 | bytes[at++];
            if (!end)
                end = at;
            if (to >= at - 2)
                return 0; /* names lead back, never forward: so this ends */
            at = to;
            continue;
        }
        if (label > 63 || at + label > size || length + label + 2 > PV_DNS_NAME)
            return 0;
        for (unsigned i = 0; i < label; i++) {
            char c = (char)bytes[at + i];
            c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
            int fits = is_host_character(c);
            *is_host &= fits;
            name[length++] = fits ? c : '?';
        }
        name[length++] = '.';
        at += label;
    }
    return 0;
}

static size_t write_name(uint8_t *to, const char *name) {
    size_t length = 0;
    while (*name) {
        size_t label = strcspn(name, ".");
        to[length++] = (uint8_t)label;
        memcpy(to + length, name, label);
        length += label;
        name += label + (name[label] == '.');
    }
    to[length++] = 0;
    return length;
}

int pv_dns_read_question(const uint8_t *bytes, size_t size, struct pv_question *question) {
    int is_host = 1;
    if (size < PV_HEADER || size > PV_DNS_MOST)
        return -EBADMSG;
    unsigned flags = read16(bytes + 2);
    if (flags & (FLAG_ANSWER | OPCODE) || read16(bytes + 4) != 1)
        return -EBADMSG;
    size_t at = read_name(bytes, size, PV_HEADER, question->name, &is_host);
    if (at == 0 || at + 4 > size || at > PV_HEADER + PV_DNS_NAME)
        return -EBADMSG;
    question->id = (uint16_t)read16(bytes);
    question->type = (uint16_t)read16(bytes + at);
    question->is_internet = read16(bytes + at + 2) == CLASS_INTERNET;
    question->end = at + 4;
    return is_host ? 0 : -EINVAL;
}

size_t pv_dns_write_question(uint8_t out[PV_DNS_UDP], uint16_t id, const char *name, uint16_t type) {
    memset(out, 0, PV_HEADER);
    write16(out, id);
    write16(out + 2, RECURSION_ASKED);
    write16(out + 4, 1);
    write16(out + 10, 1); /* OPT: RFC 6891 */
    uint8_t *to = out + PV_HEADER + write_name(out + PV_HEADER, name);
    to = write16(write16(to, type), CLASS_INTERNET);
    *to++ = 0;
    to = write32(write16(write16(to, TYPE_OPT), PV_DNS_MOST), 0);
    return (size_t)(write16(to, 0) - out);
}

/* A record of the answer; `data` is where its data begins. */
struct record {
    char owner[PV_DNS_NAME];
    unsigned type, class, length;
    uint32_t ttl;
    size_t data, end;
};

static int read_record(const uint8_t *bytes, size_t size, size_t at, struct record *record) {
    int is_host = 1;
    at = read_name(bytes, size, at, record->owner, &is_host);
    if (at == 0 || at + 10 > size)
        return -EBADMSG;
    record->type = read16(bytes + at);
    record->class = read16(bytes + at + 2);
    record->ttl = read32(bytes + at + 4);
    record->length = read16(bytes + at + 8);
    record->data = at + 10;
    record->end = record->data + record->length;
    return record->end <= size ? 0 : -EBADMSG;
}

static void take_ttl(struct pv_answer *answer, uint32_t ttl) {
    if (ttl > INT32_MAX)
        ttl = 0; /* RFC 2181, 8 */
    if (ttl < answer->ttl)
        answer->ttl = ttl;
}

static void take_address(struct pv_answer *answer, const uint8_t *data, unsigned length) {
    if (answer->count == PV_DNS_ADDRESSES)
        return;
    struct pv_address *address = &answer->addresses[answer->count++];
    address->size = (uint8_t)length;
    memcpy(address->bytes, data, length);
}

/*
 * Once along the answer for the owner `name`: its addresses are taken; 1 when it is an alias, of
 * which `name` then says for whom.
 */
static int look_up(const uint8_t *bytes, size_t size, const struct pv_question *asked,
                   char name[PV_DNS_NAME], struct pv_answer *answer) {
    struct record record;
    size_t at = asked->end;
    unsigned wanted = asked->type == PV_DNS_A ? 4 : 16;
    for (unsigned left = read16(bytes + 6); left > 0; left--, at = record.end) {
        if (read_record(bytes, size, at, &record) < 0)
            return -EBADMSG;
        if (record.class != CLASS_INTERNET || strcmp(record.owner, name) != 0)
            continue;
        if (record.type == TYPE_CNAME) {
            int is_host = 1;
            take_ttl(answer, record.ttl);
            return read_name(bytes, size, record.data, name, &is_host) ? 1 : -EBADMSG;
        }
        if (record.type == asked->type && record.length == wanted) {
            take_ttl(answer, record.ttl);
            take_address(answer, bytes + record.data, wanted);
        }
    }
    return 0;
}

int pv_dns_read_answer(const uint8_t *bytes, size_t size, const struct pv_question *asked,
                       struct pv_answer *answer) {
    struct pv_question told;
    char name[PV_DNS_NAME];
    int is_host = 1;
    if (size < PV_HEADER || !(read16(bytes + 2) & FLAG_ANSWER) || read16(bytes) != asked->id ||
        read16(bytes + 4) != 1)
        return -EBADMSG;
    size_t at = read_name(bytes, size, PV_HEADER, told.name, &is_host);
    if (at == 0 || at + 4 > size || strcmp(told.name, asked->name) != 0 ||
        read16(bytes + at) != asked->type || read16(bytes + at + 2) != CLASS_INTERNET)
        return -EBADMSG;
    told = *asked;
    told.end = at + 4;
    *answer = (struct pv_answer){.code = bytes[3] & 15, .ttl = UINT32_MAX};
    memcpy(name, asked->name, sizeof name);
    int rc = 1;
    for (int i = 0; i < PV_ALIASES && rc == 1; i++)
        rc = look_up(bytes, size, &told, name, answer);
    if (answer->count == 0)
        answer->ttl = 0;
    if (answer->count == 0 && answer->code == PV_DNS_NO_ERROR && (read16(bytes + 2) & CUT_SHORT))
        answer->code = PV_DNS_SERVER; /* what is missing may be what was asked for */
    return rc < 0 ? rc : 0;
}

size_t pv_dns_write_answer(uint8_t out[PV_DNS_UDP], const uint8_t *query,
                           const struct pv_question *question, struct pv_answer *answer) {
    size_t size = question->end;
    unsigned written = 0;
    memcpy(out, query, size);
    for (unsigned i = 0; i < answer->count; i++) {
        const struct pv_address *address = &answer->addresses[i];
        if (size + 12 + address->size > PV_DNS_UDP)
            break;
        uint8_t *to = write16(out + size, 0xc000 | PV_HEADER); /* the name that was asked */
        to = write16(write16(to, question->type), CLASS_INTERNET);
        to = write16(write32(to, answer->ttl), address->size);
        memcpy(to, address->bytes, address->size);
        size += 12u + address->size;
        written++;
    }
    answer->count = written;
    unsigned asked = read16(query + 2) & RECURSION_ASKED;
    write16(out + 2, FLAG_ANSWER | asked | RECURSION_HAD | (unsigned)(answer->code & 15));
    write16(out + 4, 1);
    write16(out + 6, written);
    write32(out + 8, 0);
    return size;
}
