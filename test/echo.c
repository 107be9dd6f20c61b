/*
 * echo serve PORT: answers every packet of UDP and every connection of TCP with what it heard.
 * echo ask tcp|udp ADDRESS PORT TEXT [MILLISECONDS]: prints the answer; ends with 1 when none comes in
 * that time, which is 3 seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int bound(int type, int port) {
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, type, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        (type == SOCK_STREAM && listen(fd, 16) < 0)) {
        perror("bind");
        exit(2);
    }
    return fd;
}

static void answer(int fd, int to, struct sockaddr_in6 *from, socklen_t size) {
    char heard[512], said[600];
    ssize_t n = to < 0 ? recvfrom(fd, heard, sizeof heard, 0, (struct sockaddr *)from, &size)
                       : read(to, heard, sizeof heard);
    if (n < 0)
        return;
    int length = snprintf(said, sizeof said, "heard %.*s", (int)n, heard);
    if (to < 0)
        sendto(fd, said, (size_t)length, 0, (struct sockaddr *)from, size);
    else if (write(to, said, (size_t)length) < 0)
        perror("write");
}

static int serve(int port) {
    struct sockaddr_in6 from;
    struct pollfd fds[2] = {{bound(SOCK_STREAM, port), POLLIN, 0}, {bound(SOCK_DGRAM, port), POLLIN, 0}};
    puts("ready");
    fflush(stdout);
    while (poll(fds, 2, -1) >= 0) {
        if (fds[1].revents)
            answer(fds[1].fd, -1, &from, sizeof from);
        if (!fds[0].revents)
            continue;
        int client = accept(fds[0].fd, NULL, NULL);
        if (client >= 0)
            answer(client, client, &from, sizeof from);
        close(client);
    }
    return 0;
}

static int ask(const char *protocol, const char *address, int port, const char *text, int wait) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    if (!is_v6 && inet_pton(AF_INET, address, &v4.sin_addr) != 1)
        return 2;
    int type = strcmp(protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, type, 0);
    struct timeval patience = {.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const struct sockaddr *to = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    char said[600];
    if (connect(fd, to, is_v6 ? sizeof v6 : sizeof v4) < 0 || write(fd, text, strlen(text)) < 0)
        return 1;
    ssize_t n = read(fd, said, sizeof said);
    if (n > 0)
        printf("%.*s", (int)n, said);
    return n <= 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(atoi(argv[2]));
    if (argc >= 6 && strcmp(argv[1], "ask") == 0)
        return ask(argv[2], argv[3], atoi(argv[4]), argv[5], argc == 7 ? atoi(argv[6]) : 3000);
    return 2;
}
