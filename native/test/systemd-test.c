/*
 * A systemd that does not do as it should: that refuses, is slow, never answers, hangs up in the middle,
 * ends a job badly, or sends what is no message; and one that does, in pieces of every size.
 */
#define CHECK_HAS_HEAR_SIGNAL
#define CHECK_HAS_HEARD_SIGNALS
#include "check.h"

#include <signal.h>
#include <sys/wait.h>

#include "../systemd.c"

static int stop_pipe[2] = {-1, -1}, ours = -1;

int pv_heard_signals(const struct pv_run *run) {
    return run->undoing ? -1 : stop_pipe[0];
}

int pv_hear_signal(struct pv_run *run) {
    return pv_say(run, -EINTR, "stopped by signal 15");
}

int pv_place_open(struct pv_run *run, const struct pv_place *place, uint64_t flags,
                  uint64_t resolve) {
    (void)run, (void)place, (void)flags, (void)resolve;
    return dup(0);
}

int pv_connect_to(int file, int type) {
    (void)file, (void)type;
    return ours;
}

static int left_events;

void pv_event(struct pv_run *run, enum pv_event_kind kind, uint32_t step, int error, int value,
              const char *text) {
    (void)run, (void)step, (void)error, (void)value, (void)text;
    left_events += kind == PV_EVENT_LEFT;
}

/* ---- messages ---------------------------------------------------------------------------------- */

struct bytes {
    uint8_t at[4096];
    size_t size;
};

static void pad(struct bytes *b, size_t to) {
    while (b->size % to)
        b->at[b->size++] = 0;
}

static void add_u32(struct bytes *b, uint32_t value) {
    pad(b, 4);
    memcpy(b->at + b->size, &value, 4);
    b->size += 4;
}

static void add_text(struct bytes *b, const char *text, size_t width) {
    uint32_t length = (uint32_t)strlen(text);
    if (width == 4)
        add_u32(b, length);
    else
        b->at[b->size++] = (uint8_t)length;
    memcpy(b->at + b->size, text, length + 1);
    b->size += length + 1;
}

static void add_field(struct bytes *b, uint8_t number, const char *type, const char *text,
                      uint32_t value) {
    if (!text && *type != 'u')
        return;
    pad(b, 8);
    b->at[b->size++] = number;
    add_text(b, type, 1);
    if (*type == 'u')
        add_u32(b, value);
    else
        add_text(b, text, *type == 'g' ? 1 : 4);
}

/* A whole message; NULL for what it has not. The body has a number first when `signature` is uoss. */
static struct bytes message(uint8_t type, uint32_t reply_to, const char *member, const char *error,
                            const char *signature, const char *const *texts) {
    struct bytes b = {.at = {'l', type, 0, 1}, .size = 16}, body = {.size = 0};
    uint32_t serial = 77;
    if (signature && *signature == 'u')
        add_u32(&body, 5);
    for (; texts && *texts; texts++)
        add_text(&body, *texts, 4);
    add_field(&b, 1, "o", "/org/freedesktop/systemd1", 0);
    add_field(&b, PV_DBUS_MEMBER, "s", member, 0);
    add_field(&b, PV_DBUS_ERROR_NAME, "s", error, 0);
    if (reply_to)
        add_field(&b, PV_DBUS_REPLY_SERIAL, "u", NULL, reply_to);
    add_field(&b, PV_DBUS_SIGNATURE, "g", signature, 0);
    uint32_t fields = (uint32_t)b.size - 16, size = (uint32_t)body.size;
    memcpy(b.at + 4, &size, 4);
    memcpy(b.at + 8, &serial, 4);
    memcpy(b.at + 12, &fields, 4);
    pad(&b, 8);
    memcpy(b.at + b.size, body.at, body.size);
    b.size += body.size;
    return b;
}

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define JOB "/org/freedesktop/systemd1/job/5"

static struct bytes empty_answer(uint32_t serial) {
    return message(PV_DBUS_RETURN, serial, NULL, NULL, NULL, NULL);
}

static struct bytes job_answer(uint32_t serial) {
    return message(PV_DBUS_RETURN, serial, NULL, NULL, "o", TEXTS(JOB));
}

static struct bytes job_removed(const char *job, const char *result) {
    return message(PV_DBUS_SIGNAL, 0, "JobRemoved", NULL, "uoss", TEXTS(job, "a.scope", result));
}

static struct bytes error_answer(uint32_t serial, const char *name, const char *words) {
    return message(PV_DBUS_ERROR, serial, NULL, name, words ? "s" : NULL,
                   words ? TEXTS(words) : NULL);
}

/* A call as it is sent: what matters here is its serial. */
static void add_call(struct bytes *to, uint32_t serial) {
    struct bytes call = message(1, 0, "Call", NULL, "s", TEXTS("a.scope"));
    memcpy(call.at + 8, &serial, 4);
    memcpy(to->at + to->size, call.at, call.size);
    to->size += call.size;
}

/* ---- the other side ---------------------------------------------------------------------------- */

static const char *greeting;
static struct bytes script[8]; /* sent after as many calls as there were before, the first at once */
static int script_length, slice, hangs_up, delay;
static uint32_t told_pid;

static void send_slowly(int fd, const void *bytes, size_t size) {
    size_t step = slice ? (size_t)slice : size;
    for (size_t at = 0; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        if (send(fd, (const char *)bytes + at, n, MSG_NOSIGNAL) < 0)
            _exit(0);
    }
}

static void read_exactly(int fd, uint8_t *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, bytes + at, size - at);
        if (n <= 0)
            _exit(0);
        at += (size_t)n;
    }
}

static void __attribute__((noreturn)) be_systemd(int fd, uint32_t process_at, int tell) {
    static uint8_t call[4096];
    static const char expected[] = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n";
    read_exactly(fd, call, sizeof expected - 1);
    if (memcmp(call, expected, sizeof expected - 1) != 0)
        _exit(1);
    send_slowly(fd, greeting, strlen(greeting));
    for (int i = 0; i < script_length; i++) {
        read_exactly(fd, call, 16);
        size_t length = (size_t)length_of(call, 16);
        read_exactly(fd, call + 16, length - 16);
        if (i == 0 && process_at && write(tell, call + process_at, 4) < 0)
            _exit(1);
        usleep((useconds_t)delay * 1000);
        send_slowly(fd, script[i].at, script[i].size);
    }
    if (!hangs_up)
        pause();
    _exit(0);
}

static void begin(void) {
    greeting = "OK 0123456789abcdef0123456789abcdef\r\n";
    script_length = slice = hangs_up = delay = 0;
    left_events = 0;
}

static void answer(struct bytes bytes) {
    script[script_length++] = bytes;
}

static void and_then(struct bytes bytes) {
    struct bytes *last = &script[script_length - 1];
    memcpy(last->at + last->size, bytes.at, bytes.size);
    last->size += bytes.size;
}

static int ask_with(uint32_t calls, uint32_t patience, uint32_t required, uint32_t process_at) {
    static char tolerated[] = "org.freedesktop.systemd1.NoSuchUnit";
    char *names[] = {tolerated, NULL};
    struct bytes messages = {.size = 0};
    int pair[2], tell[2];
    for (uint32_t i = 0; i < calls; i++)
        add_call(&messages, i + 1);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || pipe(tell) < 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        be_systemd(pair[1], process_at, tell[1]);
    }
    close(pair[1]);
    close(tell[1]);
    ours = pair[0];
    struct pv_ask_systemd op = {.gist = "do it", .at = {PV_SLOT_HOST, "/run/systemd/private"},
                                .identity = "30", .messages = {messages.size, messages.at},
                                .process_at = process_at, .tolerated = {1, names},
                                .patience = patience, .required = required};
    struct pv_run *run = fresh_run();
    run->actor = PV_BY_PARENT;
    run->init = 4711;
    int rc = pv_do_ask_systemd(run, &op);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    told_pid = 0;
    if (read(tell[0], &told_pid, 4) < 0)
        exit(1);
    close(tell[0]);
    return rc;
}

static int ask_for(uint32_t calls) {
    return ask_with(calls, 5000, 1, 0);
}

static int says(const char *words) {
    int same = strcmp(check_run.text, words) == 0;
    if (!same)
        printf("it says: %s\n", check_run.text);
    return same;
}

/* ---- the tests --------------------------------------------------------------------------------- */

static void test_done(void) {
    for (int size = 0; size < 40; size = size < 9 ? size + 1 : size * 2) {
        begin();
        slice = size;
        answer(error_answer(1, "org.freedesktop.systemd1.NoSuchUnit", "Unit a.scope not loaded."));
        answer(message(PV_DBUS_SIGNAL, 0, "UnitNew", NULL, "so", TEXTS("a.scope", "/a")));
        and_then(job_answer(2));
        and_then(job_removed("/org/freedesktop/systemd1/job/4", "failed"));
        and_then(job_removed(JOB, "done"));
        CHECK(ask_for(2) == 0, "%s", check_run.text);
    }
}

static void test_process(void) {
    begin();
    answer(job_answer(1));
    and_then(job_removed(JOB, "done"));
    CHECK(ask_with(1, 5000, 1, 60) == 0 && told_pid == 4711, "%u", told_pid);
    begin();
    answer(job_answer(1));
    CHECK(ask_with(1, 5000, 1, 4000) == -EPROTO, "outside of the messages");
}

/* The job may have ended before the answer is sent that names it. */
static void test_job_first(void) {
    begin();
    answer(job_removed(JOB, "done"));
    and_then(job_answer(1));
    CHECK(ask_for(1) == 0);
}

static void test_refused(void) {
    begin();
    answer(error_answer(1, "org.freedesktop.systemd1.UnitExists", "Unit a.scope already exists."));
    CHECK(ask_for(1) == -ECANCELED);
    CHECK(says("org.freedesktop.systemd1.UnitExists: Unit a.scope already exists."));
    begin();
    answer(error_answer(1, "org.freedesktop.DBus.Error.Failed", NULL));
    CHECK(ask_for(1) == -ECANCELED && says("org.freedesktop.DBus.Error.Failed"));
    begin();
    answer(job_answer(1));
    and_then(job_removed(JOB, "failed"));
    CHECK(ask_for(1) == -ECANCELED && says("systemd's job ended as \"failed\""));
    begin();
    greeting = "REJECTED EXTERNAL\r\n";
    CHECK(ask_for(1) == -EACCES);
    CHECK(says("it does not take us for who we say: REJECTED EXTERNAL"));
}

static void test_not_required(void) {
    begin();
    answer(error_answer(1, "org.freedesktop.DBus.Error.Failed", "no"));
    CHECK(ask_with(1, 5000, 0, 0) == 0 && left_events == 1);
    begin();
    hangs_up = 1;
    CHECK(ask_with(1, 5000, 0, 0) == 0 && left_events == 1);
    begin();
    answer(error_answer(1, "org.freedesktop.systemd1.NoSuchUnit", "no"));
    CHECK(ask_with(1, 5000, 0, 0) == 0 && left_events == 0);
}

static void test_slow(void) {
    begin();
    delay = 50;
    answer(empty_answer(1));
    answer(empty_answer(2));
    CHECK(ask_for(2) == 0);
    begin();
    double before = check_seconds();
    CHECK(ask_with(1, 100, 1, 0) == -ETIMEDOUT, "it says OK and nothing more");
    CHECK(says("systemd has not answered in time"));
    begin();
    answer(job_answer(1));
    CHECK(ask_with(1, 100, 1, 0) == -ETIMEDOUT, "the job is never done");
    begin();
    greeting = "";
    CHECK(ask_with(1, 100, 1, 0) == -ETIMEDOUT, "it says nothing");
    CHECK(check_seconds() - before < 5);
}

static void test_hang_up(void) {
    static const char *const greetings[] = {"", "OK", "OK 01\r\n"};
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        begin();
        hangs_up = 1;
        greeting = greetings[i];
        int rc = ask_for(1);
        CHECK(rc == -EPIPE || rc == -ECONNRESET, "%d", rc);
        CHECK(says("systemd has hung up"));
    }
    struct bytes whole = job_answer(1);
    for (size_t size = 0; size < whole.size; size += 7) {
        begin();
        hangs_up = 1;
        answer(whole);
        script[0].size = size;
        CHECK(ask_for(1) == -EPIPE && says("systemd has hung up"));
    }
}

/* Somebody has us stop while it does not answer; but what is undone is undone. */
static void test_stopped(void) {
    if (pipe(stop_pipe) < 0 || write(stop_pipe[1], "x", 1) < 0)
        exit(1);
    begin();
    CHECK(ask_for(1) == -EINTR && says("stopped by signal 15"));
    begin();
    answer(empty_answer(1));
    check_run.undoing = 1;
    CHECK(ask_for(1) == 0);
    check_run.undoing = 0;
    close(stop_pipe[0]);
    close(stop_pipe[1]);
    stop_pipe[0] = stop_pipe[1] = -1;
}

static void test_no_message(void) {
    begin();
    answer(empty_answer(1));
    script[0].at[0] = 'B';
    CHECK(ask_for(1) == -EPROTO && says("systemd sends what is no message"), "big-endian");
    begin();
    answer(empty_answer(1));
    memset(script[0].at + 4, 0xff, 4);
    CHECK(ask_for(1) == -EPROTO, "a body of four gigabytes");
    begin();
    answer(empty_answer(1));
    memset(script[0].at + 12, 0x7f, 4);
    CHECK(ask_for(1) == -EPROTO, "fields without an end");
}

/* Bytes changed anywhere: an answer, a failure or a time-out, and nothing that ASAN minds. */
static void test_random(void) {
    for (int i = 0; i < 20000; i++) {
        struct bytes from = i % 3 == 0   ? job_removed(JOB, "done")
                            : i % 3 == 1 ? error_answer(1, "a.b", "words")
                                         : job_answer(1);
        for (uint32_t n = 1 + check_random(4); n > 0; n--)
            from.at[check_random((uint32_t)from.size)] = (uint8_t)check_random(256);
        /* At the end of what was allocated, so that a read too far is seen. */
        uint8_t *bytes = malloc(from.size);
        memcpy(bytes, from.at, from.size);
        struct answer read;
        ssize_t length = length_of(bytes, from.size);
        if (length > 0 && (size_t)length <= from.size &&
            read_message(bytes, (size_t)length, &read) == 0) {
            struct talk talk = {.run = fresh_run()};
            const struct pv_ask_systemd op = {.gist = ""};
            note_job(&talk, &read);
            refused(&talk, &op, &read);
        }
        free(bytes);
        check_count++;
    }
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    test_done();
    test_process();
    test_job_first();
    test_refused();
    test_not_required();
    test_slow();
    test_hang_up();
    test_stopped();
    test_no_message();
    test_random();
    return check_result();
}
