/* Reads a plan from a descriptor into memory, before there is a child. */
#ifndef PV_PLAN_H
#define PV_PLAN_H

#include <stddef.h>
#include <sys/types.h>

#include "plan.generated.h"

enum pv_actor { PV_BY_PARENT, PV_BY_INIT };

struct pv_record {
    struct pv_op op;
    uint8_t actor;
    uint8_t flags;
};

struct pv_plan {
    uint32_t count;
    struct pv_record *records;
    void *bytes; /* what the records point into */
    size_t size;
};

/* 0, or -EPROTO when the bytes are no plan of this version, or what open, read or mmap said. */
int pv_plan_load(int fd, struct pv_plan *plan);

/* The same from memory; `bytes` must outlive the plan. */
int pv_plan_decode(void *bytes, size_t size, struct pv_plan *plan);

void pv_plan_free(struct pv_plan *plan);

/*
 * Whether a file of `size` bytes is, from `begin` on, a plan of this version and all of it. One that
 * was kept may be of another release, or of somebody who was killed while he wrote it.
 */
int pv_plan_is_whole(int fd, off_t begin, off_t size);

const char *pv_op_name(uint16_t code);

#endif
