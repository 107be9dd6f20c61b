// Process 1 of a container, whose other processes never stay the same: each makes the next one and
// ends. Whoever looks for them one by one comes too late. Process 1 takes no notice of SIGTERM, which
// ends the others, and prints `hops` when they have begun.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  signal(SIGTERM, SIG_IGN);
  for (int chain = 0; chain < 8; chain++) {
    if (fork() != 0) continue;
    signal(SIGTERM, SIG_DFL);
    while (fork() == 0) usleep(100);
    _exit(0);
  }
  puts("hops");
  fflush(stdout);
  while (wait(NULL) > 0) continue;
  puts("alone");
  fflush(stdout);
  pause();
}
