/* Milliseconds of a clock that nobody sets; only differences mean something. */
#ifndef PV_CLOCK_H
#define PV_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t pv_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

#endif
