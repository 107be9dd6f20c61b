/*
 * Messages of the domain name system: what resolvers send is read, and whatever else comes, bytes that
 * were changed, cut short or made up, is refused or read without harm.
 */
#include "../dns.c"
#include "check.h"

static const uint8_t header[] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0};

/* www.Example.com: an alias of cdn.example.net, which has two addresses. */
static size_t sample(uint8_t *out) {
    memcpy(out, header, sizeof header);
    static const uint8_t rest[] =
        "\3www\7Example\3com\0\0\1\0\1"
        "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\x11\3cdn\7example\3net\0"
        "\xc0\x2d\0\1\0\1\0\0\0\x1e\0\4\xcb\0\x71\7"
        "\xc0\x2d\0\1\0\1\0\0\1\x2c\0\4\xcb\0\x71\x08";
    memcpy(out + sizeof header, rest, sizeof rest - 1);
    return sizeof header + sizeof rest - 1;
}

static struct pv_question asked(void) {
    struct pv_question question = {.name = "www.example.com", .id = 0x1234, .type = PV_DNS_A,
                                   .is_internet = 1};
    return question;
}

static void test_answer(void) {
    uint8_t bytes[PV_DNS_UDP];
    size_t size = sample(bytes);
    struct pv_question question = asked();
    struct pv_answer answer;
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == 0);
    CHECK(answer.code == 0 && answer.count == 2 && answer.ttl == 30, "%u %u", answer.count, answer.ttl);
    CHECK(answer.addresses[1].size == 4 && answer.addresses[1].bytes[3] == 8);
    question.id++;
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == -EBADMSG, "another's answer");
    question = asked();
    strcpy(question.name, "ww.example.com");
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == -EBADMSG, "another question");
    question = asked();
    question.type = PV_DNS_AAAA;
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == -EBADMSG, "another type");
    question = asked();
    for (size_t cut = 0; cut < size; cut++)
        CHECK(pv_dns_read_answer(bytes, cut, &question, &answer) == -EBADMSG, "%zu", cut);
}

/* An address of somebody who is no alias of what was asked is none of ours. */
static void test_stranger(void) {
    uint8_t bytes[PV_DNS_UDP];
    size_t size = sample(bytes);
    struct pv_question question = asked();
    struct pv_answer answer;
    bytes[0x2e] = 'x';
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == 0);
    CHECK(answer.count == 2, "the alias leads to where the addresses are");
    bytes[sizeof header + 21 + 3] = 1; /* no alias any more, but a record A of 17 bytes */
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == 0);
    CHECK(answer.count == 0 && answer.ttl == 0, "%u", answer.count);
}

/* One that was cut short for UDP says nothing about what it does not have: another server is asked. */
static void test_cut(void) {
    uint8_t bytes[PV_DNS_UDP];
    size_t size = sample(bytes);
    struct pv_question question = asked();
    struct pv_answer answer;
    bytes[2] |= 2;
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == 0);
    CHECK(answer.code == PV_DNS_NO_ERROR && answer.count == 2, "what it has is good");
    bytes[7] = 1;
    CHECK(pv_dns_read_answer(bytes, size, &question, &answer) == 0);
    CHECK(answer.code == PV_DNS_SERVER && answer.count == 0, "%d", answer.code);
}

static void test_circle(void) {
    static const uint8_t rest[] = "\1a\0\0\1\0\1"
                                  "\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"
                                  "\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"
                                  "\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c";
    uint8_t bytes[128];
    memcpy(bytes, header, sizeof header);
    memcpy(bytes + sizeof header, rest, sizeof rest);
    struct pv_question question = {.name = "a", .id = 0x1234, .type = PV_DNS_A};
    struct pv_answer answer;
    CHECK(pv_dns_read_answer(bytes, sizeof header + sizeof rest - 1, &question, &answer) == 0);
    CHECK(answer.count == 0);
    bytes[sizeof header] = 0xc0; /* a name that is itself */
    bytes[sizeof header + 1] = 0x0c;
    CHECK(pv_dns_read_answer(bytes, sizeof bytes, &question, &answer) == -EBADMSG);
}

static void test_question(void) {
    uint8_t bytes[PV_DNS_UDP], out[PV_DNS_UDP];
    struct pv_question question;
    size_t size = pv_dns_write_question(bytes, 7, "registry.example.org", PV_DNS_AAAA);
    CHECK(pv_dns_read_question(bytes, size, &question) == 0);
    CHECK(strcmp(question.name, "registry.example.org") == 0, "%s", question.name);
    CHECK(question.id == 7 && question.type == PV_DNS_AAAA && question.is_internet);
    struct pv_answer answer = {.ttl = 5, .count = PV_DNS_ADDRESSES};
    for (int i = 0; i < PV_DNS_ADDRESSES; i++)
        answer.addresses[i].size = 16;
    size_t told = pv_dns_write_answer(out, bytes, &question, &answer);
    CHECK(told <= PV_DNS_UDP && answer.count == (PV_DNS_UDP - question.end) / 28, "%u", answer.count);
    struct pv_answer read;
    CHECK(pv_dns_read_answer(out, told, &question, &read) == 0);
    CHECK(read.count == answer.count && read.ttl == 5);
    size = pv_dns_write_question(bytes, 7, "", PV_DNS_A);
    CHECK(pv_dns_read_question(bytes, size, &question) == 0 && question.name[0] == '\0');
    char longest[PV_DNS_NAME];
    for (int i = 0; i < 253; i++)
        longest[i] = i % 64 == 63 ? '.' : 'x';
    longest[253] = '\0';
    size = pv_dns_write_question(bytes, 7, longest, PV_DNS_A);
    CHECK(pv_dns_read_question(bytes, size, &question) == 0);
    CHECK(strcmp(question.name, longest) == 0);
    answer = (struct pv_answer){.code = PV_DNS_NO_NAME};
    CHECK(pv_dns_write_answer(out, bytes, &question, &answer) == question.end);
    bytes[14] = '\n';
    CHECK(pv_dns_read_question(bytes, size, &question) == -EINVAL);
    CHECK(question.name[1] == '?', "what no host is called is not shown either");
}

/* Bytes are changed, cut and made up; the sanitizers see what is read beside them. */
static void test_fuzz(void) {
    unsigned read_well = 0;
    for (int i = 0; i < 400000; i++) {
        uint8_t bytes[PV_DNS_UDP], out[PV_DNS_UDP];
        struct pv_question question = asked();
        struct pv_answer answer;
        size_t size = i % 3 == 0 ? pv_dns_write_question(bytes, 1, "a.b-c.example", PV_DNS_A)
                                 : sample(bytes);
        unsigned changes = check_random(6);
        for (unsigned j = 0; j < changes; j++)
            bytes[check_random((uint32_t)size)] = (uint8_t)check_random(256);
        if (check_random(3) == 0)
            size = check_random((uint32_t)size + 1);
        uint8_t *exact = malloc(size ? size : 1);
        memcpy(exact, bytes, size);
        if (pv_dns_read_answer(exact, size, &question, &answer) == 0) {
            CHECK(answer.count <= PV_DNS_ADDRESSES);
            read_well++;
        }
        int rc = pv_dns_read_question(exact, size, &question);
        if (rc == 0 || rc == -EINVAL) {
            CHECK(question.end <= size && strlen(question.name) < PV_DNS_NAME);
            CHECK(pv_dns_write_answer(out, exact, &question, &answer) <= PV_DNS_UDP);
            read_well++;
        }
        free(exact);
    }
    CHECK(read_well > 1000, "%u", read_well);
}

int main(void) {
    test_answer();
    test_stranger();
    test_cut();
    test_circle();
    test_question();
    test_fuzz();
    return check_result();
}
