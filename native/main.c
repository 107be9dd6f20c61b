/*
 * One static program of two trades, told apart by the name it is called by: `pivot-executor` is
 * the executor, anything else the launcher. So the launcher can seal its own file for the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
    /* CRIU starts its script by a name alone, and says the rest by the environment: see criu.c. */
    const char *action = getenv("CRTOOLS_SCRIPT_ACTION"), *socket = getenv("PIVOT_CRIU_SOCKET");
    if (action && socket)
        return pv_criu_script(action, socket);
    return strcmp(name, "pivot-executor") == 0 ? executor_main(argc, argv) : pv_launch_main(argv);
}
