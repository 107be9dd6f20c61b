// The other end of --console-socket: listens at a path, takes one descriptor (SCM_RIGHTS), and then
// is the keyboard and the screen of that terminal: standard input goes in, what comes out goes to
// standard output. Usage: console-receiver SOCKET [ROWS COLUMNS]
// Its first line on standard error is what was received: the data, and whether it is a terminal.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server, (struct sockaddr *)&address, sizeof address) != 0) return -1;
  return listen(server, 1) == 0 ? server : -1;
}

static int receive(int connection, char *data, size_t size) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(4 * sizeof(int))];
  } control;
  struct iovec part = {data, size - 1};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return -1;
  data[got] = 0;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header == NULL || header->cmsg_type != SCM_RIGHTS) return -1;
  if (header->cmsg_len != CMSG_LEN(sizeof(int))) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

/** Copies what is there; 0 at the end of it. */
static int copy(int from, int to) {
  char bytes[65536];
  ssize_t got = read(from, bytes, sizeof bytes);
  if (got <= 0) return 0;
  for (ssize_t done = 0; done < got;) {
    ssize_t wrote = write(to, bytes + done, (size_t)(got - done));
    if (wrote <= 0) return 0;
    done += wrote;
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 4) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(60);
  int server = listen_at(argv[1]);
  if (server < 0) {
    perror(argv[1]);
    return 3;
  }
  int connection = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  char data[4096];
  int terminal = receive(connection, data, sizeof data);
  fprintf(stderr, "received \"%s\", %s\n", data, isatty(terminal) ? "a terminal" : "no terminal");
  if (terminal < 0) return 4;
  if (argc == 4) {
    struct winsize size = {.ws_row = (unsigned short)atoi(argv[2]),
                           .ws_col = (unsigned short)atoi(argv[3])};
    ioctl(terminal, TIOCSWINSZ, &size);
  }
  struct pollfd ends[2] = {{terminal, POLLIN, 0}, {0, POLLIN, 0}};
  while (poll(ends, 2, -1) > 0) {
    if (ends[0].revents != 0 && !copy(terminal, 1)) break;
    if (ends[1].revents != 0 && !copy(0, terminal)) ends[1].fd = -1;
  }
  return 0;
}
