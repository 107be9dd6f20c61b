/* Writes a tar: ustar headers, and before them pax records for what does not fit; pax(1). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pack-internal.h"

#define BLOCK 512
/* Names, a link, a size, owners, a time; attributes come ready made. */
#define RECORDS_MAX (3 * (PACK_PATH_MAX + 64) + 512)

static int write_out(struct pack *p, const unsigned char *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pack_fail(p, errno, "cannot write the archive");
        bytes += n;
        size -= (size_t)n;
        p->written += (uint64_t)n;
    }
    return 0;
}

int pack_flush(struct pack *p) {
    int rc = write_out(p, p->out, p->filled);
    p->filled = 0;
    return rc;
}

int pack_write(struct pack *p, const void *bytes, size_t size) {
    const unsigned char *from = bytes;
    while (size > 0) {
        if (p->filled == sizeof p->out && pack_flush(p) < 0)
            return -1;
        size_t n = sizeof p->out - p->filled;
        if (n > size)
            n = size;
        memcpy(p->out + p->filled, from, n);
        p->filled += n;
        from += n;
        size -= n;
    }
    return 0;
}

int pack_padding(struct pack *p, uint64_t size) {
    static const unsigned char zeros[BLOCK];
    size_t over = (size_t)(size % BLOCK);
    return over == 0 ? 0 : pack_write(p, zeros, BLOCK - over);
}

int pack_end(struct pack *p) {
    static const unsigned char zeros[2 * BLOCK];
    return pack_write(p, zeros, sizeof zeros) < 0 ? -1 : pack_flush(p);
}

/* The length counts its own digits. */
bool pack_pax(unsigned char *to, size_t capacity, size_t *length, const char *key,
              const void *value, size_t value_length) {
    size_t rest = strlen(key) + value_length + 3; /* a blank, =, and the end of the line */
    size_t digits = 1, whole;
    for (;; digits++) {
        whole = rest + digits;
        size_t needed = 1;
        for (size_t n = whole; n >= 10; n /= 10)
            needed++;
        if (needed == digits)
            break;
    }
    if (whole > capacity - *length)
        return false;
    char head[32];
    int n = snprintf(head, sizeof head, "%zu ", whole);
    unsigned char *at = to + *length;
    memcpy(at, head, (size_t)n);
    at += n;
    memcpy(at, key, strlen(key));
    at += strlen(key);
    *at++ = '=';
    memcpy(at, value, value_length);
    at[value_length] = '\n';
    *length += whole;
    return true;
}

static void pax_text(unsigned char *to, size_t *length, const char *key, const char *value) {
    pack_pax(to, RECORDS_MAX, length, key, value, strlen(value)); /* room is made for all of them */
}

static void pax_number(unsigned char *to, size_t *length, const char *key, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    pax_text(to, length, key, text);
}

static void pax_time(unsigned char *to, size_t *length, struct timespec time) {
    char text[48];
    long long seconds = (long long)time.tv_sec;
    long nanoseconds = time.tv_nsec;
    /* -1.5 is two seconds before and half a second after. */
    const char *sign = "";
    if (seconds < 0) {
        sign = "-";
        seconds = nanoseconds > 0 ? -(seconds + 1) : -seconds;
        nanoseconds = nanoseconds > 0 ? 1000000000 - nanoseconds : 0;
    }
    if (nanoseconds == 0)
        snprintf(text, sizeof text, "%s%lld", sign, seconds);
    else
        snprintf(text, sizeof text, "%s%lld.%09ld", sign, seconds, nanoseconds);
    pax_text(to, length, "mtime", text);
}

/* `size` bytes, the last of which is NUL; 0 for what does not fit: a pax record has it. */
static void octal(unsigned char *to, size_t size, uint64_t value) {
    uint64_t most = 1ull << (3 * (size - 1));
    char text[24];
    snprintf(text, sizeof text, "%0*llo", (int)size - 1,
             (unsigned long long)(value < most ? value : 0));
    memcpy(to, text, size);
}

static bool fits(uint64_t value, size_t size) {
    return value < 1ull << (3 * (size - 1));
}

static int header(struct pack *p, const struct pack_member *m, const char *name, char type,
                  uint64_t size) {
    unsigned char block[BLOCK] = {0};
    const struct stat *st = m->st;
    bool is_device = type == '3' || type == '4';
    memcpy(block, name, strnlen(name, 100));
    octal(block + 100, 8, st->st_mode & 07777);
    octal(block + 108, 8, st->st_uid);
    octal(block + 116, 8, st->st_gid);
    octal(block + 124, 12, size);
    octal(block + 136, 12, st->st_mtim.tv_sec < 0 ? 0 : (uint64_t)st->st_mtim.tv_sec);
    memset(block + 148, ' ', 8);
    block[156] = (unsigned char)type;
    memcpy(block + 157, m->link, type == 'x' ? 0 : strnlen(m->link, 100));
    memcpy(block + 257, "ustar\00000", 8);
    octal(block + 329, 8, is_device ? major(st->st_rdev) : 0);
    octal(block + 337, 8, is_device ? minor(st->st_rdev) : 0);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof block; i++)
        sum += block[i];
    char text[16];
    snprintf(text, sizeof text, "%06o", sum);
    memcpy(block + 148, text, 7);
    block[155] = ' ';
    return pack_write(p, block, sizeof block);
}

static int extended_header(struct pack *p, const struct pack_member *m) {
    static unsigned char records[RECORDS_MAX];
    const struct stat *st = m->st;
    size_t length = 0;
    if (strlen(m->name) > 100)
        pax_text(records, &length, "path", m->name);
    if (strlen(m->link) > 100)
        pax_text(records, &length, "linkpath", m->link);
    if (!fits(m->size, 12))
        pax_number(records, &length, "size", m->size);
    if (!fits(st->st_uid, 8))
        pax_number(records, &length, "uid", st->st_uid);
    if (!fits(st->st_gid, 8))
        pax_number(records, &length, "gid", st->st_gid);
    if (st->st_mtim.tv_nsec != 0 || st->st_mtim.tv_sec < 0 ||
        !fits((uint64_t)st->st_mtim.tv_sec, 12))
        pax_time(records, &length, st->st_mtim);
    size_t whole = length + m->xattrs_length;
    if (whole == 0)
        return 0;
    static const struct stat plain = {.st_mode = 0644};
    const struct pack_member extension = {.link = "", .st = &plain};
    if (header(p, &extension, "././@PaxHeader", 'x', whole) < 0 ||
        pack_write(p, records, length) < 0 || pack_write(p, m->xattrs, m->xattrs_length) < 0)
        return -1;
    return pack_padding(p, whole);
}

/* All of an entry but its content. */
int pack_member(struct pack *p, const struct pack_member *m) {
    p->index++;
    return extended_header(p, m) < 0 ? -1 : header(p, m, m->name, m->type, m->size);
}
