/*
 * The log under every way of cutting what is written into pieces: what the lines say is what was
 * written, each line is whole, rotation loses none, and a full disk loses lines but says so.
 */
#include "check.h"

#include "../log.c"

#include <sys/resource.h>

#define FILES 200 /* more than are needed */

/* place.c, as far as the log needs it. */
int pv_place_parent(struct pv_run *run, const struct pv_place *place, int make_parents,
                    const char **name) {
    (void)run, (void)make_parents;
    *name = place->path;
    return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void start_log(uint64_t most, uint32_t files) {
    struct pv_log op = {.at = {PV_SLOT_HOST, "log"}, .mode = 0600, .most = most, .files = files};
    int rc = pv_do_log(fresh_run(), &op);
    CHECK(rc == 0, "%d", rc);
}

static void remove_logs(void) {
    char name[16];
    unlink("log");
    for (int i = 1; i < FILES; i++) {
        snprintf(name, sizeof name, "log.%d", i);
        unlink(name);
    }
}

/* What one file's lines say of a stream, added to `text`. Checks the shape of each line. */
static size_t read_back(const char *name, char stream, char *text, size_t length) {
    FILE *file = fopen(name, "r");
    char *line = NULL;
    size_t room = 0;
    if (!file)
        return length;
    for (ssize_t n; (n = getline(&line, &room, file)) > 0;) {
        CHECK(line[n - 1] == '\n' && n >= 41, "%s: a line cut short", name);
        CHECK(line[4] == '-' && line[10] == 'T' && line[19] == '.' && line[29] == 'Z', "%.40s", line);
        CHECK(memcmp(line + 30, line[34] == 'o' ? " stdout " : " stderr ", 8) == 0 ||
                  memcmp(line + 30, line[34] == 'e' ? " stderr " : " stdout ", 8) == 0,
              "%.40s", line);
        CHECK((line[38] == 'F' || line[38] == 'P') && line[39] == ' ', "%.40s", line);
        CHECK(n <= 41 + PV_LINE, "%zd", n);
        if (line[34] != stream)
            continue;
        memcpy(text + length, line + 40, (size_t)n - 41);
        length += (size_t)n - 41;
        if (line[38] == 'F')
            text[length++] = '\n';
    }
    free(line);
    fclose(file);
    return length;
}

static char written[2][1 << 20], found[1 << 20];

static size_t read_all(char stream, int files) {
    char name[16];
    size_t length = 0;
    for (int i = files; i-- > 1;) {
        snprintf(name, sizeof name, "log.%d", i);
        length = read_back(name, stream, found, length);
    }
    return read_back("log", stream, found, length);
}

/* Random bytes, with lines of every length that is of interest, in pieces of every size. */
static void test_pieces(uint64_t most, uint32_t files) {
    for (int round = 0; round < 40; round++) {
        size_t size[2] = {0, 0};
        remove_logs();
        start_log(most, files);
        for (int piece = 0; piece < 40; piece++) {
            int stream = check_random(2) ? PV_STDERR : PV_STDOUT;
            char *text = written[stream == PV_STDERR] + size[stream == PV_STDERR];
            size_t length = check_random(3) ? check_random(200) : check_random(20000);
            uint32_t lines = check_random(4);
            for (size_t i = 0; i < length; i++)
                text[i] = lines == 0                       ? 'x'
                          : check_random(lines * 40) == 0 ? '\n'
                                                           : (char)check_random(256);
            size[stream == PV_STDERR] += length;
            pv_log_output(stream, text, length);
        }
        pv_log_end();
        for (int i = 0; i < 2; i++) {
            size_t length = read_all(i ? 'e' : 'o', (int)files);
            CHECK(length == size[i] && memcmp(found, written[i], length) == 0, "round %d: %zu of %zu",
                  round, length, size[i]);
        }
    }
}

static void test_lines(void) {
    static char line[PV_LINE + 2];
    memset(line, 'a', sizeof line);
    line[PV_LINE] = '\n';
    remove_logs();
    start_log(0, 1);
    pv_log_output(PV_STDOUT, "one\ntwo", 7);
    pv_log_output(PV_STDERR, "\n", 1);
    pv_log_output(PV_STDOUT, " goes on\n", 9);
    pv_log_output(PV_STDOUT, line, PV_LINE + 1);
    pv_log_output(PV_STDOUT, "never finished", 14);
    pv_log_end();
    FILE *file = fopen("log", "r");
    static char text[PV_LINE + 64];
    const char *const expected[] = {"stdout F one\n", "stderr F \n", "stdout F two goes on\n", NULL,
                                    "stdout P never finished\n"};
    for (size_t i = 0; i < 5 && file; i++) {
        CHECK(fgets(text, sizeof text, file) != NULL);
        if (expected[i])
            CHECK(strcmp(text + 31, expected[i]) == 0, "%zu: %.60s", i, text);
        else
            CHECK(strncmp(text + 31, "stdout F aaa", 12) == 0 && strlen(text) == 41 + PV_LINE);
    }
    CHECK(file && fgets(text, sizeof text, file) == NULL);
    if (file)
        fclose(file);
}

static size_t size_of(const char *name) {
    struct stat st;
    return stat(name, &st) == 0 ? (size_t)st.st_size : 0;
}

static void test_rotation(void) {
    char line[64];
    remove_logs();
    start_log(1000, 3);
    for (int i = 0; i < 100; i++) {
        int n = snprintf(line, sizeof line, "line %d\n", i);
        pv_log_output(PV_STDOUT, line, (size_t)n);
    }
    pv_log_end();
    CHECK(size_of("log") > 0 && size_of("log.1") > 900 && size_of("log.2") > 900);
    CHECK(size_of("log") <= 1000 && size_of("log.1") <= 1000 && size_of("log.2") <= 1000);
    CHECK(access("log.3", F_OK) < 0, "three in all");
    size_t length = read_all('o', 3);
    found[length] = '\0';
    CHECK(strcmp(found + length - 8, "line 99\n") == 0);
    int first = atoi(found + 5), count = 0;
    for (char *at = found; at < found + length; at = strchr(at, '\n') + 1, count++)
        CHECK(atoi(at + 5) == first + count, "none is missing in between");
    CHECK(first + count == 100);
}

/* One file alone: what is in the way goes. */
static void test_one_file(void) {
    remove_logs();
    start_log(100, 1);
    for (int i = 0; i < 10; i++)
        pv_log_output(PV_STDOUT, "0123456789\n", 11);
    pv_log_end();
    CHECK(size_of("log") > 0 && size_of("log") <= 100 && access("log.1", F_OK) < 0);
}

/* As a full disk: no write gets beyond the limit, or writes a part. */
static void test_full(void) {
    struct rlimit before, low;
    remove_logs();
    start_log(0, 1);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    low.rlim_cur = 300;
    pv_log_output(PV_STDOUT, "first\n", 6);
    setrlimit(RLIMIT_FSIZE, &low);
    for (int i = 0; i < 20; i++)
        pv_log_output(PV_STDOUT, "more\n", 5);
    setrlimit(RLIMIT_FSIZE, &before);
    pv_log_output(PV_STDOUT, "last\n", 5);
    pv_log_end();
    size_t length = read_all('o', 1);
    found[length] = '\0';
    CHECK(strncmp(found, "first\nmore\n", 11) == 0 && strcmp(found + length - 5, "last\n") == 0, "%s",
          found);
    int written_lines = 0;
    for (char *at = strstr(found, "more"); at; at = strstr(at + 1, "more"))
        written_lines++;
    length = read_all('e', 1);
    found[length] = '\0';
    char words[64];
    snprintf(words, sizeof words, "pivot: lost %d lines of the log: File too large", 20 - written_lines);
    CHECK(written_lines > 0 && written_lines < 20 && strncmp(found, words, strlen(words)) == 0, "%s",
          found);
}

static void test_gone(void) {
    remove_logs();
    start_log(0, 1);
    pv_log_output(PV_STDOUT, "before\n", 7);
    unlink("log");
    pv_log_output(PV_STDOUT, "after\n", 6);
    pv_log_end();
    CHECK(read_all('o', 1) == 6 && memcmp(found, "after\n", 6) == 0, "a new one is made");
    remove_logs();
    CHECK(mkfifo("log", 0600) == 0);
    struct pv_log op = {.at = {PV_SLOT_HOST, "log"}, .mode = 0600};
    CHECK(pv_do_log(fresh_run(), &op) < 0, "nobody may read it");
    unlink("log");
    CHECK(symlink("/dev/null", "log") == 0 && pv_do_log(fresh_run(), &op) == -ELOOP);
    unlink("log");
}

int main(void) {
    enter_scratch();
    test_lines();
    test_pieces(0, 1);
    test_pieces(20000, FILES);
    test_rotation();
    test_one_file();
    test_full();
    test_gone();
    return check_result();
}
