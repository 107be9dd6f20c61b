/*
 * Messages of the domain name system (RFC 1035), as far as a resolver of addresses needs them. All of
 * it reads bytes that nobody vouches for, and touches nothing but its arguments.
 */
#ifndef PV_DNS_H
#define PV_DNS_H

#include <stddef.h>
#include <stdint.h>

#define PV_DNS_NAME 256      /* with its end */
#define PV_DNS_UDP 512       /* what every client takes */
#define PV_DNS_MOST 4096     /* what we say that we take */
#define PV_DNS_ADDRESSES 24

enum { PV_DNS_A = 1, PV_DNS_AAAA = 28 };
enum { PV_DNS_NO_ERROR = 0, PV_DNS_FORMAT = 1, PV_DNS_SERVER = 2, PV_DNS_NO_NAME = 3 };

struct pv_question {
    char name[PV_DNS_NAME]; /* lower case, without the last dot; "" is the root */
    uint16_t id, type, is_internet;
    size_t end; /* the bytes of the message up to here are header and question */
};

struct pv_address {
    uint8_t size; /* 4 or 16 */
    uint8_t bytes[16];
};

struct pv_answer {
    int code; /* of the header */
    uint32_t ttl; /* seconds: the least of all that led here */
    unsigned count;
    struct pv_address addresses[PV_DNS_ADDRESSES];
};

/*
 * A query of one question. -EBADMSG: it is none, and nothing can be answered; -EINVAL: a name that no
 * host has (letters, digits, - and _), in which case the rest is filled in.
 */
int pv_dns_read_question(const uint8_t *bytes, size_t size, struct pv_question *question);
/* A query of ours; gives its size. */
size_t pv_dns_write_question(uint8_t out[PV_DNS_UDP], uint16_t id, const char *name, uint16_t type);
/* The answer to it, along its aliases; -EBADMSG: that is not what it is. */
int pv_dns_read_answer(const uint8_t *bytes, size_t size, const struct pv_question *asked,
                       struct pv_answer *answer);
/*
 * What the client is told: the question as it came, and the addresses under the name that was asked.
 * As many as fit; `answer->count` says how many those were.
 */
size_t pv_dns_write_answer(uint8_t out[PV_DNS_UDP], const uint8_t *query,
                           const struct pv_question *question, struct pv_answer *answer);

#endif
