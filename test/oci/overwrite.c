// An attacker in a container, after CVE-2019-5736: until it is killed it looks at every other
// process for a program that is not of the container, and tries to open that for writing. Prints a
// line for each program it met, and "writable" when one could be opened and is not sealed; it never
// writes. Usage: overwrite. Static, so that it runs in an empty root.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t met[64];
static int met_count;

static int is_new(ino_t inode) {
  for (int i = 0; i < met_count; i++)
    if (met[i] == inode) return 0;
  if (met_count < 64) met[met_count++] = inode;
  return 1;
}

/** Opens what a descriptor is of for writing, for as long as the kernel says it is being run. */
static void try_to_write(int fd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  for (int i = 0; i < 20000; i++) {
    int writable = open(path, O_WRONLY | O_CLOEXEC);
    if (writable >= 0) {
      int seals = fcntl(writable, F_GET_SEALS);
      printf(seals >= 0 && (seals & F_SEAL_WRITE) ? "sealed\n" : "writable\n");
      close(writable);
      return;
    }
    if (errno != ETXTBSY) {
      printf("%s\n", strerrorname_np(errno));
      return;
    }
    usleep(50);
  }
  printf("ETXTBSY\n");
}

static void look_at(const char *pid) {
  char path[300], target[4096];
  snprintf(path, sizeof path, "/proc/%s/exe", pid);
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  // By the descriptor: the process may have become another program meanwhile.
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(path, target, sizeof target - 1);
  struct stat st, own;
  if (length > 0 && fstat(fd, &st) == 0) {
    target[length] = 0;
    // The container's own programs are found by their path.
    int is_own = stat(target, &own) == 0 && own.st_dev == st.st_dev && own.st_ino == st.st_ino;
    if (!is_own && is_new(st.st_ino)) {
      printf("met %s\n", target);
      try_to_write(fd);
    }
  }
  close(fd);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("looking");
  for (;;) {
    DIR *processes = opendir("/proc");
    if (processes == NULL) return 1;
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;)
      if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && atoi(entry->d_name) != getpid())
        look_at(entry->d_name);
    closedir(processes);
  }
}
