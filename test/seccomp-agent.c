// A seccomp agent. Listens on the socket SOCKET, says `ready`, takes one container process state and
// prints it on a line; then answers the filter's questions until the container has ended: those about
// mkdir and mkdirat with EDOM (an errno that the kernel would not give), all others with "go on".
// Prints how many there were of each. Argument 2: `leaves` once it has the filter, or `sleeps` then.

#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int take_state(int connection) {
  char text[65536];
  size_t used = 0;
  int fd = -1;
  for (;;) {
    union {
      char bytes[CMSG_SPACE(4 * sizeof(int))];
      struct cmsghdr align;
    } control;
    struct iovec part = {text + used, sizeof text - 1 - used};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(connection, &header, MSG_CMSG_CLOEXEC);
    if (n <= 0) break;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_len == CMSG_LEN(sizeof fd)) memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    used += (size_t)n;
  }
  text[used] = '\0';
  printf("%s\n", text);
  fflush(stdout);
  return fd;
}

static int refuses(int number) {
#ifdef SYS_mkdir
  if (number == SYS_mkdir) return 1;
#endif
  return number == SYS_mkdirat;
}

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", argc > 1 ? argv[1] : "");
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
    perror(address.sun_path);
    return 1;
  }
  printf("ready\n");
  fflush(stdout);
  int connection = accept(listener, NULL, NULL);
  int fd = take_state(connection), refused = 0, passed = 0;
  if (argc > 2 && strcmp(argv[2], "leaves") == 0) return 0;
  if (argc > 2 && strcmp(argv[2], "sleeps") == 0) return pause();
  for (;;) {
    struct pollfd question = {fd, POLLIN, 0};
    if (fd < 0 || poll(&question, 1, 20000) <= 0 || question.revents & POLLHUP) break;
    struct seccomp_notif asked;
    memset(&asked, 0, sizeof asked);
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
    struct seccomp_notif_resp answer = {.id = asked.id};
    if (refuses(asked.data.nr)) answer.error = -EDOM;
    else answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    *(answer.error ? &refused : &passed) += 1;
    ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  printf("refused %d passed %d\n", refused, passed);
  return 0;
}
