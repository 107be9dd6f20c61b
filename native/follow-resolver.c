/*
 * The name servers of a container follow the machine's: its resolv.conf is rewritten when the machine's
 * changes, in place, since it is mounted in the container. The text is what src/container/network-files.ts
 * makes of the same file at a start.
 *
 * The machine's file is mostly replaced by a rename, or is a link to one that systemd-resolved or another
 * replaces: so directories are watched, that of the link and that of what it leads to. Where there is no
 * inotify instance left the files are looked at every few seconds.
 */
#define _GNU_SOURCE
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "calls.h"
#include "executor.h"

#define PV_MOST 16384
#define PV_LOOK_AGAIN 5 /* seconds */
#define PV_CHANGES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM)

struct text {
    size_t length;
    char bytes[PV_MOST];
};

static const struct pv_follow_resolver *followed;
static int events = -1; /* inotify, or a timer */
static int is_timer;
static struct text last; /* what we, or who planned, have written */

static int read_file(int fd, struct text *text) {
    size_t length = 0;
    while (length < sizeof text->bytes - 1) {
        ssize_t n = read(fd, text->bytes + length, sizeof text->bytes - 1 - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    text->length = length;
    text->bytes[length] = '\0';
    return length < sizeof text->bytes - 1 ? 0 : -EFBIG;
}

static int read_path(const char *path, struct text *text) {
    text->length = 0;
    text->bytes[0] = '\0';
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int rc = fd < 0 ? -errno : read_file(fd, text);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ── the text ───────────────────────────────────────────────────────────────────────────────── */

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The next line without what is blank around it; gives 0 at the end. */
static int next_line(const char **at, const char **line, size_t *length) {
    if (!*at || !**at)
        return 0;
    const char *from = *at, *end = strchr(from, '\n');
    *at = end ? end + 1 : NULL;
    if (!end)
        end = from + strlen(from);
    while (from < end && is_blank(*from))
        from++;
    while (from < end && is_blank(end[-1]))
        end--;
    *line = from;
    *length = (size_t)(end - from);
    return 1;
}

static int has_keyword(const char *line, size_t length, const char *keyword) {
    size_t own = strlen(keyword);
    return length > own && memcmp(line, keyword, own) == 0 && is_blank(line[own]);
}

/* Of a line `nameserver ADDRESS` the address, or NULL. */
static const char *server_of(const char *line, size_t length, char address[64]) {
    if (!has_keyword(line, length, "nameserver"))
        return NULL;
    size_t from = 10, to;
    while (from < length && is_blank(line[from]))
        from++;
    for (to = from; to < length && !is_blank(line[to]);)
        to++;
    if (to - from >= 64)
        to = from + 63;
    memcpy(address, line + from, to - from);
    address[to - from] = '\0';
    return address;
}

static void put(struct text *out, const char *line, size_t length) {
    if (out->length + length + 2 > sizeof out->bytes)
        return;
    memcpy(out->bytes + out->length, line, length);
    out->length += length;
    out->bytes[out->length++] = '\n';
    out->bytes[out->length] = '\0';
}

/* All that it names is the stub of systemd-resolved. */
static int is_stub(const struct text *text) {
    const char *at = text->bytes, *line;
    char address[64];
    size_t length;
    int count = 0;
    while (next_line(&at, &line, &length)) {
        if (!server_of(line, length, address))
            continue;
        if (strcmp(address, "127.0.0.53") != 0)
            return 0;
        count++;
    }
    return count > 0;
}

static void put_search(struct text *out, const struct text *from) {
    const char *at = from->bytes, *line;
    size_t length;
    if (followed->no_search)
        return;
    if (followed->search[0]) {
        put(out, followed->search, strlen(followed->search));
        return;
    }
    while (next_line(&at, &line, &length))
        if (has_keyword(line, length, "search") || has_keyword(line, length, "domain"))
            put(out, line, length);
}

static void put_servers(struct text *out, const struct text *from) {
    const char *at = from->bytes, *line;
    char address[64];
    size_t length;
    unsigned count = 0;
    while (next_line(&at, &line, &length)) {
        if (!server_of(line, length, address))
            continue;
        int is_near = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
        if (is_near && !followed->local)
            continue;
        put(out, line, length);
        count++;
    }
    for (uint32_t i = 0; count == 0 && !followed->local && i < followed->public.count; i++) {
        char server[96] = "nameserver ";
        strncat(server, followed->public.items[i], sizeof server - sizeof "nameserver ");
        put(out, server, strlen(server));
    }
}

static void put_options(struct text *out, const struct text *from) {
    const char *at = from->bytes, *line;
    size_t length;
    if (followed->options[0]) {
        put(out, followed->options, strlen(followed->options));
        return;
    }
    while (next_line(&at, &line, &length))
        if (has_keyword(line, length, "options"))
            put(out, line, length);
}

static int make_text(struct text *out) {
    static struct text machine, upstream;
    int rc = read_path(followed->from, &machine);
    if (rc < 0)
        return rc;
    const struct text *from = &machine;
    if (!followed->local && is_stub(&machine) && read_path(followed->upstream, &upstream) == 0 &&
        upstream.length > 0)
        from = &upstream;
    out->length = 0;
    out->bytes[0] = '\0';
    put_search(out, from);
    put_servers(out, from);
    put_options(out, from);
    return 0;
}

/* ── the container's file ───────────────────────────────────────────────────────────────────── */

/* At first no shorter than before: who reads meanwhile sees the old text, or the new one with empty lines. */
static int put_in_place(int fd, const struct text *made) {
    static struct text padded;
    padded = *made;
    while (padded.length < last.length)
        padded.bytes[padded.length++] = '\n';
    if (pwrite(fd, padded.bytes, padded.length, 0) != (ssize_t)padded.length)
        return -EIO;
    return pv_result(ftruncate(fd, (off_t)made->length));
}

static int is_same(const struct text *one, const struct text *other) {
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

/* aardvark-dns, which all containers of named networks ask: each of their executors tells it. */
static void tell_server(struct pv_run *run) {
    static const char name[] = "aardvark-dns\n";
    char text[32] = "", path[64], comm[32] = "";
    int fd = pv_place_open(run, &followed->server, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    int pid = n > 0 ? atoi(text) : 0, process = pid > 0 ? pv_pidfd_open(pid) : -1;
    if (process < 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, comm, sizeof comm - 1);
    if (fd >= 0)
        close(fd);
    if (n > 0 && strcmp(comm, name) == 0)
        pv_pidfd_send_signal(process, SIGHUP);
    close(process);
}

static void rewrite(struct pv_run *run) {
    static struct text made, now;
    if (make_text(&made) < 0 || is_same(&made, &last)) /* being replaced: its successor is told of, too */
        return;
    if (followed->server.slot != PV_SLOT_NONE)
        tell_server(run);
    if (followed->at.slot == PV_SLOT_NONE) {
        last = made;
        return;
    }
    int fd = pv_place_open(run, &followed->at, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return;
    struct stat st;
    int is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    /* What somebody in the container has written stays. */
    if (is_file && read_file(fd, &now) == 0 && is_same(&now, &last) && put_in_place(fd, &made) == 0)
        last = made;
    close(fd);
}

/* ── the machine's ──────────────────────────────────────────────────────────────────────────── */

static void watch_directory_of(const char *path) {
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy)
        return;
    strcpy(copy, path);
    if (inotify_add_watch(events, dirname(copy), PV_CHANGES | IN_ONLYDIR) < 0)
        return; /* not there: then nothing in it is read either */
}

/* Again after each change: a link may lead elsewhere. What is watched already stays so. */
static void watch(void) {
    char target[PATH_MAX];
    if (is_timer)
        return;
    watch_directory_of(followed->from);
    watch_directory_of(followed->upstream);
    if (realpath(followed->from, target))
        watch_directory_of(target);
}

static int start_timer(void) {
    struct itimerspec every = {{PV_LOOK_AGAIN, 0}, {PV_LOOK_AGAIN, 0}};
    int fd = pv_result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (fd >= 0)
        timerfd_settime(fd, 0, &every, NULL);
    is_timer = 1;
    return fd;
}

int pv_do_follow_resolver(struct pv_run *run, const struct pv_follow_resolver *op) {
    followed = op;
    if (op->at.slot == PV_SLOT_NONE) {
        make_text(&last);
    } else {
        int fd = pv_place_open(run, &op->at, O_RDONLY | O_NOFOLLOW, 0);
        if (fd < 0)
            return fd;
        read_file(fd, &last);
        close(fd);
    }
    is_timer = 0;
    events = pv_result(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (events < 0)
        events = start_timer();
    watch();
    rewrite(run); /* what has changed since it was planned */
    return 0;
}

int pv_poll_resolver(void) {
    return events;
}

/* Whether one of the names in an event is one of ours. */
static int is_meant(const char *name) {
    const char *from = strrchr(followed->from, '/'), *upstream = strrchr(followed->upstream, '/');
    char target[PATH_MAX];
    if (strcmp(name, from + 1) == 0 || strcmp(name, upstream + 1) == 0)
        return 1;
    return realpath(followed->from, target) && strcmp(name, strrchr(target, '/') + 1) == 0;
}

void pv_look_after_resolver(struct pv_run *run) {
    static char buffer[4096] __attribute__((aligned(8)));
    int is_changed = is_timer;
    for (ssize_t n; (n = read(events, buffer, sizeof buffer)) > 0 && !is_timer;) {
        for (char *at = buffer; at < buffer + n;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            is_changed |= event->mask & IN_Q_OVERFLOW || (event->len > 0 && is_meant(event->name));
            at += sizeof *event + event->len;
        }
    }
    if (is_changed) {
        watch();
        rewrite(run);
    }
}
