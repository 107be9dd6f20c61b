/* Which ids a user gets: /etc/subuid is the machine's, and may say what makes no sense. */
#include "check.h"
#include "../rootless-make.c"

int pv_write_whole(int fd, const void *bytes, size_t size) {
    return write(fd, bytes, size) == (ssize_t)size ? 0 : -EIO;
}

static const char *lines_of(const char *text, const char *name, uid_t uid) {
    static struct pv_id_map map;
    char path[] = "/tmp/pivot-subuid-XXXXXX";
    int file = mkstemp(path);
    memset(&map, 0, sizeof map);
    CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    pv_read_ranges(&map, path, name, uid, uid);
    close(file);
    unlink(path);
    CHECK(map.has_range == (strchr(map.lines, '\n')[1] != '\0'));
    for (int i = 2; map.words[i]; i++)
        free(map.words[i]);
    return map.lines;
}

#define IS(text, name, lines) CHECK(strcmp(lines_of(text, name, 1000), lines) == 0)

int main(void) {
    IS("", "me", "0 1000 1\n");
    IS("me:100000:65536\n", "me", "0 1000 1\n1 100000 65536\n");
    IS("1000:100000:65536\n", NULL, "0 1000 1\n1 100000 65536\n");
    IS("you:100000:65536\nmen:5:5\n10000:7:7\n", "me", "0 1000 1\n");
    /* Several ranges follow one another; the last line may lack its end. */
    IS("me:100000:10\n1000:300000:20", "me", "0 1000 1\n1 100000 10\n11 300000 20\n");
    /* An id may stand once in a map. */
    IS("me:100000:10\nme:100005:10\nme:200000:1\n", "me", "0 1000 1\n1 100000 10\n11 200000 1\n");
    IS("me:990:20\nme:2000:5\n", "me", "0 1000 1\n1 2000 5\n");
    /* What newuidmap would not take. */
    IS("me:x:5\nme:5:\nme::5\nme:5\nme:5:0\nme:5:5x\nme:4294967295:1\nme:1:4294967295\n:1:1\n\n", "me",
       "0 1000 1\n");
    IS("me:4294967290:5\n", "me", "0 1000 1\n1 4294967290 5\n");
    IS("me:-5:5\nme:99999999999999999999:5\n", "me", "0 1000 1\n");
    /* More lines than are taken. */
    char many[200 * 20] = "";
    for (int i = 0; i < 200; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "me:%d:1\n", 100000 + 2 * i);
    const char *lines = lines_of(many, "me", 1000);
    int count = 0;
    for (const char *at = lines; (at = strchr(at, '\n')); at++)
        count++;
    CHECK(count > 50 && count < 64);
    return check_result();
}
