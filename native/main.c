/*
 * One static program of two trades, told apart by the name it is called by: `pivot-executor` is
 * the executor, anything else the launcher. So the launcher can seal its own file for the other.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "executor.h"
#include "launch.h"
#include "mountns.h"
#include "unpack.h"
#include "view.h"

static int executor_main(int argc, char **argv) {
    const char *trade = argc > 1 ? argv[1] : "";
    pv_open_missing_streams();
    int rc = pv_seal_self(argv);
    if (rc < 0) {
        fprintf(stderr, "pivot: cannot make a sealed copy of its program in memory: %s\n", strerror(-rc));
        return 125;
    }
    if (strcmp(trade, "run") == 0 && (argc == 4 || argc == 5))
        return pv_run_main(argc, argv);
    if (strcmp(trade, "follow") == 0 && (argc == 5 || argc == 6))
        return pv_follow_main(argc, argv);
    if (strcmp(trade, "unpack") == 0)
        return unpack_main(argc - 1, argv + 1);
    if (strcmp(trade, "view") == 0)
        return view_main(argc - 1, argv + 1);
    if (strcmp(trade, "mountns") == 0)
        return mountns_main(argc - 1, argv + 1);
    fputs("usage: pivot-executor run PLAN RESULT [USE]\n"
          "       pivot-executor follow PIPE PID PROGRAM [USE]\n"
          "       pivot-executor unpack ...\n"
          "       pivot-executor view ...\n"
          "       pivot-executor mountns\n",
          stderr);
    return 125;
}

/*
 * Most of the 5 MB of static buffers are never touched. Where transparent huge pages are always on, the
 * first touch would take 2 MB, in each monitor for as long as its container runs. prctl(2) could say so
 * for the whole process, but the container's program would inherit it.
 */
static void take_small_pages(void) {
    extern char __bss_start[], _end[]; /* ld(1) */
    uintptr_t page = 4096, begin = ((uintptr_t)__bss_start + page - 1) & ~(page - 1);
    uintptr_t end = (uintptr_t)_end & ~(page - 1);
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_NOHUGEPAGE); /* without them, there is nothing to say */
}

int main(int argc, char **argv) {
    take_small_pages();
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
    /* CRIU starts its script by a name alone, and says the rest by the environment: see criu.c. */
    const char *action = getenv("CRTOOLS_SCRIPT_ACTION"), *socket = getenv("PIVOT_CRIU_SOCKET");
    if (action && socket)
        return pv_criu_script(action, socket);
    return strcmp(name, "pivot-executor") == 0 ? executor_main(argc, argv) : pv_launch_main(argv);
}
