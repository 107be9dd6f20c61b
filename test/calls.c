// Makes system calls by number and prints what comes of each on a line: the name of the errno, `ok`,
// or `killed N`. Each in a process of its own. Arguments: ABI:NUMBER[:ARGUMENT...] with ABI `x86_64`,
// `x32` or `i386` (int 0x80); `native` on other machines. Static, so that it runs in an empty root.

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static long by_interrupt(long number, const long *args) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(args[0]), "c"(args[1]), "d"(args[2]), "S"(args[3]), "D"(args[4])
                   : "memory", "r8", "r9", "r10", "r11");
  result = (int)result;
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
#else
  (void)number;
  (void)args;
  errno = ENOSYS;
  return -1;
#endif
}

static void make(char *words) {
  long args[6] = {0};
  const char *abi = strsep(&words, ":");
  const char *word = words == NULL ? "0" : strsep(&words, ":");
  long number = strtol(word, NULL, 0);
  for (int i = 0; i < 6 && words != NULL; i++) args[i] = strtol(strsep(&words, ":"), NULL, 0);
  if (strcmp(abi, "x32") == 0) number |= 0x40000000;
  pid_t before = getpid();
  long result = strcmp(abi, "i386") == 0
                    ? by_interrupt(number, args)
                    : syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
  if (getpid() != before) _exit(0); // what clone has made
  puts(result < 0 ? strerrorname_np(errno) : "ok");
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      make(argv[i]);
      fflush(stdout);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) printf("killed %d\n", WTERMSIG(status));
  }
  return 0;
}
