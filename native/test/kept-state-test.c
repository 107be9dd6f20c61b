/*
 * What the launcher says of a container's state: the status by what is there, and never a text that is
 * not whole.
 */
#include "check.h"

#include "../kept-state.c"

static int process = -ESRCH, frozen, told;
static char said[PV_MOST_STATE + 128];

/* As kept.c, others.c and files.c have it. */
int pv_open_kept(int directory, const char *name) {
    return openat(directory, name, O_RDONLY | O_CLOEXEC);
}
int pv_hold_process(struct pv_run *run, const struct pv_place *of, pid_t *pid) {
    CHECK(run->slots[0] >= 0 && strcmp(of->path, "pid") == 0);
    *pid = 4711;
    return process < 0 ? process : dup(process);
}
int pv_is_frozen(int cgroup) {
    return cgroup >= 0 && frozen;
}
int pv_write_whole(int fd, const void *bytes, size_t size) {
    CHECK(fd == 1 && size < sizeof said);
    memcpy(said, bytes, size);
    said[size] = '\0';
    return told;
}

static const char *tell(const char *text, size_t size) {
    put_file("state.text", text, size);
    int directory = open(".", O_RDONLY | O_DIRECTORY);
    int is_told = pv_tell_state(directory);
    close(directory);
    return is_told ? said : "left";
}

#define TOLD(text) tell(text, sizeof(text))

static void test_statuses(void) {
    CHECK(strcmp(TOLD("A \"\0,B\n"), "left") == 0, "there is no pid yet");
    put_file("pid", "", 0);
    CHECK(strcmp(TOLD("A \"\0\nB\n"), "A \"stopped\",\nB\n") == 0, "%s", said);
    process = 0;
    CHECK(strcmp(TOLD("A \"\0\nB\n"), "A \"running\",\n  \"pid\": 4711,\nB\n") == 0, "%s", said);
    put_file("start", "", 0);
    CHECK(strcmp(TOLD("\0"), "created\",\n  \"pid\": 4711,") == 0, "%s", said);
    unlink("start");
    frozen = 1;
    CHECK(strcmp(TOLD("\0\0/none"), "running\",\n  \"pid\": 4711,") == 0, "no cgroup is none that is frozen");
    CHECK(strcmp(TOLD("\0\0/none\0/"), "paused\",\n  \"pid\": 4711,") == 0, "%s", said);
    frozen = 0;
    CHECK(strcmp(TOLD("\0\0/"), "running\",\n  \"pid\": 4711,") == 0, "%s", said);
    put_file("making", "", 0);
    CHECK(strcmp(TOLD("\0\0/"), "left") == 0);
    unlink("making");
    process = -EACCES;
    CHECK(strcmp(TOLD("\0\0/"), "left") == 0);
    process = 0;
    told = -ENOSPC;
    CHECK(strcmp(TOLD("\0\0/"), "left") == 0, "nobody has heard it");
    told = 0;
}

static void test_texts(void) {
    static char longest[PV_MOST_STATE + 1];
    CHECK(strcmp(tell("", 0), "left") == 0 && strcmp(tell("\0", 1), "left") == 0);
    CHECK(strcmp(tell("abc", 3), "left") == 0 && strcmp(tell("abc\0", 4), "left") == 0);
    CHECK(strcmp(tell("abc\0def", 7), "left") == 0);
    memset(longest, 'x', sizeof longest);
    longest[5] = longest[PV_MOST_STATE - 2] = longest[PV_MOST_STATE - 1] = '\0';
    CHECK(strcmp(tell(longest, PV_MOST_STATE), "left") == 0, "there may be more");
    CHECK(strncmp(tell(longest, PV_MOST_STATE - 1), "xxxxxrunning", 12) == 0);
    for (int i = 0; i < 2000; i++) {
        char bytes[64];
        size_t size = check_random(sizeof bytes);
        for (size_t at = 0; at < size; at++)
            bytes[at] = "ab\0%s/"[check_random(6)];
        const char *text = tell(bytes, size);
        CHECK(strcmp(text, "left") == 0 || (size > 1 && bytes[size - 1] == '\0' && strstr(text, "running")));
    }
}

int main(void) {
    enter_scratch();
    test_statuses();
    test_texts();
    return check_result();
}
