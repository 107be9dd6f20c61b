/*
 * The container's /dev/null as a standard stream: looked at before it is opened, and not waited for when
 * somebody in the container has put another file in its place meanwhile.
 */
#include "check.h"

#include <signal.h>

static const char *then; /* what the second look finds */
static int looks;

/* As place.c has it, with somebody between two looks. */
int pv_place_open(struct pv_run *run, const struct pv_place *place, uint64_t flags, uint64_t resolve) {
    (void)run;
    (void)resolve;
    return pv_result(open(looks++ && then ? then : place->path, (int)flags | O_CLOEXEC));
}

/* As cover.c, place.c, mounts.c and sync.c have it. */
int pv_is_null(const struct stat *st) {
    struct stat null;
    return stat("/dev/null", &null) == 0 && st->st_rdev == null.st_rdev && S_ISCHR(st->st_mode);
}
int pv_slot(struct pv_run *run, uint32_t slot) {
    return run->slots[slot];
}
int pv_attach_at(struct pv_run *run, int mount, const struct pv_place *at, uint32_t create) {
    (void)run;
    (void)at;
    return create ? -ENOSYS : mount;
}
int pv_send(struct pv_run *run, enum pv_message_kind kind, uint32_t step, int error, int fd) {
    (void)run;
    (void)step;
    (void)error;
    return kind == PV_TERMINAL ? -ENOSYS : fd;
}

#include "../streams.c"

static int open_with(const char *path, const char *meanwhile, uint64_t flags) {
    looks = 0;
    then = meanwhile;
    return open_null(fresh_run(), &(struct pv_place){PV_SLOT_HOST, path}, flags);
}

static void test_the_device_is_given_as_it_is(void) {
    const int flags[] = {O_RDONLY, O_WRONLY};
    for (int i = 0; i < 2; i++) {
        int fd = open_with("/dev/null", NULL, (uint64_t)flags[i]);
        CHECK(fd >= 0 && (fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == flags[i]);
        close(fd);
    }
}

static void test_what_is_no_null_device_is_refused_at_once(void) {
    CHECK(mkfifo("fifo", 0600) == 0);
    put_file("file", "x", 1);
    alarm(20); /* who waits for a FIFO waits for good */
    CHECK(open_with("file", NULL, O_RDONLY) == -EPERM && looks == 1);
    CHECK(open_with("fifo", NULL, O_RDONLY) == -EPERM && looks == 1);
    CHECK(open_with("/dev/null", "file", O_WRONLY) == -EPERM && looks == 2);
    CHECK(open_with("/dev/null", "fifo", O_RDONLY) == -EPERM && looks == 2);
    CHECK(open_with("/dev/null", "fifo", O_WRONLY) == -ENXIO && looks == 2);
    alarm(0);
}

int main(void) {
    enter_scratch();
    test_the_device_is_given_as_it_is();
    test_what_is_no_null_device_is_refused_at_once();
    return check_result();
}
