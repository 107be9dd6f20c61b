// A file system that answers until its root is open, and never after: whoever asks it about a file waits
// for good. Its root has the number of another file's inode, as a hostile server may choose it.
//
//      fuse-hang DIRECTORY INODE      mounts, locks the root (flock), prints `locked`, sleeps
//
// To be called in a mount namespace of its own.

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static char request[1 << 17];

static void answer(int device, uint64_t unique, const void *body, size_t size) {
  char bytes[256];
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + size), .unique = unique};
  memcpy(bytes, &head, sizeof head);
  memcpy(bytes + sizeof head, body, size);
  if (write(device, bytes, head.len) < 0) _exit(3);
}

static void serve(int device, uint64_t inode) {
  for (int is_open = 0;;) {
    if (read(device, request, sizeof request) < 0) _exit(2);
    const struct fuse_in_header *in = (const struct fuse_in_header *)request;
    struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096};
    struct fuse_attr_out attributes = {.attr = {.ino = inode, .mode = S_IFDIR | 0755, .nlink = 2}};
    struct fuse_open_out opened = {.fh = 1};
    if (in->opcode == FUSE_INIT) answer(device, in->unique, &init, sizeof init);
    else if (in->opcode == FUSE_GETATTR && !is_open) answer(device, in->unique, &attributes, sizeof attributes);
    else if (in->opcode == FUSE_OPENDIR) answer(device, in->unique, &opened, sizeof opened), is_open = 1;
  }
}

int main(int argc, char **argv) {
  char options[64];
  struct stat st;
  int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (argc < 3 || device < 0) return 1;
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("hang", argv[1], "fuse", 0, options) < 0) return 1;
  pid_t parent = getpid();
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) return 1;
    serve(device, strtoull(argv[2], NULL, 10));
  }
  if (stat(argv[1], &st) < 0) return 1;
  int root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || flock(root, LOCK_EX) < 0) return 1;
  puts("locked");
  fflush(stdout);
  pause();
}
