/* stub */
#define _GNU_SOURCE
#include "calls.h"
#include "executor.h"
int pv_do_follow_resolver(struct pv_run *run, const struct pv_follow_resolver *op) {
    (void)run; (void)op; return 0;
}
int pv_poll_resolver(void) { return -1; }
void pv_look_after_resolver(struct pv_run *run, int events) { (void)run; (void)events; }
