// `hang-up DIRECTORY [taken]` does what a `start` does that is killed before it has said its word: it
// connects to the socket `start` of a container's state directory, takes its file away when told to,
// and ends.

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "start"};
  if (argc < 2 || chdir(argv[1]) != 0) return 2;
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("connect");
    return 1;
  }
  return argc > 2 && strcmp(argv[2], "taken") == 0 ? unlink("start") : 0;
}
