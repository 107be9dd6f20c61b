/*
 * Asking systemd by D-Bus: the calls were marshalled by who made the plan, and are only sent here,
 * with the container's pid in its place. Of what comes back no more is read than who is answered, an
 * error's name and words, and of which job the end is told.
 *
 *      executor                                systemd, or a message bus
 *        | NUL, AUTH EXTERNAL, who we are, BEGIN ->
 *        |            <------------------------- OK
 *        | call 1 ------------------------------>
 *        |            <------------------------- its answer: an error, or what it gives
 *        |            <------------------------- JobRemoved, when it gave a job
 *        | call 2 ...
 *
 * Source: the D-Bus specification; org.freedesktop.systemd1(5).
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "calls.h"
#include "clock.h"
#include "executor.h"

/* What a unit looks like fits many times; a bus may pass on more, which is nothing for us. */
#define PV_LONGEST_MESSAGE (1u << 20)

#define PV_DBUS_HEADER 16 /* up to the fields */

enum { PV_DBUS_RETURN = 2, PV_DBUS_ERROR = 3, PV_DBUS_SIGNAL = 4 };
enum { PV_DBUS_MEMBER = 3, PV_DBUS_ERROR_NAME = 4, PV_DBUS_REPLY_SERIAL = 5, PV_DBUS_SIGNATURE = 8 };

struct talk {
    struct pv_run *run;
    int socket;
    int64_t end; /* milliseconds of the clock when the patience is over */
    uint8_t *bytes; /* what has come and was not read */
    size_t size;
    char job[128]; /* the last one of which the end was told */
    char result[32];
};

/* A message that has come; the texts lie in it, and are "" where it has none. */
struct answer {
    uint8_t type;
    uint32_t reply_to;
    const char *member, *error, *signature;
    const uint8_t *body;
    size_t body_size;
};

/* Until the socket can be read or written; -ETIMEDOUT, or -EINTR when somebody has us stop. */
static int wait_for(struct talk *talk, short events) {
    struct pollfd fds[2] = {{talk->socket, events, 0}, {pv_heard_signals(talk->run), POLLIN, 0}};
    for (;;) {
        int64_t left = talk->end - pv_milliseconds();
        if (left <= 0)
            return pv_say(talk->run, -ETIMEDOUT, "systemd has not answered in time");
        int n = poll(fds, 2, (int)(left > 60000 ? 60000 : left));
        if (n < 0 && errno != EINTR)
            return -errno;
        int rc = n > 0 && fds[1].revents ? pv_hear_signal(talk->run) : 0;
        if (rc < 0)
            return rc;
        if (n > 0 && fds[0].revents)
            return 0;
    }
}

static int send_all(struct talk *talk, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = send(talk->socket, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return pv_say(talk->run, -errno, "systemd has hung up");
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
            continue;
        }
        int rc = wait_for(talk, POLLOUT);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* More of what comes; there is room for a longest message. */
static int hear(struct talk *talk) {
    for (;;) {
        size_t room = PV_LONGEST_MESSAGE - talk->size;
        if (room == 0)
            return pv_say(talk->run, -EPROTO, "systemd sends what is no message");
        ssize_t n = recv(talk->socket, talk->bytes + talk->size, room, MSG_DONTWAIT);
        if (n > 0) {
            talk->size += (size_t)n;
            return 0;
        }
        if (n == 0)
            return pv_say(talk->run, -EPIPE, "systemd has hung up");
        if (errno != EINTR && errno != EAGAIN)
            return pv_say(talk->run, -errno, "systemd has hung up");
        int rc = wait_for(talk, POLLIN);
        if (rc < 0)
            return rc;
    }
}

static void forget(struct talk *talk, size_t size) {
    memmove(talk->bytes, talk->bytes + size, talk->size - size);
    talk->size -= size;
}

/* A line of the authentication; it is put into `line` as far as it fits. */
static int hear_line(struct talk *talk, char *line, size_t size) {
    const uint8_t *end;
    while (!(end = memmem(talk->bytes, talk->size, "\r\n", 2))) {
        int rc = talk->size > 4096 ? -EPROTO : hear(talk);
        if (rc < 0)
            return rc == -EPROTO ? pv_say(talk->run, rc, "this is no D-Bus") : rc;
    }
    size_t length = (size_t)(end - talk->bytes);
    snprintf(line, size, "%.*s", (int)length, (const char *)talk->bytes);
    forget(talk, length + 2);
    return 0;
}

static int authenticate(struct talk *talk, const char *identity) {
    char line[160];
    /*
     * The NUL, with which credentials go along on other systems. BEGIN at once: what systemd reads
     * together with it, such as a first call, it looks at only when more comes.
     */
    int n = snprintf(line, sizeof line, "%cAUTH EXTERNAL %s\r\nBEGIN\r\n", 0, identity);
    if (n < 0 || (size_t)n >= sizeof line)
        return -EINVAL;
    int rc = send_all(talk, (const uint8_t *)line, (size_t)n);
    if (rc == 0)
        rc = hear_line(talk, line, sizeof line);
    if (rc < 0)
        return rc;
    if (strncmp(line, "OK", 2) != 0)
        return pv_say(talk->run, -EACCES, "it does not take us for who we say: %s", line);
    return 0;
}

static size_t align(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static uint32_t u32_at(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* The whole length of the message that begins at `bytes`; 0: not yet to be told, or -EPROTO. */
static ssize_t length_of(const uint8_t *bytes, size_t size) {
    if (size < PV_DBUS_HEADER)
        return 0;
    size_t fields = u32_at(bytes + 12), body = u32_at(bytes + 4);
    if (bytes[0] != 'l' || fields > PV_LONGEST_MESSAGE || body > PV_LONGEST_MESSAGE)
        return -EPROTO;
    size_t length = align(PV_DBUS_HEADER + fields, 8) + body;
    return length > PV_LONGEST_MESSAGE ? -EPROTO : (ssize_t)length;
}

/* A text of D-Bus at `*at`, of which the length is told in `width` bytes; NULL when it does not fit. */
static const char *take_text(const uint8_t *bytes, size_t size, size_t *at, size_t width) {
    size_t begin = align(*at, width);
    if (begin + width > size)
        return NULL;
    size_t length = width == 1 ? bytes[begin] : u32_at(bytes + begin);
    if (length >= size || begin + width + length >= size)
        return NULL;
    const char *text = (const char *)bytes + begin + width;
    if (text[length] != '\0' || strlen(text) != length)
        return NULL;
    *at = begin + width + length + 1;
    return text;
}

/* A header's field is a struct of its number and a variant, of which we know the usual types. */
static int read_field(const uint8_t *bytes, size_t end, size_t *at, struct answer *into) {
    *at = align(*at, 8);
    if (*at + 1 > end)
        return -EPROTO;
    uint8_t number = bytes[(*at)++];
    const char *type = take_text(bytes, end, at, 1);
    if (!type || strlen(type) != 1)
        return -EPROTO;
    if (*type == 'u') {
        *at = align(*at, 4);
        if (*at + 4 > end)
            return -EPROTO;
        if (number == PV_DBUS_REPLY_SERIAL)
            into->reply_to = u32_at(bytes + *at);
        *at += 4;
        return 0;
    }
    const char *text = strchr("sog", *type) ? take_text(bytes, end, at, *type == 'g' ? 1 : 4) : NULL;
    if (!text)
        return -EPROTO;
    if (number == PV_DBUS_MEMBER)
        into->member = text;
    else if (number == PV_DBUS_ERROR_NAME)
        into->error = text;
    else if (number == PV_DBUS_SIGNATURE)
        into->signature = text;
    return 0;
}

static int read_message(const uint8_t *bytes, size_t size, struct answer *into) {
    *into = (struct answer){.type = bytes[1], .member = "", .error = "", .signature = ""};
    size_t end = PV_DBUS_HEADER + u32_at(bytes + 12), at = PV_DBUS_HEADER;
    while (at < end) {
        int rc = read_field(bytes, end, &at, into);
        if (rc < 0)
            return rc;
    }
    size_t body = align(end, 8);
    into->body = bytes + body;
    into->body_size = size - body;
    return 0;
}

/* The next message. It lies in the buffer until it is forgotten: `*size` bytes. */
static int next_message(struct talk *talk, struct answer *into, size_t *size) {
    for (;;) {
        ssize_t length = length_of(talk->bytes, talk->size);
        if (length > 0 && (size_t)length <= talk->size) {
            *size = (size_t)length;
            length = read_message(talk->bytes, *size, into);
            if (length == 0)
                return 0;
        }
        int rc = length < 0 ? pv_say(talk->run, -EPROTO, "systemd sends what is no message")
                            : hear(talk);
        if (rc < 0)
            return rc;
    }
}

/* The end of a job: its number, its path, its unit, how it came. */
static void note_job(struct talk *talk, const struct answer *signal) {
    size_t at = 4;
    if (strcmp(signal->member, "JobRemoved") != 0 || strcmp(signal->signature, "uoss") != 0)
        return;
    const char *job = take_text(signal->body, signal->body_size, &at, 4);
    const char *unit = job ? take_text(signal->body, signal->body_size, &at, 4) : NULL;
    const char *result = unit ? take_text(signal->body, signal->body_size, &at, 4) : NULL;
    if (!result)
        return;
    snprintf(talk->job, sizeof talk->job, "%s", job);
    snprintf(talk->result, sizeof talk->result, "%s", result);
}

static int wait_for_job(struct talk *talk, const char *job) {
    while (strcmp(talk->job, job) != 0) {
        struct answer answer;
        size_t size;
        int rc = next_message(talk, &answer, &size);
        if (rc < 0)
            return rc;
        if (answer.type == PV_DBUS_SIGNAL)
            note_job(talk, &answer);
        forget(talk, size);
    }
    if (strcmp(talk->result, "done") == 0)
        return 0;
    return pv_say(talk->run, -ECANCELED, "systemd's job ended as \"%s\"", talk->result);
}

static int is_tolerated(const struct pv_ask_systemd *op, const char *error) {
    for (uint32_t i = 0; i < op->tolerated.count; i++)
        if (strcmp(op->tolerated.items[i], error) == 0)
            return 1;
    return 0;
}

static int refused(struct talk *talk, const struct pv_ask_systemd *op, const struct answer *answer) {
    size_t at = 0;
    if (is_tolerated(op, answer->error))
        return 0;
    int has_words = answer->signature[0] == 's';
    const char *words = has_words ? take_text(answer->body, answer->body_size, &at, 4) : NULL;
    return pv_say(talk->run, -ECANCELED, "%s%s%s", answer->error, words ? ": " : "",
                  words ? words : "");
}

/* The answer to a call, and the end of the job when it gives one: a job is an object's path. */
static int hear_answer(struct talk *talk, const struct pv_ask_systemd *op, uint32_t serial) {
    char job[sizeof talk->job] = "";
    for (int rc = 1; rc > 0;) {
        struct answer answer;
        size_t size, at = 0;
        rc = next_message(talk, &answer, &size);
        if (rc < 0)
            return rc;
        int is_ours = answer.reply_to == serial;
        rc = 1;
        if (answer.type == PV_DBUS_SIGNAL) {
            note_job(talk, &answer);
        } else if (is_ours && answer.type == PV_DBUS_ERROR) {
            rc = refused(talk, op, &answer);
        } else if (is_ours && answer.type == PV_DBUS_RETURN) {
            rc = 0;
            if (strcmp(answer.signature, "o") == 0) {
                const char *path = take_text(answer.body, answer.body_size, &at, 4);
                snprintf(job, sizeof job, "%s", path ? path : "");
            }
        }
        forget(talk, size);
        if (rc < 0)
            return rc;
    }
    return job[0] ? wait_for_job(talk, job) : 0;
}

static int call_all(struct talk *talk, const struct pv_ask_systemd *op, uint8_t *messages) {
    if (op->process_at) {
        if (talk->run->init <= 0 || (uint64_t)op->process_at + 4 > op->messages.size)
            return pv_say(talk->run, -EPROTO, "there is no process yet");
        uint32_t pid = (uint32_t)talk->run->init;
        memcpy(messages + op->process_at, &pid, sizeof pid);
    }
    for (size_t at = 0; at < op->messages.size;) {
        ssize_t length = length_of(messages + at, op->messages.size - at);
        if (length <= 0 || (size_t)length > op->messages.size - at)
            return -EPROTO;
        int rc = send_all(talk, messages + at, (size_t)length);
        if (rc == 0)
            rc = hear_answer(talk, op, u32_at(messages + at + 8));
        if (rc < 0)
            return rc;
        at += (size_t)length;
    }
    return 0;
}

static int connect_to(struct pv_run *run, const struct pv_place *at) {
    int file = pv_place_open(run, at, O_PATH, 0);
    if (file < 0)
        return file;
    int fd = pv_connect_to(file, SOCK_STREAM);
    close(file);
    return fd;
}

static int ask(struct pv_run *run, const struct pv_ask_systemd *op) {
    struct talk talk = {.run = run, .end = pv_milliseconds() + op->patience};
    talk.socket = connect_to(run, &op->at);
    if (talk.socket < 0)
        return talk.socket;
    uint8_t *messages = malloc(op->messages.size + 1);
    talk.bytes = malloc(PV_LONGEST_MESSAGE);
    int rc = messages && talk.bytes ? 0 : -ENOMEM;
    if (rc == 0)
        rc = authenticate(&talk, op->identity);
    if (rc == 0) {
        memcpy(messages, op->messages.data, op->messages.size);
        rc = call_all(&talk, op, messages);
    }
    free(messages);
    free(talk.bytes);
    close(talk.socket);
    return rc;
}

int pv_do_ask_systemd(struct pv_run *run, const struct pv_ask_systemd *op) {
    int rc = ask(run, op);
    if (rc == 0 || rc == -EINTR || op->required)
        return rc;
    pv_event(run, PV_EVENT_LEFT, run->step, -rc, 0, run->text);
    return 0;
}
