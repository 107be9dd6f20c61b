/*
 * How the container's first process shares the machine with others: the processor, the queue for
 * disks, the memory of a machine with several nodes.
 */
#define _GNU_SOURCE
#include <linux/sched/types.h>
#include <string.h>

#include "calls.h"
#include "executor.h"

#define PV_IOPRIO_WHO_PROCESS 1
#define PV_IOPRIO_CLASS_SHIFT 13
#define PV_MASK_BYTES 1024 /* 8192 processors, as many as Linux can be built for */

/* Whom a step is about: the parent speaks of init, init of itself. */
static pid_t whom(const struct pv_run *run) {
    if (run->actor == PV_BY_INIT)
        return 0;
    return run->init > 0 ? run->init : -ECHILD;
}

int pv_do_scheduler(struct pv_run *run, const struct pv_scheduler *op) {
    struct sched_attr attr = {
        .size = sizeof attr,
        .sched_policy = op->policy,
        .sched_flags = op->flags,
        .sched_nice = (int32_t)op->nice,
        .sched_priority = op->priority,
        .sched_runtime = op->runtime,
        .sched_deadline = op->deadline,
        .sched_period = op->period,
    };
    pid_t pid = whom(run);
    return pid < 0 ? pid : pv_result(syscall(SYS_sched_setattr, pid, &attr, 0));
}

int pv_do_io_priority(struct pv_run *run, const struct pv_io_priority *op) {
    pid_t pid = whom(run);
    int value = (int)(op->class << PV_IOPRIO_CLASS_SHIFT | op->priority);
    return pid < 0 ? pid : pv_result(syscall(SYS_ioprio_set, PV_IOPRIO_WHO_PROCESS, pid, value));
}

/* The kernel reads whole words, which the record's bytes need not be. */
static int take_mask(unsigned long mask[PV_MASK_BYTES / sizeof(long)], struct pv_bytes bytes) {
    if (bytes.size > PV_MASK_BYTES)
        return -E2BIG;
    memset(mask, 0, PV_MASK_BYTES);
    for (uint32_t i = 0; i < bytes.size; i++)
        mask[i / sizeof(long)] |= (unsigned long)bytes.data[i] << (8 * (i % sizeof(long)));
    return 0;
}

int pv_do_memory_policy(const struct pv_memory_policy *op) {
    unsigned long mask[PV_MASK_BYTES / sizeof(long)];
    int rc = take_mask(mask, op->nodes);
    if (rc < 0)
        return rc;
    /* One more than there are bits: the kernel takes one off, get_nodes() in mm/mempolicy.c. */
    unsigned long count = op->nodes.size ? PV_MASK_BYTES * 8 + 1 : 0;
    return pv_result(syscall(SYS_set_mempolicy, (int)(op->mode | op->flags), count ? mask : NULL, count));
}

int pv_do_sched_affinity(struct pv_run *run, const struct pv_sched_affinity *op) {
    unsigned long mask[PV_MASK_BYTES / sizeof(long)];
    pid_t pid = whom(run);
    int rc = pid < 0 ? pid : take_mask(mask, op->cpus);
    return rc < 0 ? rc : pv_result(syscall(SYS_sched_setaffinity, pid, sizeof mask, mask));
}
