// An attacker: exchanges pairs of paths in turn, as fast as it can, until SIGTERM; then it says how
// often. So a path that was a directory when it was looked at is a link when it is used.
// Usage: exchange A B [C D]…

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

static volatile sig_atomic_t is_over;

static void end(int number) {
  (void)number;
  is_over = 1;
}

int main(int argc, char **argv) {
  if (argc < 3 || argc % 2 == 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return 2;
  signal(SIGTERM, end);
  unsigned long count = 0;
  while (!is_over)
    for (int i = 1; i < argc; i += 2)
      // A name may be in use as a mount point for a moment: it is tried again.
      count += renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE) == 0;
  printf("%lu\n", count);
  return 0;
}
