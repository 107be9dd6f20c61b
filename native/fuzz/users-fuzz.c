/* The reader of /etc/passwd and /etc/group: the input is a name, the users, and the groups. */
#include "../test/check.h"

int pv_give_streams(struct pv_run *run, uid_t uid) {
    (void)run, (void)uid;
    return 0;
}

#include <sys/mman.h>

static int users = -1, groups = -1;

static int open_ours(int dir, const char *path, const struct open_how *how) {
    (void)dir, (void)how;
    int fd = strcmp(path, "/etc/passwd") == 0 ? users : groups;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}
#define pv_openat2 open_ours
#include "../user.c"
#undef pv_openat2

static void put(int fd, const uint8_t *data, size_t size) {
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct identity who;
    char user[64] = "root";
    if (users < 0) {
        users = memfd_create("passwd", MFD_CLOEXEC);
        groups = memfd_create("group", MFD_CLOEXEC);
    }
    size_t name = 0;
    while (name < size && name < sizeof user - 1 && data[name] != '\n' && data[name])
        name++;
    memcpy(user, data, name);
    user[name] = '\0';
    size_t rest = name < size ? name + 1 : size, half = rest + (size - rest) / 2;
    put(users, data + rest, half - rest);
    put(groups, data + half, size - half);
    memset(&who, 0, sizeof who);
    struct pv_set_user op = {.user = user, .group = "", .primary = 1, .lookup = 1};
    struct pv_run *run = fresh_run();
    if (find_user(run, user, &who, 1) == 0 && who.uid == (uid_t)-1)
        abort(); /* which setresuid takes for "no change" */
    if (find_groups(run, &op, &who) == 0 && who.count > PV_GROUPS)
        abort();
    return 0;
}
