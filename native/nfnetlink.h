/* Requests to netfilter by nfnetlink: several messages in one, with nested attributes. */
#ifndef PV_NFNETLINK_H
#define PV_NFNETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#define PV_NF_SIZE 4096 /* more than what is ever put into one */

struct pv_nf_request {
    size_t size;
    size_t message; /* where the last one begins */
    char bytes[PV_NF_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

int pv_open_nfnetlink(void);
void pv_nf_begin(struct pv_nf_request *r);
void pv_nf_message(struct pv_nf_request *r, unsigned type, unsigned flags, uint8_t family,
                   uint16_t resource);
void pv_nf_add(struct pv_nf_request *r, unsigned type, const void *value, size_t size);
/* What is added until the end lies within; gives what the end needs. */
size_t pv_nf_nest(struct pv_nf_request *r, unsigned type);
void pv_nf_end(struct pv_nf_request *r, size_t nest);
/* One message of it asks for an acknowledgement: 0, or the first error. */
int pv_nf_send(int socket, const struct pv_nf_request *r);

#endif
