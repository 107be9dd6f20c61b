// Both ends of sd_notify(3). `notify TEXT` sends a datagram to $NOTIFY_SOCKET; `notify listen PATH`
// binds a socket there, and prints each datagram that arrives, for ten seconds.

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int is_listening = argc == 3 && strcmp(argv[1], "listen") == 0;
  const char *path = is_listening ? argv[2] : getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (argc < 2 || path == NULL || strlen(path) >= sizeof address.sun_path) return 2;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  alarm(10);
  if (!is_listening) {
    size_t length = strlen(argv[1]);
    ssize_t sent = sendto(fd, argv[1], length, 0, (struct sockaddr *)&address, sizeof address);
    if (sent != (ssize_t)length) perror(path);
    return sent == (ssize_t)length ? 0 : 1;
  }
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return 3;
  char text[1024];
  for (;;) {
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    if (got < 0) return 4;
    text[got] = 0;
    puts(text);
    fflush(stdout);
  }
}
