/* The caller's terminal while what is typed is meant for another one: raw, and then as it was. */
#define _GNU_SOURCE
#include <termios.h>
#include <unistd.h>

#include "monitor.h"

static struct termios cooked;
static int is_raw;

void pv_make_raw(void) {
    if (is_raw || tcgetattr(STDIN_FILENO, &cooked) < 0)
        return;
    struct termios raw = cooked;
    cfmakeraw(&raw);
    is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

int pv_is_raw(void) {
    return is_raw;
}

void pv_restore_terminal(void) {
    if (is_raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    is_raw = 0;
}
