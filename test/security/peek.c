// An attacker in a container, after CVE-2016-9962: until it is killed it looks for processes that
// enter, tries to trace each, and to open its descriptors, root and working directory. Prints
// "refused" when it may not, "got WHAT" when it got something that is not of this container's root.
// Static, so that it runs in an empty root.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct stat root;

/** Whether a process runs a program of this container's root: then it is nobody who enters. */
static int is_inmate(const char *pid) {
  char path[64], target[4096];
  struct stat exe, own;
  snprintf(path, sizeof path, "/proc/%s/exe", pid);
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length < 0) return errno != EACCES && errno != EPERM;
  target[length] = 0;
  return stat(path, &exe) == 0 && stat(target, &own) == 0 && exe.st_ino == own.st_ino &&
         exe.st_dev == own.st_dev;
}

static void look_through(const char *pid, const char *what) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, what);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat st;
  if (fd < 0) {
    if (errno == EACCES || errno == EPERM) puts("refused");
    return;
  }
  if (fstat(fd, &st) == 0 && !is_inmate(pid) && st.st_dev != root.st_dev)
    printf("got a directory of another file system by %s\n", what);
  close(fd);
}

static void look_at(const char *pid) {
  char path[300];
  if (is_inmate(pid)) return;
  look_through(pid, "cwd");
  look_through(pid, "root");
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  DIR *fds = opendir(path);
  if (fds == NULL) {
    if (errno == EACCES || errno == EPERM) puts("refused");
  } else {
    for (struct dirent *entry; (entry = readdir(fds)) != NULL;) {
      char what[280];
      snprintf(what, sizeof what, "fd/%s", entry->d_name);
      if (entry->d_name[0] != '.') look_through(pid, what);
    }
    closedir(fds);
  }
  if (is_inmate(pid)) return;
  int number = atoi(pid);
  if (ptrace(PTRACE_ATTACH, number, NULL, NULL) == 0) {
    waitpid(number, NULL, __WALL);
    if (!is_inmate(pid)) puts("got a hold of a process that enters, by ptrace");
    ptrace(PTRACE_DETACH, number, NULL, NULL);
    // The stop that comes with tracing may still be due, when the wait ended for an execve.
    kill(number, SIGCONT);
  } else if (errno == EPERM) {
    puts("refused");
  }
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (stat("/", &root) != 0) return 1;
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
