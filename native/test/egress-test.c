/*
 * The egress list: what is on it, which addresses a name may have, and the lines for packets that were
 * refused, be they whole, cut short or made up.
 */
#define _GNU_SOURCE
#include <stdint.h>

#define PV_CLOCK_H /* one that goes when it is looked at */
static int64_t pv_milliseconds(void);

#include "../dns.c"
#include "../egress-list.c"
#include "../egress-log.c"
#include "../nfnetlink.c"
#include "check.h"

static int64_t step = 20;

static int64_t pv_milliseconds(void) {
    static int64_t now = 1;
    return now += step;
}

static struct pv_list list_of(char **texts, uint32_t count) {
    struct pv_list list;
    CHECK(pv_read_list(texts, count, &list) == 0);
    return list;
}

static void test_list(void) {
    char *texts[] = {(char *)"example.com", (char *)"example.com:8080", (char *)"*.wild.org:443",
                     (char *)"db"};
    struct pv_list list = list_of(texts, 4);
    struct pv_allowed allowed;
    pv_look_in_list(&list, "example.com", &allowed);
    CHECK(allowed.count == 2 && allowed.is_exact && allowed.ports[0] == 0 && allowed.ports[1] == 8080);
    static const char *const not[] = {"", "xexample.com", "example.com.org", "a.example.com", "com",
                                      "wild.org", ".wild.org", "xwild.org", "d", "dbx"};
    for (size_t i = 0; i < sizeof not / sizeof *not; i++) {
        pv_look_in_list(&list, not[i], &allowed);
        CHECK(allowed.count == 0, "%s", not[i]);
    }
    pv_look_in_list(&list, "a.b.wild.org", &allowed);
    CHECK(allowed.count == 1 && !allowed.is_exact && allowed.ports[0] == 443);
    CHECK(is_allowed_at(&list, "a.wild.org", 443) && !is_allowed_at(&list, "a.wild.org", 80));
    free(list.entries);
    char *bad[] = {(char *)"*.", (char *)":1", (char *)"a:65536", (char *)"a:-1"};
    for (int i = 0; i < 4; i++) {
        CHECK(pv_read_list(&bad[i], 1, &list) == -EINVAL, "%s", bad[i]);
        free(list.entries);
    }
}

static void test_reach(void) {
    static const struct {
        const char *text;
        enum pv_reach reach;
    } cases[] = {
        {"203.0.113.7", PV_PUBLIC},    {"8.8.8.8", PV_PUBLIC},          {"172.15.0.1", PV_PUBLIC},
        {"172.32.0.1", PV_PUBLIC},     {"100.63.0.1", PV_PUBLIC},       {"223.255.255.255", PV_PUBLIC},
        {"10.1.2.3", PV_PRIVATE},      {"172.31.255.255", PV_PRIVATE},  {"192.168.0.1", PV_PRIVATE},
        {"100.127.0.1", PV_PRIVATE},   {"127.0.0.1", PV_NEVER},         {"0.0.0.0", PV_NEVER},
        {"169.254.169.254", PV_NEVER}, {"224.0.0.1", PV_NEVER},         {"255.255.255.255", PV_NEVER},
        {"2001:db8::7", PV_PUBLIC},    {"fd00::1", PV_PRIVATE},         {"::1", PV_NEVER},
        {"::", PV_NEVER},              {"fe80::1", PV_NEVER},           {"febf::1", PV_NEVER},
        {"ff02::1", PV_NEVER},         {"::ffff:203.0.113.7", PV_NEVER}, {"::10.0.0.1", PV_NEVER},
        {"fec0::1", PV_PRIVATE},       {"64:ff9b:1::808:808", PV_PRIVATE}, {"64:ff9b:2::1", PV_PUBLIC},
        {"2002:a01:203::1", PV_PRIVATE}, {"2002:7f00:1::1", PV_NEVER},  {"2002:cb00:7107::1", PV_PUBLIC},
        {"64:ff9b::a01:203", PV_PRIVATE}, {"64:ff9b::7f00:1", PV_NEVER}, {"64:ff9b::cb00:7107", PV_PUBLIC},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pv_address address = {.size = strchr(cases[i].text, ':') ? 16 : 4};
        inet_pton(address.size == 16 ? AF_INET6 : AF_INET, cases[i].text, address.bytes);
        CHECK(pv_reach_of(&address) == cases[i].reach, "%s", cases[i].text);
    }
}

/* What has been told since the last time. */
static const char *heard(int from) {
    static char text[65536];
    ssize_t n = read(from, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static const uint8_t v4[] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 90, 0, 2, 203, 0, 113, 7,
                             0x80, 0, 1, 0xbb, 0, 0};
static const uint8_t v6[] = {0x60, 0, 0, 0, 0, 8, 17, 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                             0,    2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
                             0x80, 0, 0, 53};

static void test_lines(int from) {
    char *texts[] = {(char *)"example.com:443"};
    struct pv_list list = list_of(texts, 1);
    pv_tell_packet(v4, sizeof v4, &list);
    CHECK(strcmp(heard(from), "egress refused: tcp 203.0.113.7:443 (not on the list; allow with "
                              "--egress allow=203.0.113.7:443)\n") == 0);
    pv_tell_packet(v4, sizeof v4, &list);
    CHECK(heard(from)[0] == '\0', "told just now");
    pv_tell_packet(v6, sizeof v6, &list);
    CHECK(strstr(heard(from), "udp [2001:db8::7]:53 (names are answered") != NULL);
    struct pv_address address = {.size = 4, .bytes = {203, 0, 113, 7}};
    pv_remember_address(&address, "example.com");
    pv_tell_packet(v4, sizeof v4, &list);
    CHECK(strstr(heard(from), "(the time for which example.com had this address is over") != NULL);
    uint8_t other[sizeof v4];
    memcpy(other, v4, sizeof v4);
    other[23] = 22;
    pv_tell_packet(other, sizeof other, &list);
    CHECK(strstr(heard(from), "which is example.com (not on the list; allow with --egress "
                              "allow=example.com:278)") != NULL);
    free(list.entries);
}

static void test_fuzz(int from) {
    struct pv_list list = {.count = 0};
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[256];
        int is_v4 = (int)check_random(2);
        size_t size = is_v4 ? sizeof v4 : sizeof v6;
        memcpy(bytes, is_v4 ? v4 : v6, size);
        for (unsigned j = check_random(8); j > 0; j--)
            bytes[check_random((uint32_t)size)] = (uint8_t)check_random(256);
        size = check_random(4) ? size : check_random((uint32_t)size + 1);
        uint8_t *exact = malloc(size ? size : 1);
        memcpy(exact, bytes, size);
        pv_tell_packet(exact, size, &list);
        free(exact);
        if (i % 64 == 0)
            for (const char *line = heard(from); *line; line = strchr(line, '\n') + 1)
                CHECK(strncmp(line, "egress refused: ", 16) == 0 && strchr(line, '\n'), "%.80s", line);
    }
    /* Whole messages of netlink, with attributes of any length. */
    for (int i = 0; i < 100000; i++) {
        uint32_t words[32];
        for (int j = 0; j < 32; j++)
            words[j] = check_random(4) ? check_random(64) << 16 | check_random(12) : check_random(~0u);
        struct nlmsghdr *message = malloc(sizeof words);
        memcpy(message, words, sizeof words);
        message->nlmsg_len = NLMSG_HDRLEN + 4 + check_random(sizeof words - NLMSG_HDRLEN - 4 + 1);
        hear_message(message, &list);
        free(message);
        if (i % 64 == 0)
            heard(from);
    }
}

static void test_too_much(int from) {
    int told = 0, counted = 0, more;
    step = 1;
    for (int i = 0; i <= 500; i++) {
        step = i == 500 ? 2000 : 1; /* in another second comes what has not been told yet */
        pv_tell("egress refused: line %d", i);
        const char *line = heard(from);
        told += strstr(line, "line") != NULL;
        if (sscanf(line, "egress refused: %d times more than are told here\n", &more) == 1)
            counted += more;
    }
    CHECK(told > 100 && told <= 301 && told + counted == 501, "%d %d", told, counted);
    step = 20;
}

int main(void) {
    int pipes[2];
    if (pipe(pipes) < 0)
        return 1;
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    pv_tell_to(pipes[1]);
    test_list();
    test_reach();
    test_lines(pipes[0]);
    test_too_much(pipes[0]);
    test_fuzz(pipes[0]);
    return check_result();
}
