// Attaches to a container many times over, and never reads: attach-many DIRECTORY COUNT. DIRECTORY has the
// socket `attach`. Every hundredth client stays until this process ends; says `attached N`, and waits.

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  // An address has room for 107 bytes, and the directory's name may have more.
  if (argc != 3 || chdir(argv[1]) < 0) return 2;
  const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "attach"};
  int attached = 0;
  for (int i = 0; i < atoi(argv[2]); i++) {
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    char first[16];
    if (fd < 0) return 1;
    // The first packet says what there is to take part in: so the other side has taken us in.
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        recv(fd, first, sizeof first, 0) > 0)
      attached++;
    if (i % 100 != 0) close(fd);
  }
  printf("attached %d\n", attached);
  fflush(stdout);
  pause();
  return 0;
}
