/* The reader of /etc/passwd and /etc/group: odd lines, odd files, and whatever chance makes. */
#include "check.h"

int pv_give_streams(struct pv_run *run, uid_t uid) {
    (void)run, (void)uid;
    return 0;
}

static const char *passwd_path, *group_path;

static int open_ours(int dir, const char *path, const struct open_how *how) {
    const char *ours = strcmp(path, "/etc/passwd") == 0  ? passwd_path
                       : strcmp(path, "/etc/group") == 0 ? group_path
                                                         : path;
    return pv_openat2(dir, ours, how);
}
#define pv_openat2 open_ours
#include "../user.c"
#undef pv_openat2

static struct identity who;

static void use(const char *passwd, const char *group) {
    passwd_path = passwd;
    group_path = group;
}

static void use_text(const char *passwd, size_t size) {
    put_file("passwd", passwd, size);
    use("passwd", "none");
}

static int look_up(const char *user) {
    memset(&who, 0, sizeof who);
    return find_user(fresh_run(), user, &who, 1);
}

static int groups_of(const char *user, const char *group, struct pv_texts *more) {
    struct pv_set_user op = {.user = user, .group = group, .primary = 1, .lookup = 1};
    if (more)
        op.groups = *more;
    int rc = look_up(user);
    return rc < 0 ? rc : find_groups(&check_run, &op, &who);
}

static void test_numbers(void) {
    static const struct {
        const char *text;
        int good;
        uint32_t id;
    } cases[] = {
        {"0", 1, 0},
        {"007", 1, 7},
        {"4294967294", 1, 4294967294u},
        {"4294967295", 0, 0},
        {"4294967296", 0, 0},
        {"9999999999", 0, 0},
        {"18446744073709551616", 0, 0},
        {"99999999999999999999999999999999999999999999", 0, 0},
        {"", 0, 0},
        {"-1", 0, 0},
        {"+1", 0, 0},
        {" 1", 0, 0},
        {"1 ", 0, 0},
        {"1\r", 0, 0},
        {"0x10", 0, 0},
        {"1e3", 0, 0},
        {"1.0", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t id = 0;
        int rc = parse_id(cases[i].text, &id);
        CHECK(rc == cases[i].good, "%s", cases[i].text);
        CHECK(!rc || id == cases[i].id, "%s is %u", cases[i].text, id);
    }
}

static void test_passwd(void) {
    static const char text[] = "# root:x:5:5:::\n"
                               "\n"
                               ":x:6:6::/empty:\n"
                               "+::::::\n"
                               "short:x\n"
                               "nothing\n"
                               "minus:x:-1:0:::\n"
                               "big:x:4294967295:0:::\n"
                               "spaces: x:  7:7:::\n"
                               "1000:x:0:0::/evil:/bin/sh\n"
                               "twice:x:bad:0:::\n"
                               "twice:x:11:12::/twice:/bin/sh:more:fields:than:there:are\n"
                               "twice:x:13:14:::\n"
                               "noend:x:21:22::/last";
    use_text(text, sizeof text - 1);
    CHECK(look_up("root") == -ENOENT, "a comment is nobody");
    CHECK(look_up("") == -ENOENT, "no name is nobody");
    CHECK(look_up("+") == -ENOENT);
    CHECK(look_up("short") == -ENOENT);
    CHECK(look_up("minus") == -ENOENT);
    CHECK(look_up("big") == -ENOENT);
    CHECK(look_up("spaces") == -ENOENT);
    CHECK(look_up("twice") == 0 && who.uid == 11 && who.gid == 12);
    CHECK(strcmp(check_run.home, "/twice") == 0);
    CHECK(look_up("13") == 0 && who.uid == 13 && who.gid == 14 && strcmp(who.name, "twice") == 0);
    CHECK(look_up("noend") == 0 && who.uid == 21 && strcmp(check_run.home, "/last") == 0);
    CHECK(look_up("1000") == 0 && who.uid == 1000 && who.gid == 0 && who.name[0] == '\0');
    CHECK(strcmp(check_run.home, "/") == 0);
    CHECK(look_up("4294967295") == -EINVAL && look_up("99999999999") == -EINVAL);

    static const char nul[] = "a:x:1:1:::\nb:x:2:2::/home\0/evil:\nc:x:3:3:::\n";
    use_text(nul, sizeof nul - 1);
    CHECK(look_up("a") == 0);
    CHECK(look_up("b") == 0 && strcmp(check_run.home, "/home") == 0);
    CHECK(look_up("c") == -ENOENT, "nothing behind a NUL");

    char line[2000];
    memset(line, 'n', sizeof line);
    memcpy(line + 300, ":x:5:5::/", 9);
    line[sizeof line - 1] = '\n';
    use_text(line, sizeof line);
    CHECK(look_up("5") == 0 && who.gid == 5 && who.name[0] == '\0', "a name too long to keep");
    CHECK(strcmp(check_run.home, "/") == 0, "a home too long to keep");
}

static void test_groups(void) {
    static const char text[] = "root:x:0:\n"
                               "one:x:1:me\n"
                               "two:x:2:you,me\n"
                               "three:x:3:me,you\n"
                               "four:x:4:,me,\n"
                               "not:x:5:mee,m,,em\n"
                               "bad:x:99999999999:me\n"
                               "again:x:1:me\n"
                               "7:x:0:\n"
                               ":x:8:me\n"
                               "last:x:6:me";
    static const gid_t expected[] = {50, 1, 2, 3, 4, 6};
    use_text("me:x:40:50:::\n", 14);
    put_file("group", text, sizeof text - 1);
    use("passwd", "group");
    CHECK(groups_of("me", "", NULL) == 0 && who.gid == 50 && who.count == 6);
    CHECK(memcmp(who.groups, expected, sizeof expected) == 0);
    CHECK(groups_of("me", "two", NULL) == 0 && who.gid == 2 && who.count == 1);
    CHECK(groups_of("me", "7", NULL) == 0 && who.gid == 7, "a number is no name");
    CHECK(groups_of("me", "none", NULL) == -ENOENT);
    CHECK(groups_of("me", "bad", NULL) == -ENOENT);
    CHECK(groups_of("me", "4294967295", NULL) == -EINVAL);
    char *names[] = {"last", "9", "9", "", NULL};
    struct pv_texts more = {3, names};
    CHECK(groups_of("me", "7", &more) == 0 && who.count == 3);
    more.count = 4;
    CHECK(groups_of("me", "7", &more) == -ENOENT, "no name is no group");

    char *many = malloc(100000), *end = many;
    for (int i = 0; i < 2000; i++)
        end += snprintf(end, 64, "g%d:x:%d:me\n", i, 1000 + i);
    put_file("group", many, (size_t)(end - many));
    CHECK(groups_of("me", "", NULL) == -E2BIG, "more groups than there is room for");
    free(many);
}

static void test_files(void) {
    static char big[PV_DATABASE + 4096];
    CHECK(mkdir("directory", 0755) == 0 && mkfifo("fifo", 0666) == 0);
    CHECK(symlink("loop", "loop") == 0 && symlink("a", "b") == 0 && symlink("b", "a") == 0);
    CHECK(symlink("passwd", "link") == 0 && symlink("/proc/self/fd/0", "magic") == 0);
    use_text("a:x:1:1:::\n", 11);
    static const char *const no_files[] = {"none", "directory", "fifo",  "loop",
                                           "a",    "/dev/zero", "magic", "passwd/below"};
    for (size_t i = 0; i < sizeof no_files / sizeof *no_files; i++) {
        use(no_files[i], no_files[i]);
        CHECK(look_up("a") == -ENOENT, "%s", no_files[i]);
        CHECK(look_up("5") == 0 && who.gid == 0, "%s", no_files[i]);
    }
    use("link", "none");
    CHECK(look_up("a") == 0 && who.uid == 1, "an ordinary link is followed");

    /* Exactly as much as is read, and more: the line at the end of it is cut. */
    for (size_t size = PV_DATABASE - 3; size <= PV_DATABASE + 3; size++) {
        memset(big, '#', sizeof big);
        memcpy(big, "first:x:1:1:::\n", 15);
        const char *last = "\nlast:x:1234:1234";
        memcpy(big + size - strlen(last), last, strlen(last));
        use_text(big, size);
        CHECK(look_up("first") == 0);
        int rc = look_up("last");
        CHECK(rc == (size < PV_DATABASE ? 0 : -ENOENT) && (rc < 0 || who.gid == 1234), "%zu", size);
    }
    memset(big, '\n', sizeof big);
    use_text(big, sizeof big);
    CHECK(look_up("a") == -ENOENT);
    memset(big, 'x', sizeof big);
    use_text(big, sizeof big);
    CHECK(look_up("x") == -ENOENT);
    memset(big, ':', sizeof big);
    use_text(big, sizeof big);
    CHECK(look_up("x") == -ENOENT);
}

/* Whatever chance makes of what matters: an answer, and within bounds. */
static void fuzz(double seconds) {
    static const char *const parts[] = {":",  ":", ":",  ":x:", ":0:0:", "\n", "\n",   ",",
                                        "a",  "b", "ab", "0",   "1",     "12", "-1",   "4294967294",
                                        "\n\n", "#", " ",  "/",   "\xff",  "+",  "\r\n", "99999999999"};
    static const char *const users[] = {"a", "b", "ab", "0", "1", "12", "4294967294", ""};
    unsigned long rounds = 0, found = 0;
    char text[400];
    for (double end = check_seconds() + seconds; rounds % 64 || check_seconds() < end; rounds++) {
        size_t size = 0;
        for (uint32_t i = check_random(40); i > 0; i--) {
            const char *part = parts[check_random(sizeof parts / sizeof *parts)];
            memcpy(text + size, part, strlen(part));
            size += strlen(part);
        }
        if (size && check_random(4) == 0)
            text[check_random((uint32_t)size)] = '\0';
        unlink("passwd");
        use_text(text, size);
        use("passwd", "passwd");
        const char *user = users[check_random(8)];
        int rc = groups_of(user, check_random(3) ? "" : users[check_random(8)], NULL);
        CHECK(rc == 0 || rc == -ENOENT || rc == -EINVAL);
        CHECK(rc != 0 || (who.uid != (uid_t)-1 && who.gid != (gid_t)-1 && who.count > 0));
        CHECK(who.count <= PV_GROUPS && strnlen(check_run.home, 256) < 256);
        found += rc == 0 && who.name[0] != '\0';
    }
    printf("%lu files, %lu users found in them\n", rounds, found);
    CHECK(rounds > 1000 && found > 0);
}

int main(void) {
    enter_scratch();
    test_numbers();
    test_passwd();
    test_groups();
    test_files();
    fuzz(1.0);
    return check_result();
}
