/*
 * The log of what a container writes, in the format of the CRI: each line of it is one line
 *
 *     2026-11-26T11:00:00.000000000Z stdout F text
 *
 * with P in place of F when the line goes on: one that is longer than PV_LINE bytes, or that was
 * never finished. A line is written as a whole or not at all. A full disk ends nothing: what could
 * not be written is dropped, and the log says how much as soon as it can.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "calls.h"
#include "monitor.h"

#define PV_LINE 16384
#define PV_BATCH 65536
#define PV_HEAD 64 /* more than what stands before the text */

/* What has come of a stream's line so far. */
struct line {
    size_t length;
    char text[PV_LINE];
};

static struct {
    int directory, file; /* or -1 */
    char name[256];
    mode_t mode;
    uint64_t most;
    uint32_t files;
    uint64_t size; /* of the file, with what is batched */
    uint64_t lost;
    int why;       /* the errno of the last that was lost */
    size_t filled, lines;
} now = {.directory = -1, .file = -1};

/* Apart from what begins with a value, which would be a part of the program's file. */
static struct line open_lines[2]; /* standard output and error */
static char batch[PV_BATCH];

static int open_file(void) {
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int file = pv_result(openat(now.directory, now.name, flags, now.mode));
    if (file < 0)
        return file;
    struct stat st;
    if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(file);
        return -EINVAL;
    }
    now.size = (uint64_t)st.st_size;
    if (now.file >= 0)
        close(now.file);
    now.file = file;
    return 0;
}

int pv_do_log(struct pv_run *run, const struct pv_log *op) {
    const char *name;
    int directory = pv_place_parent(run, &op->at, 0, &name);
    if (directory < 0)
        return directory;
    snprintf(now.name, sizeof now.name, "%s", name);
    now.directory = directory;
    now.mode = op->mode;
    now.most = op->most;
    now.files = op->files;
    int rc = open_file();
    if (rc < 0) {
        close(directory);
        now.directory = -1;
    }
    return rc == -EINVAL ? pv_say(run, rc, "it is no regular file") : rc;
}

/* All of it, or a negative errno and the file as it was. */
static int write_all(const char *bytes, size_t size) {
    struct stat st;
    /* Removed by somebody: what is written would be seen by nobody. */
    if (fstat(now.file, &st) == 0 && st.st_nlink == 0 && open_file() == 0)
        fstat(now.file, &st);
    for (size_t sent = 0; sent < size;) {
        ssize_t n = write(now.file, bytes + sent, size - sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int rc = n < 0 ? -errno : -EIO;
            if (ftruncate(now.file, st.st_size) < 0) {
                /* Then a line is cut short: readers pass it over. */
            }
            now.size = (uint64_t)st.st_size;
            return rc;
        }
        sent += (size_t)n;
    }
    now.size = (uint64_t)st.st_size + size;
    return 0;
}

/* `TIME STREAM TAG `; gives its length. */
static size_t head(char *to, int stream, char tag) {
    static time_t second = -1;
    static char text[24];
    struct timespec time;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &time);
    if (time.tv_sec != second && gmtime_r(&time.tv_sec, &parts)) {
        second = time.tv_sec;
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    return (size_t)snprintf(to, PV_HEAD, "%s.%09ldZ %s %c ", text, time.tv_nsec,
                            stream == PV_STDERR ? "stderr" : "stdout", tag);
}

static int tell_lost(void) {
    char text[PV_HEAD + 128];
    size_t size = head(text, PV_STDERR, 'F');
    size += (size_t)snprintf(text + size, sizeof text - size, "pivot: lost %llu lines of the log: %s\n",
                             (unsigned long long)now.lost, strerror(now.why));
    int rc = write_all(text, size);
    if (rc == 0)
        now.lost = 0;
    return rc;
}

static void flush(void) {
    if (now.filled == 0)
        return;
    int rc = now.lost ? tell_lost() : 0;
    if (rc == 0)
        rc = write_all(batch, now.filled);
    if (rc < 0) {
        now.lost += now.lines;
        now.why = -rc;
    }
    now.filled = now.lines = 0;
}

static const char *numbered(char *to, size_t size, uint32_t number) {
    snprintf(to, size, "%s.%u", now.name, number);
    return to;
}

/* Whatever goes wrong, the log goes on in the file that is open. */
static void rotate(void) {
    char from[300], to[300];
    /* Not there when the last rotation could make no new file: what was done then is not repeated. */
    if (faccessat(now.directory, now.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        for (uint32_t i = now.files; i-- > 2;)
            renameat(now.directory, numbered(from, sizeof from, i - 1), now.directory,
                     numbered(to, sizeof to, i));
        int rc = now.files > 1 ? renameat(now.directory, now.name, now.directory,
                                          numbered(to, sizeof to, 1))
                               : unlinkat(now.directory, now.name, 0);
        if (rc < 0)
            return;
    }
    open_file();
}

static void put(int stream, char tag, const char *text, size_t length) {
    char first[PV_HEAD];
    size_t start = head(first, stream, tag), size = start + length + 1;
    if (now.filled + size > sizeof batch)
        flush();
    if (now.most && now.size + now.filled > 0 && now.size + now.filled + size > now.most) {
        flush();
        rotate();
    }
    memcpy(batch + now.filled, first, start);
    memcpy(batch + now.filled + start, text, length);
    batch[now.filled + size - 1] = '\n';
    now.filled += size;
    now.lines++;
}

static void take(int stream, const char *bytes, size_t size) {
    struct line *line = &open_lines[stream == PV_STDERR];
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        size_t part = end ? (size_t)(end - bytes) : size;
        if (part > sizeof line->text - line->length)
            part = sizeof line->text - line->length;
        int ends = end == bytes + part;
        if (ends && line->length == 0) {
            put(stream, 'F', bytes, part); /* most lines: they need not be copied */
        } else {
            memcpy(line->text + line->length, bytes, part);
            line->length += part;
            if (ends || line->length == sizeof line->text) {
                put(stream, ends ? 'F' : 'P', line->text, line->length);
                line->length = 0;
            }
        }
        bytes += part + (size_t)ends;
        size -= part + (size_t)ends;
    }
}

void pv_log_output(int stream, const char *bytes, size_t size) {
    if (now.file < 0)
        return;
    take(stream, bytes, size);
    flush();
}

void pv_log_line(const char *text, size_t length) {
    if (now.file < 0)
        return;
    put(PV_STDERR, 'F', text, length);
    flush();
}

void pv_log_end(void) {
    if (now.file < 0)
        return;
    for (int i = 0; i < 2; i++) {
        if (open_lines[i].length > 0)
            put(i ? PV_STDERR : PV_STDOUT, 'P', open_lines[i].text, open_lines[i].length);
        open_lines[i].length = 0;
    }
    flush();
    if (now.lost)
        tell_lost();
    close(now.file);
    close(now.directory);
    now.file = now.directory = -1;
}
