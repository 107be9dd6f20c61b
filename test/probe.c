// What a container looks like from inside. Prints one JSON object: facts about this process and the
// world it sees, then the outcome of each attempt given as an argument. Decides nothing itself: what
// is right is for the test to say. Static, so that it runs in an empty root too.
//
// Attempts, with colons between their parts:
//   read:PATH  write:PATH  create:PATH  opendir:PATH  stat:PATH  exec:PATH  chdir:PATH
//   mount:TYPE:PATH  bind:FROM:TO  umount:PATH  mkdir:PATH  mknod:c|b:MAJOR:MINOR:PATH
//   unshare:FLAGS (a number)  sethostname:NAME  tiocsti  tiocsti-high  tioclinux
//   handle:PATH  opens a file by its handle, which no path leads to (open_by_handle_at(2))
//   escape:PATH  the classic way out of a chroot, and then reads PATH there
//   nfiles:PATH  how many names a directory has

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

// ── JSON ────────────────────────────────────────────────────────────────────────────────────────
static bool first = true;

static void text(const char *bytes, size_t length) {
  putchar('"');
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (c == '"' || c == '\\') printf("\\%c", c);
    else if (c < 0x20 || c >= 0x7f) printf("\\u%04x", c);
    else putchar(c);
  }
  putchar('"');
}

static void string(const char *bytes) { text(bytes, strlen(bytes)); }

static void comma(void) {
  if (!first) putchar(',');
  first = false;
}

static void key(const char *name) {
  comma();
  string(name);
  putchar(':');
}

static void number(const char *name, long long value) {
  key(name);
  printf("%lld", value);
}

static void open_with(char bracket) {
  putchar(bracket);
  first = true;
}

static void close_with(char bracket) {
  putchar(bracket);
  first = false;
}

static void file(const char *name, const char *path) {
  static char content[1 << 20];
  key(name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    printf("null");
    return;
  }
  size_t used = 0;
  ssize_t got;
  while (used < sizeof content && (got = read(fd, content + used, sizeof content - used)) > 0)
    used += (size_t)got;
  close(fd);
  text(content, used);
}

static void link_of(const char *name, const char *path) {
  char target[4096];
  ssize_t length = readlink(path, target, sizeof target);
  key(name);
  if (length < 0) printf("null");
  else text(target, (size_t)length);
}

static const char *type_of(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFCHR: return "character";
  case S_IFBLK: return "block";
  case S_IFDIR: return "directory";
  case S_IFLNK: return "link";
  case S_IFIFO: return "fifo";
  case S_IFSOCK: return "socket";
  default: return "file";
  }
}

static void stat_fields(const struct stat *st) {
  key("type");
  string(type_of(st->st_mode));
  number("mode", st->st_mode & 07777);
  number("uid", st->st_uid);
  number("gid", st->st_gid);
  number("major", major(st->st_rdev));
  number("minor", minor(st->st_rdev));
  number("dev", (long long)st->st_dev);
  number("ino", (long long)st->st_ino);
  number("size", (long long)st->st_size);
}

// ── facts ───────────────────────────────────────────────────────────────────────────────────────
static void namespaces(void) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  key("ns");
  open_with('{');
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    link_of(names[i], path);
  }
  close_with('}');
}

static void identity(void) {
  uid_t ids[3] = {0};
  getresuid(&ids[0], &ids[1], &ids[2]);
  key("uids");
  printf("[%u,%u,%u]", ids[0], ids[1], ids[2]);
  getresgid(&ids[0], &ids[1], &ids[2]);
  key("gids");
  printf("[%u,%u,%u]", ids[0], ids[1], ids[2]);
  gid_t groups[256];
  int count = getgroups(256, groups);
  key("groups");
  open_with('[');
  for (int i = 0; i < count; i++) {
    comma();
    printf("%u", groups[i]);
  }
  close_with(']');
  number("securebits", prctl(PR_GET_SECUREBITS));
  number("noNewPrivs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  number("seccomp", prctl(PR_GET_SECCOMP));
  number("personality", personality(0xffffffff));
}

static void process(void) {
  char directory[4096];
  mode_t mask = umask(0);
  umask(mask);
  key("cwd");
  if (getcwd(directory, sizeof directory) == NULL) printf("null");
  else string(directory);
  number("umask", mask);
  number("pid", getpid());
  number("ppid", getppid());
  number("sid", getsid(0));
  number("pgid", getpgid(0));
  int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  number("controllingTerminal", tty >= 0);
  if (tty >= 0) close(tty);
  struct winsize size = {0};
  ioctl(0, TIOCGWINSZ, &size);
  key("terminal");
  printf("{\"in\":%d,\"out\":%d,\"err\":%d,\"rows\":%d,\"columns\":%d}", isatty(0), isatty(1),
         isatty(2), size.ws_row, size.ws_col);
  key("env");
  open_with('[');
  for (char **entry = environ; *entry != NULL; entry++) {
    comma();
    string(*entry);
  }
  close_with(']');
  // The order of their numbers: getrlimit(2), RLIMIT_CPU 0 to RLIMIT_RTTIME 15; -1: no limit.
  key("rlimits");
  open_with('[');
  for (int resource = 0; resource < 16; resource++) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    comma();
    printf("[%lld,%lld]", (long long)limit.rlim_cur, (long long)limit.rlim_max);
  }
  close_with(']');
}

static void signals(void) {
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, NULL, &blocked);
  key("blockedSignals");
  open_with('[');
  for (int signal = 1; signal < NSIG; signal++)
    if (sigismember(&blocked, signal) == 1) {
      comma();
      printf("%d", signal);
    }
  close_with(']');
  key("ignoredSignals");
  open_with('[');
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
      comma();
      printf("%d", signal);
    }
  }
  close_with(']');
}

static void descriptors(void) {
  key("fds");
  open_with('{');
  // By number: /proc may be missing, and listing it would open one more.
  for (int fd = 0; fd < 1024; fd++) {
    int flags = fcntl(fd, F_GETFL);
    struct stat st;
    if (flags < 0 || fstat(fd, &st) != 0) continue;
    char name[16], path[64];
    snprintf(name, sizeof name, "%d", fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    key(name);
    open_with('{');
    link_of("target", path);
    number("flags", flags);
    stat_fields(&st);
    close_with('}');
  }
  close_with('}');
}

static void devices(const char *directory) {
  DIR *stream = opendir(directory);
  if (stream == NULL) return;
  struct dirent *entry;
  while ((entry = readdir(stream)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (lstat(path, &st) != 0) continue;
    key(path);
    open_with('{');
    stat_fields(&st);
    link_of("target", path);
    close_with('}');
    if (S_ISDIR(st.st_mode)) devices(path);
  }
  closedir(stream);
}

static void machine(void) {
  struct utsname names;
  uname(&names);
  key("hostname");
  string(names.nodename);
  key("domainname");
  string(names.domainname);
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  number("boottime", time.tv_sec);
  clock_gettime(CLOCK_MONOTONIC, &time);
  number("monotonic", time.tv_sec);
}

// ── attempts ────────────────────────────────────────────────────────────────────────────────────
static int outcome(int result) {
  key("errno");
  if (result >= 0) printf("null");
  else string(strerrorname_np(errno));
  return result;
}

static void read_here(const char *path) {
  char content[65536];
  int fd = outcome(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd < 0) return;
  struct stat st;
  if (fstat(fd, &st) == 0) stat_fields(&st);
  ssize_t got = read(fd, content, sizeof content);
  if (got >= 0) {
    key("text");
    text(content, (size_t)got);
  } else {
    key("readErrno");
    string(strerrorname_np(errno));
  }
  close(fd);
}

// chroot(2): "a superuser can escape from a chroot jail by doing mkdir foo; chroot foo; cd ..".
static void escape(const char *path) {
  mkdir("/way-out", 0755);
  if (chroot("/way-out") != 0) {
    outcome(-1);
    return;
  }
  for (int i = 0; i < 64; i++)
    if (chdir("..") != 0) break;
  if (chroot(".") != 0) {
    outcome(-1);
    return;
  }
  read_here(path);
}

static int push_input(unsigned long request) {
  static char push[2] = {'x', 0};
  if (request == TIOCLINUX) push[0] = 2; // paste the selection
  for (int fd = 0; fd < 3; fd++)
    if (ioctl(fd, request, push) == 0) return 0;
  int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  return tty < 0 ? -1 : ioctl(tty, request, push);
}

static int open_handle(const char *path) {
  union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } file = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
  int mount;
  if (name_to_handle_at(AT_FDCWD, path, &file.handle, &mount, 0) != 0) return -1;
  int directory = open("/etc", O_RDONLY | O_CLOEXEC);
  return open_by_handle_at(directory, &file.handle, O_RDONLY);
}

static void count_names(const char *path) {
  DIR *stream = opendir(path);
  outcome(stream == NULL ? -1 : 0);
  if (stream == NULL) return;
  int count = 0;
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(stream);
  number("count", count);
}

static void attempt(char *words) {
  char *rest = words;
  const char *what = strsep(&rest, ":");
  char *path = rest == NULL ? words : rest;
  struct stat st;
  if (strcmp(what, "read") == 0) read_here(path);
  else if (strcmp(what, "write") == 0) outcome(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
  else if (strcmp(what, "create") == 0) outcome(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644));
  else if (strcmp(what, "opendir") == 0) outcome(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  else if (strcmp(what, "nfiles") == 0) count_names(path);
  else if (strcmp(what, "stat") == 0) {
    if (outcome(lstat(path, &st)) == 0) stat_fields(&st);
  } else if (strcmp(what, "exec") == 0) outcome(execl(path, path, (char *)NULL));
  else if (strcmp(what, "chdir") == 0) outcome(chdir(path));
  else if (strcmp(what, "mkdir") == 0) outcome(mkdir(path, 0755));
  else if (strcmp(what, "umount") == 0) outcome(umount2(path, MNT_DETACH));
  else if (strcmp(what, "unshare") == 0) outcome(unshare((int)strtol(path, NULL, 0)));
  else if (strcmp(what, "sethostname") == 0) outcome(sethostname(path, strlen(path)));
  else if (strcmp(what, "tiocsti") == 0) outcome(push_input(TIOCSTI));
  else if (strcmp(what, "tiocsti-high") == 0) outcome(push_input(TIOCSTI | 1UL << 32));
  else if (strcmp(what, "tioclinux") == 0) outcome(push_input(TIOCLINUX));
  else if (strcmp(what, "handle") == 0) outcome(open_handle(path));
  else if (strcmp(what, "escape") == 0) escape(path);
  else if (strcmp(what, "enter-mounts") == 0) { // setns(2): its root becomes ours
    int entered = setns(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), CLONE_NEWNS);
    entered == 0 ? read_here(path) : (void)outcome(entered);
  } else if (strcmp(what, "mount") == 0) {
    const char *type = strsep(&rest, ":");
    outcome(mount(type, rest, type, 0, NULL));
  } else if (strcmp(what, "bind") == 0) {
    const char *from = strsep(&rest, ":");
    outcome(mount(from, rest, NULL, MS_BIND, NULL));
  } else if (strcmp(what, "mknod") == 0) {
    mode_t type = *strsep(&rest, ":") == 'b' ? S_IFBLK : S_IFCHR;
    unsigned high = (unsigned)atoi(strsep(&rest, ":")), low = (unsigned)atoi(strsep(&rest, ":"));
    outcome(mknod(rest, type | 0600, makedev(high, low)));
  } else {
    key("errno");
    string("no such attempt");
  }
}

// Each in a process of its own, so that none spoils the next; in order, so that one can build on
// what another left in the file system.
static void attempts(char **words) {
  key("attempts");
  open_with('{');
  for (; *words != NULL; words++) {
    key(*words);
    open_with('{');
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      attempt(strdup(*words));
      fflush(stdout);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) printf("\"signal\":%d", WTERMSIG(status));
    close_with('}');
  }
  close_with('}');
}

int main(int argc, char **argv) {
  (void)argc;
  open_with('{');
  descriptors(); // before anything is opened here
  namespaces();
  identity();
  process();
  signals();
  machine();
  file("status", "/proc/self/status");
  file("mountinfo", "/proc/self/mountinfo");
  file("cgroup", "/proc/self/cgroup");
  file("oomScoreAdj", "/proc/self/oom_score_adj");
  file("uidMap", "/proc/self/uid_map");
  file("gidMap", "/proc/self/gid_map");
  link_of("exe", "/proc/self/exe");
  key("devices");
  open_with('{');
  devices("/dev");
  close_with('}');
  attempts(argv + 1);
  close_with('}');
  putchar('\n');
  return fflush(stdout) == 0 ? 0 : 1;
}
