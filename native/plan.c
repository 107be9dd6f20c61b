/* The record reader. Every length is checked against what is there before it is believed. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PV_SHAPES
#include "plan.h"

#define PV_HEADER_SIZE 16
#define PV_RECORD_HEADER_SIZE 8
#define PV_MOST_BYTES (64u << 20)

/* A window on the bytes; `bad` is set for good by the first read that does not fit. */
struct reader {
    char *at;
    size_t left;
    int bad;
};

static char *take(struct reader *r, size_t n) {
    if (r->bad || n > r->left) {
        r->bad = 1;
        return NULL;
    }
    char *p = r->at;
    r->at += n;
    r->left -= n;
    return p;
}

static uint64_t take_number(struct reader *r, size_t bytes) {
    const unsigned char *p = (const unsigned char *)take(r, bytes);
    uint64_t value = 0;
    for (size_t i = 0; p && i < bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static uint32_t take_u32(struct reader *r) {
    return (uint32_t)take_number(r, 4);
}

static const char *take_text(struct reader *r) {
    uint32_t length = take_u32(r);
    char *p = take(r, (size_t)length + 1);
    /* A NUL inside would let the two sides see two different strings. */
    if (p && strnlen(p, (size_t)length + 1) != length)
        r->bad = 1;
    return r->bad ? "" : p;
}

static void take_texts(struct reader *r, struct pv_texts *texts) {
    uint32_t count = take_u32(r);
    /* Each text takes five bytes at least: a count that claims more is a lie. */
    if (r->bad || count > r->left / 5) {
        r->bad = 1;
        return;
    }
    texts->items = calloc((size_t)count + 2, sizeof *texts->items); /* NULL, and room for HOME */
    if (!texts->items) {
        r->bad = 1;
        return;
    }
    texts->count = count;
    for (uint32_t i = 0; i < count; i++)
        texts->items[i] = (char *)(uintptr_t)take_text(r);
}

static uint32_t take_slot(struct reader *r) {
    uint32_t slot = take_u32(r);
    if (slot >= PV_SLOTS && slot != PV_SLOT_NONE)
        r->bad = 1;
    return slot;
}

static void take_place(struct reader *r, struct pv_place *place) {
    place->slot = take_u32(r);
    if (place->slot >= PV_SLOTS && place->slot != PV_SLOT_NONE && place->slot != PV_SLOT_HOST)
        r->bad = 1;
    place->path = take_text(r);
}

static void take_field(struct reader *r, const struct pv_field *field, struct pv_op *op) {
    void *to = (char *)op + field->offset;
    switch (field->kind) {
    case PV_KIND_U32:
        *(uint32_t *)to = take_u32(r);
        break;
    case PV_KIND_U64:
        *(uint64_t *)to = take_number(r, 8);
        break;
    case PV_KIND_TEXT:
        *(const char **)to = take_text(r);
        break;
    case PV_KIND_TEXTS:
        take_texts(r, to);
        break;
    case PV_KIND_BYTES: {
        struct pv_bytes *bytes = to;
        bytes->size = take_u32(r);
        bytes->data = (const uint8_t *)take(r, bytes->size);
        break;
    }
    case PV_KIND_SLOT:
        *(uint32_t *)to = take_slot(r);
        break;
    case PV_KIND_PLACE:
        take_place(r, to);
        break;
    }
}

static const struct pv_shape *shape_of(uint16_t code) {
    if (code >= sizeof pv_shapes / sizeof *pv_shapes || !pv_shapes[code].name)
        return NULL;
    return &pv_shapes[code];
}

const char *pv_op_name(uint16_t code) {
    const struct pv_shape *shape = shape_of(code);
    return shape ? shape->name : "?";
}

/* `before` is the record before, of which an undo is, or NULL. */
static int take_record(struct reader *r, struct pv_record *record, const struct pv_record *before) {
    record->op.code = (uint16_t)take_number(r, 2);
    record->actor = (uint8_t)take_number(r, 1);
    record->flags = (uint8_t)take_number(r, 1);
    uint32_t length = take_u32(r);
    if (r->bad || length < PV_RECORD_HEADER_SIZE)
        return -EPROTO;
    struct reader body = {.left = length - PV_RECORD_HEADER_SIZE};
    body.at = take(r, body.left);
    const struct pv_shape *shape = shape_of(record->op.code);
    if (r->bad || !shape || record->actor > PV_BY_INIT)
        return -EPROTO;
    if (record->flags & ~(PV_RECORD_UNDO | PV_RECORD_ON_FAILURE))
        return -EPROTO;
    /* An undo is the parent's, and there is one for a step at most. */
    if (record->flags && (!(record->flags & PV_RECORD_UNDO) || record->actor != PV_BY_PARENT ||
                          !before || before->flags))
        return -EPROTO;
    for (uint32_t i = 0; i < shape->count; i++)
        take_field(&body, &shape->fields[i], &record->op);
    return body.bad || body.left != 0 ? -EPROTO : 0;
}

static int take_header(struct reader *r, uint32_t *total, uint32_t *count) {
    const char *magic = take(r, 6);
    uint16_t version = (uint16_t)take_number(r, 2);
    *total = take_u32(r);
    *count = take_u32(r);
    return !r->bad && memcmp(magic, PV_MAGIC, 6) == 0 && version == PV_WIRE_VERSION;
}

int pv_plan_is_whole(int fd, off_t begin, off_t size) {
    char header[PV_HEADER_SIZE];
    struct reader r = {.at = header, .left = sizeof header};
    uint32_t total, count;
    return pread(fd, header, sizeof header, begin) == sizeof header &&
           take_header(&r, &total, &count) && begin + (off_t)total == size;
}

int pv_plan_decode(void *bytes, size_t size, struct pv_plan *plan) {
    memset(plan, 0, sizeof *plan);
    struct reader r = {.at = bytes, .left = size};
    uint32_t total, count;
    if (!take_header(&r, &total, &count))
        return -EPROTO;
    if (total < PV_HEADER_SIZE || total > size || count > total / PV_RECORD_HEADER_SIZE)
        return -EPROTO;
    r.left = total - PV_HEADER_SIZE;
    plan->records = calloc((size_t)count + 1, sizeof *plan->records);
    if (!plan->records)
        return -ENOMEM;
    /* Counted as they are read, so that a plan cut short is freed as far as it got. */
    for (plan->count = 0; plan->count < count;) {
        struct pv_record *record = &plan->records[plan->count++];
        int rc = take_record(&r, record, plan->count > 1 ? record - 1 : NULL);
        if (rc < 0) {
            pv_plan_free(plan);
            return rc;
        }
    }
    if (r.left != 0) {
        pv_plan_free(plan);
        return -EPROTO;
    }
    return 0;
}

int pv_plan_load(int fd, struct pv_plan *plan) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size < PV_HEADER_SIZE || st.st_size > PV_MOST_BYTES)
        return -EPROTO;
    size_t size = (size_t)st.st_size;
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    int rc = pv_plan_decode(bytes, size, plan);
    if (rc < 0) {
        munmap(bytes, size);
        return rc;
    }
    plan->bytes = bytes;
    plan->size = size;
    return 0;
}

void pv_plan_free(struct pv_plan *plan) {
    for (uint32_t i = 0; i < plan->count; i++) {
        struct pv_record *record = &plan->records[i];
        const struct pv_shape *shape = shape_of(record->op.code);
        for (uint32_t f = 0; shape && f < shape->count; f++)
            if (shape->fields[f].kind == PV_KIND_TEXTS)
                free(((struct pv_texts *)((char *)&record->op + shape->fields[f].offset))->items);
    }
    free(plan->records);
    if (plan->bytes)
        munmap(plan->bytes, plan->size);
    memset(plan, 0, sizeof *plan);
}
