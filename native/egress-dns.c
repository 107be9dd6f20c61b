/*
 * The resolver of a container with an egress list: it answers for names on the list, by the servers
 * that the container would ask without one, and admits each address before it gives it out.
 *
 * Addresses alone are answered: for other types of a name that is on the list there is nothing, since
 * what they say (HTTPS, SRV) leads to addresses that nobody has admitted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "calls.h"
#include "clock.h"
#include "companion.h"
#include "egress.h"

#define PV_SERVERS 3
#define PV_TRIES 4
#define PV_PATIENCE 2000    /* milliseconds for each */
#define PV_TCP_IDLE 10000
#define PV_LONGEST 3600     /* seconds for which a client may keep an address */
#define PV_GRACE 30         /* for who looks up first and connects then */

/* A question that waits for its answer from outside. */
struct pending {
    int socket;             /* or -1: the place is free */
    int client;             /* of TCP, or -1 */
    unsigned number;        /* of that client's connection */
    struct sockaddr_in from;
    struct pv_question question;
    struct pv_allowed allowed;
    uint16_t id;            /* of our own question */
    int tries, code;
    int64_t end;
    uint8_t query[PV_DNS_UDP]; /* its header and its question */
};

struct client {
    int socket; /* or -1 */
    unsigned number;
    int64_t end;
    size_t length;
    uint8_t bytes[2 + PV_DNS_UDP];
};

static struct pv_resolver resolver = {.udp = -1, .tcp = -1};
static struct pending pending[PV_PENDING];
static struct client clients[PV_TCP_CLIENTS];

struct pv_resolver *pv_resolver(void) {
    return &resolver;
}

static int listen_at(const uint8_t address[4], int type) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    int on = 1;
    memcpy(&at.sin_addr, address, 4);
    int fd = pv_result(socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0)
        return fd;
    /* The loopback device is off yet. */
    if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        (type == SOCK_STREAM && listen(fd, PV_TCP_CLIENTS) < 0)) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int pv_open_resolver(const uint8_t address[4]) {
    for (int i = 0; i < PV_PENDING; i++)
        pending[i].socket = -1;
    for (int i = 0; i < PV_TCP_CLIENTS; i++)
        clients[i].socket = -1;
    resolver.udp = listen_at(address, SOCK_DGRAM);
    resolver.tcp = resolver.udp < 0 ? resolver.udp : listen_at(address, SOCK_STREAM);
    return resolver.tcp < 0 ? resolver.tcp : 0;
}

/* ── answers ────────────────────────────────────────────────────────────────────────────────── */

static void end_client(struct client *client) {
    close(client->socket);
    client->socket = -1;
}

static void send_back(const struct pending *to, const uint8_t *answer, size_t size) {
    if (to->client < 0) {
        if (sendto(resolver.udp, answer, size, MSG_DONTWAIT, (const struct sockaddr *)&to->from,
                   sizeof to->from) < 0)
            return; /* who asked has gone, or asks again */
        return;
    }
    struct client *client = &clients[to->client];
    uint8_t bytes[2 + PV_DNS_UDP] = {(uint8_t)(size >> 8), (uint8_t)size};
    memcpy(bytes + 2, answer, size);
    if (client->socket < 0 || client->number != to->number)
        return;
    if (send(client->socket, bytes, size + 2, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size + 2)
        end_client(client);
}

static void tell_client(const struct pending *to, struct pv_answer *answer) {
    uint8_t bytes[PV_DNS_UDP];
    send_back(to, bytes, pv_dns_write_answer(bytes, to->query, &to->question, answer));
}

static void tell_code(const struct pending *to, int code) {
    struct pv_answer answer = {.code = code};
    tell_client(to, &answer);
}

/* What a name has no business to lead to is left out, and said. */
static void leave_out_near(struct pv_answer *answer, const struct pending *to) {
    unsigned kept = 0;
    char text[PV_ADDRESS_TEXT];
    for (unsigned i = 0; i < answer->count; i++) {
        const struct pv_address *address = &answer->addresses[i];
        enum pv_reach reach = pv_reach_of(address);
        if (reach == PV_PUBLIC || (reach == PV_PRIVATE && to->allowed.is_exact)) {
            answer->addresses[kept++] = *address;
            continue;
        }
        pv_address_text(address, text);
        pv_tell("egress refused: %s is %s, %s (allow with --egress allow=%s)", to->question.name, text,
                reach == PV_NEVER ? "an address of the machine itself or its link"
                                  : "a private address, which a wildcard does not cover",
                text);
    }
    answer->count = kept;
}

static int admit(const struct pending *to, const struct pv_answer *answer) {
    for (unsigned i = 0; i < answer->count; i++) {
        pv_remember_address(&answer->addresses[i], to->question.name);
        for (unsigned j = 0; j < to->allowed.count; j++) {
            int rc = pv_admit(resolver.sets, &answer->addresses[i], to->allowed.ports[j],
                              answer->ttl + PV_GRACE);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static void take_answer(struct pending *to, struct pv_answer *answer) {
    uint8_t bytes[PV_DNS_UDP];
    if (answer->ttl > PV_LONGEST)
        answer->ttl = PV_LONGEST;
    leave_out_near(answer, to);
    size_t size = pv_dns_write_answer(bytes, to->query, &to->question, answer);
    int rc = admit(to, answer);
    if (rc == 0) {
        send_back(to, bytes, size);
        return;
    }
    pv_tell("egress: the addresses of %s cannot be admitted: %s", to->question.name, strerror(-rc));
    tell_code(to, PV_DNS_SERVER);
}

/* ── questions to servers outside ───────────────────────────────────────────────────────────── */

struct server {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
};

static int read_server(const char *word, struct server *server) {
    *server = (struct server){.size = 0};
    if (inet_pton(AF_INET, word, &server->at.v4.sin_addr) == 1) {
        server->at.v4.sin_family = AF_INET;
        server->at.v4.sin_port = htons(53);
        server->size = sizeof server->at.v4;
    } else if (inet_pton(AF_INET6, word, &server->at.v6.sin6_addr) == 1) {
        server->at.v6.sin6_family = AF_INET6;
        server->at.v6.sin6_port = htons(53);
        server->size = sizeof server->at.v6;
    }
    return server->size > 0;
}

/* Read each time: the file follows the machine's. */
static int read_servers(struct server servers[PV_SERVERS]) {
    char text[4096];
    int count = 0;
    ssize_t n = pread(resolver.upstream, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    for (char *line = text, *rest; line && count < PV_SERVERS; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        char word[64] = "";
        if (sscanf(line, " nameserver %63s", word) == 1)
            count += read_server(word, &servers[count]);
    }
    return count;
}

/* A socket for each question: the kernel chooses its port, which nobody can guess. */
static int ask(struct pending *one, const struct server *server) {
    uint8_t bytes[PV_DNS_UDP];
    if (getrandom(&one->id, sizeof one->id, 0) != sizeof one->id)
        return -EAGAIN;
    int fd = pv_result(socket(server->at.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0)
        return fd;
    size_t size = pv_dns_write_question(bytes, one->id, one->question.name, one->question.type);
    if (setsockopt(fd, SOL_SOCKET, SO_MARK, &resolver.mark, sizeof resolver.mark) < 0 ||
        connect(fd, &server->at.any, server->size) < 0 || send(fd, bytes, size, 0) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    one->socket = fd;
    return 0;
}

static void end_pending(struct pending *one) {
    if (one->socket >= 0)
        close(one->socket);
    one->socket = -1;
}

/* The next server, round and round. */
static void ask_next(struct pending *one) {
    struct server servers[PV_SERVERS];
    int count = read_servers(servers);
    if (count == 0)
        pv_tell("egress: %s cannot be looked up: no name server is known", one->question.name);
    end_pending(one);
    while (count > 0 && one->tries < PV_TRIES) {
        one->end = pv_milliseconds() + PV_PATIENCE;
        if (ask(one, &servers[one->tries++ % count]) == 0)
            return;
    }
    if (count > 0)
        pv_tell("egress: %s cannot be looked up: no name server outside of the container has answered",
                one->question.name);
    tell_code(one, one->code);
}

static void hear_server(struct pending *one) {
    uint8_t bytes[PV_DNS_MOST];
    struct pv_answer answer;
    struct pv_question asked = one->question;
    asked.id = one->id;
    ssize_t n = recv(one->socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n >= 0 && pv_dns_read_answer(bytes, (size_t)n, &asked, &answer) < 0)
        return; /* it is another's: ours may still come */
    if (n < 0 || (answer.code != PV_DNS_NO_ERROR && answer.code != PV_DNS_NO_NAME)) {
        ask_next(one);
        return;
    }
    end_pending(one);
    take_answer(one, &answer);
}

/* ── questions of the container ─────────────────────────────────────────────────────────────── */

static void refuse(const struct pending *asked) {
    pv_tell("egress refused: %s (not on the list; allow with --egress allow=%s)", asked->question.name,
            asked->question.name);
    tell_code(asked, PV_DNS_NO_NAME);
}

static struct pending *free_place(void) {
    for (int i = 0; i < PV_PENDING; i++)
        if (pending[i].socket < 0)
            return &pending[i];
    return NULL;
}

static void take_question(const uint8_t *bytes, size_t size, struct pending *asked) {
    static const char local[] = "localhost";
    const struct pv_question *question = &asked->question;
    int rc = pv_dns_read_question(bytes, size, &asked->question);
    if (rc == -EBADMSG)
        return;
    memcpy(asked->query, bytes, question->end);
    if (rc == -EINVAL) {
        pv_tell("egress refused: %s (no name of a host)", question->name);
        tell_code(asked, PV_DNS_NO_NAME);
        return;
    }
    if (strcmp(question->name, local) == 0) { /* RFC 6761: it leads nowhere outside */
        tell_code(asked, PV_DNS_NO_ERROR);
        return;
    }
    pv_look_in_list(resolver.list, question->name, &asked->allowed);
    if (asked->allowed.count == 0) {
        refuse(asked);
        return;
    }
    int is_address = question->type == PV_DNS_A || question->type == PV_DNS_AAAA;
    if (!is_address || !question->is_internet) {
        tell_code(asked, PV_DNS_NO_ERROR);
        return;
    }
    struct pending *place = free_place();
    if (!place) {
        tell_code(asked, PV_DNS_SERVER);
        return;
    }
    *place = *asked;
    ask_next(place);
}

static struct pending asked_by(int client) {
    return (struct pending){.socket = -1, .client = client, .code = PV_DNS_SERVER,
                            .number = client < 0 ? 0 : clients[client].number};
}

static void hear_udp(void) {
    uint8_t bytes[PV_DNS_MOST];
    for (int i = 0; i < PV_PENDING; i++) {
        struct pending asked = asked_by(-1);
        socklen_t size = sizeof asked.from;
        ssize_t n = recvfrom(resolver.udp, bytes, sizeof bytes, MSG_DONTWAIT,
                             (struct sockaddr *)&asked.from, &size);
        if (n < 0)
            return;
        take_question(bytes, (size_t)n, &asked);
    }
}

static void take_in(void) {
    static unsigned number;
    int fd = pv_result(accept4(resolver.tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd < 0)
        return;
    struct client *place = &clients[0]; /* who has waited longest goes when there is no other */
    for (int i = 0; i < PV_TCP_CLIENTS && place->socket >= 0; i++)
        if (clients[i].socket < 0 || clients[i].end < place->end)
            place = &clients[i];
    if (place->socket >= 0)
        end_client(place);
    *place = (struct client){.socket = fd, .number = ++number, .end = pv_milliseconds() + PV_TCP_IDLE};
}

static void hear_tcp(int i) {
    struct client *client = &clients[i];
    ssize_t n = recv(client->socket, client->bytes + client->length,
                     sizeof client->bytes - client->length, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        end_client(client);
        return;
    }
    client->length += (size_t)n;
    client->end = pv_milliseconds() + PV_TCP_IDLE;
    while (client->socket >= 0 && client->length >= 2) {
        size_t size = (size_t)client->bytes[0] << 8 | client->bytes[1];
        if (size > PV_DNS_UDP) {
            end_client(client); /* no question is as long */
            return;
        }
        if (client->length < size + 2)
            return;
        struct pending asked = asked_by(i);
        take_question(client->bytes + 2, size, &asked);
        client->length -= size + 2;
        memmove(client->bytes, client->bytes + size + 2, client->length);
    }
}

enum { UDP, TCP, PENDING, CLIENTS = PENDING + PV_PENDING };

int pv_poll_resolver_sockets(struct pollfd fds[PV_RESOLVER_POLLS]) {
    int64_t now = pv_milliseconds(), end = now + 3600000;
    fds[UDP] = (struct pollfd){resolver.udp, POLLIN, 0};
    fds[TCP] = (struct pollfd){resolver.tcp, POLLIN, 0};
    for (int i = 0; i < PV_PENDING; i++) {
        fds[PENDING + i] = (struct pollfd){pending[i].socket, POLLIN, 0};
        if (pending[i].socket >= 0 && pending[i].end < end)
            end = pending[i].end;
    }
    for (int i = 0; i < PV_TCP_CLIENTS; i++) {
        fds[CLIENTS + i] = (struct pollfd){clients[i].socket, POLLIN, 0};
        if (clients[i].socket >= 0 && clients[i].end < end)
            end = clients[i].end;
    }
    return end < now ? 0 : (int)(end - now);
}

void pv_serve_names(const struct pollfd fds[PV_RESOLVER_POLLS]) {
    int64_t now = pv_milliseconds();
    for (int i = 0; i < PV_PENDING; i++) {
        if (pending[i].socket < 0 || fds[PENDING + i].fd != pending[i].socket)
            continue;
        if (fds[PENDING + i].revents)
            hear_server(&pending[i]);
        else if (pending[i].end <= now)
            ask_next(&pending[i]);
    }
    for (int i = 0; i < PV_TCP_CLIENTS; i++) {
        if (clients[i].socket < 0 || fds[CLIENTS + i].fd != clients[i].socket)
            continue;
        if (fds[CLIENTS + i].revents)
            hear_tcp(i);
        else if (clients[i].end <= now)
            end_client(&clients[i]);
    }
    if (fds[UDP].revents)
        hear_udp();
    if (fds[TCP].revents)
        take_in();
}
