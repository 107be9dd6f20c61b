/*
 * What a program in a container with an egress list tries:
 *
 *     egress-probe look-up SERVER udp|tcp NAME A|AAAA|TXT    prints the code of the answer and its addresses
 *     egress-probe beyond                                 tries each way past the list, prints what it gets
 *     egress-probe flood ADDRESS PORT COUNT               sends so many packets of UDP
 *     egress-probe lie AT ADDRESS                         from the background answers each question at AT by ADDRESS
 *     egress-probe forge SERVER6 NAME ADDRESS6            asks, and answers itself in the server's name
 *     egress-probe go-on SERVER NAME OTHER                has NAME asked for, and asks for OTHER from the same port
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static size_t question(uint8_t *out, const char *name, int type) {
    static const uint8_t head[12] = {7, 7, 1, 0, 0, 1};
    uint8_t *to = out + sizeof head;
    memcpy(out, head, sizeof head);
    for (const char *at = name; *at;) {
        size_t length = strcspn(at, ".");
        *to++ = (uint8_t)length;
        memcpy(to, at, length);
        to += length;
        at += length + (at[length] == '.');
    }
    const uint8_t tail[5] = {0, 0, (uint8_t)type, 0, 1};
    memcpy(to, tail, sizeof tail);
    return (size_t)(to + sizeof tail - out);
}

static int look_up(const char *server, const char *protocol, const char *name, const char *type) {
    int is_tcp = strcmp(protocol, "tcp") == 0;
    int number = strcmp(type, "A") == 0 ? 1 : strcmp(type, "AAAA") == 0 ? 28 : 16;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    uint8_t bytes[1024];
    size_t size = question(bytes + 2, name, number);
    bytes[0] = (uint8_t)(size >> 8);
    bytes[1] = (uint8_t)size;
    inet_pton(AF_INET, server, &at.sin_addr);
    int fd = socket(AF_INET, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){3, 0}, sizeof(struct timeval));
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        send(fd, is_tcp ? bytes : bytes + 2, is_tcp ? size + 2 : size, 0) < 0) {
        printf("%s\n", strerror(errno));
        return 1;
    }
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    const uint8_t *m = is_tcp ? bytes + 2 : bytes;
    n -= is_tcp ? 2 : 0;
    if (n < 12) {
        printf("no answer: %s\n", strerror(errno));
        return 1;
    }
    printf("code %d", m[3] & 15);
    const uint8_t *a = m + size;
    for (int left = m[6] << 8 | m[7]; left > 0; left--, a += 12 + (a[10] << 8 | a[11])) {
        char text[64];
        inet_ntop(a[11] == 4 ? AF_INET : AF_INET6, a + 12, text, sizeof text);
        printf(" %s", text);
    }
    puts("");
    return 0;
}

static void say(const char *what, long rc) {
    printf("%s: %s\n", what, rc < 0 ? strerror(errno) : "went well");
}

/* Removes the table with the rules. */
static long delete_table(void) {
    struct {
        struct nlmsghdr begin;
        struct nfgenmsg begin_what;
        struct nlmsghdr table;
        struct nfgenmsg table_what;
        struct nlattr name;
        char text[16];
        struct nlmsghdr end;
        struct nfgenmsg end_what;
    } r = {
        {sizeof r.begin + sizeof r.begin_what, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, 0, 0},
        {0, 0, htons(NFNL_SUBSYS_NFTABLES)},
        {sizeof r.table + sizeof r.table_what + sizeof r.name + sizeof r.text,
         NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NLM_F_REQUEST | NLM_F_ACK, 0, 0},
        {1, 0, 0},
        {sizeof r.name + 13, NFTA_TABLE_NAME},
        "pivot_egress",
        {sizeof r.end + sizeof r.end_what, NFNL_MSG_BATCH_END, NLM_F_REQUEST, 0, 0},
        {0, 0, htons(NFNL_SUBSYS_NFTABLES)},
    };
    char answer[4096] __attribute__((aligned(4)));
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    if (fd < 0 || send(fd, &r, sizeof r, 0) < 0 || recv(fd, answer, sizeof answer, 0) < 0)
        return -1;
    errno = -((struct nlmsgerr *)NLMSG_DATA(answer))->error;
    return errno ? -1 : 0;
}

static int beyond(void) {
    int udp = socket(AF_INET, SOCK_DGRAM, 0), mark = 0x7069766f;
    say("packet socket", socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
    say("raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
    say("vsock", socket(40, SOCK_STREAM, 0));
    say("mark", setsockopt(udp, SOL_SOCKET, SO_MARK, &mark, sizeof mark));
    say("rules", delete_table());
    say("namespace", unshare(CLONE_NEWUSER | CLONE_NEWNET));
    return 0;
}

static int flood(const char *address, int port, int count) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), passed = 0;
    inet_pton(AF_INET, address, &at.sin_addr);
    for (int i = 0; i < count; i++) {
        at.sin_port = htons((uint16_t)(port + i % 1000));
        passed += sendto(fd, "x", 1, 0, (struct sockaddr *)&at, sizeof at) == 1;
    }
    printf("passed %d\n", passed);
    return 0;
}

/* An answer to the question that is there, by one address; gives its size. */
static size_t answer(uint8_t *bytes, size_t size, int family, const char *address) {
    const uint8_t record[10] = {0xc0, 12, 0, family == AF_INET ? 1 : 28, 0, 1, 0, 0, 0, 60};
    uint8_t *to = bytes + size;
    bytes[2] = 0x81;
    bytes[3] = 0x80;
    bytes[7] = 1; /* of answers; what the question had besides is left out */
    bytes[11] = 0;
    memcpy(to, record, sizeof record);
    to += sizeof record;
    *to++ = 0;
    *to++ = family == AF_INET ? 4 : 16;
    inet_pton(family, address, to);
    return (size_t)(to - bytes) + (family == AF_INET ? 4 : 16);
}

/* What a question is, without what comes behind it. */
static size_t question_in(const uint8_t *bytes, size_t size) {
    size_t at = 12;
    while (at < size && bytes[at])
        at += bytes[at] + 1u;
    return at + 5;
}

static int lie(const char *where, const char *address) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)}, from;
    socklen_t length = sizeof from;
    uint8_t bytes[1024];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, where, &at.sin_addr);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        printf("%s\n", strerror(errno));
        return 1;
    }
    if (fork() != 0)
        return 0;
    for (ssize_t n; (n = recvfrom(fd, bytes, 512, 0, (struct sockaddr *)&from, &length)) > 0;) {
        size_t size = answer(bytes, question_in(bytes, (size_t)n), AF_INET, address);
        if (sendto(fd, bytes, size, 0, (struct sockaddr *)&from, length) < 0)
            continue;
    }
    return 0;
}

/* The guard's own socket for a question to this server, as everybody sees it in /proc. */
static int find_asker(const struct in6_addr *server, struct sockaddr_in6 *asker) {
    char line[256];
    FILE *file = fopen("/proc/net/udp6", "r");
    int found = 0;
    while (file && !found && fgets(line, sizeof line, file)) {
        uint32_t own[4], other[4];
        unsigned port, other_port;
        found = sscanf(line, " %*d: %8x%8x%8x%8x:%x %8x%8x%8x%8x:%x", &own[0], &own[1], &own[2], &own[3],
                       &port, &other[0], &other[1], &other[2], &other[3], &other_port) == 10 &&
                other_port == 53 && memcmp(other, server, sizeof other) == 0;
        if (found) {
            *asker = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
            memcpy(&asker->sin6_addr, own, sizeof own);
        }
    }
    if (file)
        fclose(file);
    return found;
}

/* IPv6 lets anybody send from an address that is not there: each of the 65,536 ids is tried. */
static int forge(const char *server, const char *name, const char *address) {
    struct sockaddr_in guard = {.sin_family = AF_INET, .sin_port = htons(53),
                                .sin_addr = {htonl(0x7f00000b)}};
    struct sockaddr_in6 self = {.sin6_family = AF_INET6, .sin6_port = htons(53)}, asker;
    uint8_t bytes[1024], heard[1024];
    int on = 1, asks = socket(AF_INET, SOCK_DGRAM, 0), fd = socket(AF_INET6, SOCK_DGRAM, 0);
    inet_pton(AF_INET6, server, &self.sin6_addr);
    setsockopt(fd, IPPROTO_IPV6, 78 /* IPV6_FREEBIND */, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&self, sizeof self) < 0) {
        printf("bind: %s\n", strerror(errno));
        return 1;
    }
    size_t size = question(bytes, name, 28);
    sendto(asks, bytes, size, 0, (struct sockaddr *)&guard, sizeof guard);
    size = answer(bytes, size, AF_INET6, address);
    unsigned long sent = 0, tried = 0;
    for (ssize_t n = -1; n < 0 && tried < 400000; tried++) {
        bytes[0] = (uint8_t)(tried >> 8);
        bytes[1] = (uint8_t)tried;
        if (tried % 64 == 0) {
            n = recv(asks, heard, sizeof heard, MSG_DONTWAIT);
            for (int i = 0; i < 100 && !find_asker(&self.sin6_addr, &asker); i++)
                usleep(10000);
        }
        sent += sendto(fd, bytes, size, 0, (struct sockaddr *)&asker, sizeof asker) > 0;
        if (n > 0) {
            printf("code %d, %d answers\n", heard[3] & 15, heard[7]);
            return 0;
        }
    }
    printf(sent ? "sent, and none was taken\n" : "not sent: %s\n", strerror(errno));
    return 0;
}

/* The port from which the guard asks this server just now; 0: it does not. */
static unsigned port_of_asker(const char *server) {
    char line[256];
    unsigned port = 0, other = 0, address = 0, found = 0;
    struct in_addr wanted;
    inet_pton(AF_INET, server, &wanted);
    FILE *file = fopen("/proc/net/udp", "r");
    while (file && !found && fgets(line, sizeof line, file))
        if (sscanf(line, " %*d: %*x:%x %x:%x", &port, &address, &other) == 3 && other == 53 &&
            address == wanted.s_addr)
            found = port;
    if (file)
        fclose(file);
    return found;
}

/* The connection that the guard has begun is there for half a minute. */
static int go_on(const char *server, const char *name, const char *other) {
    struct sockaddr_in guard = {.sin_family = AF_INET, .sin_port = htons(53),
                                .sin_addr = {htonl(0x7f00000b)}};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct sockaddr_in self = {.sin_family = AF_INET};
    uint8_t bytes[1024];
    unsigned port = 0;
    inet_pton(AF_INET, server, &at.sin_addr);
    for (int i = 0; i < 2000 && port == 0; i++) {
        int asks = socket(AF_INET, SOCK_DGRAM, 0);
        size_t size = question(bytes, name, 1);
        sendto(asks, bytes, size, 0, (struct sockaddr *)&guard, sizeof guard);
        port = port_of_asker(server);
        recv(asks, bytes, sizeof bytes, 0);
        close(asks);
    }
    if (port == 0) {
        puts("no port was seen");
        return 1;
    }
    self.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){1, 0}, sizeof(struct timeval));
    for (int i = 0; i < 500 && bind(fd, (struct sockaddr *)&self, sizeof self) < 0; i++)
        usleep(10000);
    size_t size = question(bytes, other, 1);
    ssize_t n = sendto(fd, bytes, size, 0, (struct sockaddr *)&at, sizeof at);
    n = n < 0 ? n : recv(fd, bytes, sizeof bytes, 0);
    printf(n > 0 ? "answered\n" : "not answered: %s\n", strerror(errno));
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "go-on") == 0)
        return go_on(argv[2], argv[3], argv[4]);
    if (argc == 4 && strcmp(argv[1], "lie") == 0)
        return lie(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "forge") == 0)
        return forge(argv[2], argv[3], argv[4]);
    if (argc == 6 && strcmp(argv[1], "look-up") == 0)
        return look_up(argv[2], argv[3], argv[4], argv[5]);
    if (argc == 2 && strcmp(argv[1], "beyond") == 0)
        return beyond();
    if (argc == 5 && strcmp(argv[1], "flood") == 0)
        return flood(argv[2], atoi(argv[3]), atoi(argv[4]));
    fputs("usage: egress-probe look-up SERVER udp|tcp NAME A|AAAA|TXT | beyond | flood ADDRESS PORT COUNT\n", stderr);
    return 2;
}
