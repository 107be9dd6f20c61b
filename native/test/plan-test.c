/* The record reader against plans that are cut, bent and lie. Each copy ends where its memory does,
 * so that the sanitizer sees a read beyond it. */
#define PV_SHAPES
#include "check.h"

#include "../plan.c"

#include "../follow.c"

/* As files.c has it; no report is written here. */
int pv_write_whole(int fd, const void *bytes, size_t size) {
    (void)fd, (void)bytes, (void)size;
    return 0;
}

struct bytes {
    uint8_t data[16384];
    size_t size;
};

static void put(struct bytes *to, const void *from, size_t size) {
    memcpy(to->data + to->size, from, size);
    to->size += size;
}

static void put_number(struct bytes *to, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        to->data[to->size++] = (uint8_t)(value >> (8 * i));
}

static void patch_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_text(struct bytes *to, const char *text) {
    put_number(to, strlen(text), 4);
    put(to, text, strlen(text) + 1);
}

static void put_field(struct bytes *to, enum pv_kind kind) {
    switch (kind) {
    case PV_KIND_U32:
        put_number(to, 7, 4);
        break;
    case PV_KIND_U64:
        put_number(to, 1ull << 40, 8);
        break;
    case PV_KIND_TEXT:
        put_text(to, "some text");
        break;
    case PV_KIND_TEXTS:
        put_number(to, 3, 4);
        put_text(to, "one");
        put_text(to, "");
        put_text(to, "three");
        break;
    case PV_KIND_BYTES:
        put_number(to, 5, 4);
        put(to, "\0\1\2\3\4", 5);
        break;
    case PV_KIND_SLOT:
        put_number(to, 127, 4);
        break;
    case PV_KIND_PLACE:
        put_number(to, PV_SLOT_HOST, 4);
        put_text(to, "/a/path");
        break;
    }
}

static void put_record(struct bytes *to, uint16_t code, uint8_t actor, uint8_t flags) {
    size_t start = to->size;
    put_number(to, code, 2);
    put_number(to, actor, 1);
    put_number(to, flags, 1);
    put_number(to, 0, 4);
    const struct pv_shape *shape = shape_of(code);
    for (uint32_t i = 0; shape && i < shape->count; i++)
        put_field(to, shape->fields[i].kind);
    patch_u32(to->data + start + 4, (uint32_t)(to->size - start));
}

static void put_header(struct bytes *to) {
    to->size = 0;
    put(to, PV_MAGIC, 6);
    put_number(to, PV_WIRE_VERSION, 2);
    put_number(to, 0, 8);
}

static void finish(struct bytes *to, uint32_t records) {
    patch_u32(to->data + 8, (uint32_t)to->size);
    patch_u32(to->data + 12, records);
}

/* One record of each operation, and an undo for every other. */
static void make_full_plan(struct bytes *to) {
    uint32_t records = 0;
    put_header(to);
    for (uint16_t code = 0; code < sizeof pv_shapes / sizeof *pv_shapes; code++) {
        if (!shape_of(code))
            continue;
        put_record(to, code, code % 2, 0);
        if (code % 2)
            put_record(to, PV_REMOVE, PV_BY_PARENT,
                       PV_RECORD_UNDO | (code % 3 ? PV_RECORD_ON_FAILURE : 0));
        records += 1 + code % 2;
    }
    finish(to, records);
}

static void make_small_plan(struct bytes *to) {
    put_header(to);
    put_record(to, PV_EXEC, PV_BY_INIT, 0);
    put_record(to, PV_WRITE, PV_BY_PARENT, 0);
    put_record(to, PV_REMOVE, PV_BY_PARENT, PV_RECORD_UNDO);
    put_record(to, PV_SECCOMP, PV_BY_INIT, 0);
    finish(to, 4);
}

static const char *low, *high; /* the memory in which all texts must lie */

static void look_at_text(const char *text) {
    CHECK(text[0] == '\0' || (text >= low && text + strlen(text) < high));
}

static void look_at_texts(const struct pv_texts *texts) {
    for (uint32_t i = 0; i < texts->count; i++)
        look_at_text(texts->items[i]);
    CHECK(texts->items[texts->count] == NULL && texts->items[texts->count + 1] == NULL);
}

static void look_at_slot(uint32_t slot, int host) {
    CHECK(slot < PV_SLOTS || slot == PV_SLOT_NONE || (host && slot == PV_SLOT_HOST));
}

/* Touches everything that a step could use. */
static void look_at_record(const struct pv_record *record) {
    const struct pv_shape *shape = shape_of(record->op.code);
    for (uint32_t i = 0; i < shape->count; i++) {
        const void *at = (const char *)&record->op + shape->fields[i].offset;
        const struct pv_bytes *bytes = at;
        const struct pv_place *place = at;
        switch (shape->fields[i].kind) {
        case PV_KIND_TEXT:
            look_at_text(*(const char *const *)at);
            break;
        case PV_KIND_TEXTS:
            look_at_texts(at);
            break;
        case PV_KIND_BYTES:
            CHECK((const char *)bytes->data >= low && (const char *)bytes->data + bytes->size <= high);
            break;
        case PV_KIND_SLOT:
            look_at_slot(*(const uint32_t *)at, 0);
            break;
        case PV_KIND_PLACE:
            look_at_slot(place->slot, 1);
            look_at_text(place->path);
            break;
        default:
            break;
        }
    }
}

/* Decodes `size` bytes in place; what it accepts must hold together. */
static int decode(void *bytes, size_t size) {
    struct pv_plan plan;
    int rc = pv_plan_decode(bytes, size, &plan);
    CHECK(rc == 0 || rc == -EPROTO);
    low = bytes;
    high = low + size;
    for (uint32_t i = 0; i < plan.count; i++) {
        const struct pv_record *record = &plan.records[i];
        look_at_record(record);
        CHECK(!(record->flags & PV_RECORD_UNDO) || (i > 0 && plan.records[i - 1].flags == 0));
    }
    CHECK(rc == 0 || (plan.count == 0 && plan.records == NULL));
    pv_plan_free(&plan);
    return rc;
}

/* The same with a copy that ends exactly where its memory does. */
static int decode_copy(const struct bytes *bytes, size_t size) {
    uint8_t *copy = malloc(size + 1);
    memcpy(copy + 1, bytes->data, size); /* at an odd address: nothing is aligned on the wire */
    int rc = decode(copy + 1, size);
    free(copy);
    return rc;
}

static void test_truncations(void) {
    static struct bytes plan;
    make_full_plan(&plan);
    CHECK(decode_copy(&plan, plan.size) == 0);
    for (size_t size = 0; size < plan.size; size++) {
        struct bytes cut = plan;
        CHECK(decode_copy(&cut, size) == -EPROTO, "cut to %zu", size);
        if (size < PV_HEADER_SIZE)
            continue;
        patch_u32(cut.data + 8, (uint32_t)size); /* and it says so itself */
        CHECK(decode_copy(&cut, size) == -EPROTO, "cut to %zu, and says so", size);
    }
}

static void test_lies(void) {
    static const uint32_t lies[] = {0,          1,          2,          7,          8,
                                    127,        128,        129,        0x7fffffff, 0x80000000,
                                    0xfffffffd, 0xfffffffe, 0xffffffff, 0x01000000, 0x00ffffff};
    static struct bytes plan;
    make_full_plan(&plan);
    for (size_t at = 0; at + 4 <= plan.size; at++)
        for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
            struct bytes lying = plan;
            patch_u32(lying.data + at, lies[i]);
            decode_copy(&lying, lying.size);
        }
}

static void fuzz(void (*make)(struct bytes *), double seconds, unsigned long at_least) {
    static struct bytes plan;
    make(&plan);
    uint8_t *copy = malloc(plan.size);
    unsigned long rounds = 0, accepted = 0;
    /* On a busy machine the rounds take longer, and are no fewer. */
    for (double end = check_seconds() + seconds;
         rounds < at_least || rounds % 256 || check_seconds() < end; rounds++) {
        memcpy(copy, plan.data, plan.size);
        for (uint32_t flips = 1 + check_random(4); flips > 0; flips--)
            copy[check_random((uint32_t)plan.size)] ^= (uint8_t)(1 + check_random(255));
        accepted += decode(copy, plan.size) == 0;
    }
    free(copy);
    printf("%lu bent plans of %zu bytes, %lu still plans\n", rounds, plan.size, accepted);
    CHECK(accepted > 0 && accepted < rounds);
}

static int decode_one(uint16_t code, uint8_t actor, uint8_t flags) {
    static struct bytes plan;
    put_header(&plan);
    put_record(&plan, PV_PAUSE, PV_BY_PARENT, 0);
    put_record(&plan, code, actor, flags);
    finish(&plan, 2);
    return decode_copy(&plan, plan.size);
}

static void test_rules(void) {
    static struct bytes plan;
    put_header(&plan);
    finish(&plan, 0);
    CHECK(decode_copy(&plan, plan.size) == 0, "no records");
    finish(&plan, 1);
    CHECK(decode_copy(&plan, plan.size) == -EPROTO, "one record that is not there");

    put_header(&plan);
    put_record(&plan, PV_REMOVE, PV_BY_PARENT, PV_RECORD_UNDO);
    finish(&plan, 1);
    CHECK(decode_copy(&plan, plan.size) == -EPROTO, "an undo first");

    CHECK(decode_one(PV_REMOVE, PV_BY_PARENT, PV_RECORD_UNDO) == 0);
    CHECK(decode_one(PV_REMOVE, PV_BY_PARENT, PV_RECORD_UNDO | PV_RECORD_ON_FAILURE) == 0);
    CHECK(decode_one(PV_REMOVE, PV_BY_INIT, PV_RECORD_UNDO) == -EPROTO, "an undo of init");
    CHECK(decode_one(PV_REMOVE, PV_BY_PARENT, PV_RECORD_ON_FAILURE) == -EPROTO);
    CHECK(decode_one(PV_REMOVE, PV_BY_PARENT, 4) == -EPROTO, "an unknown flag");
    CHECK(decode_one(PV_REMOVE, 2, 0) == -EPROTO, "an unknown actor");
    for (unsigned code = 0; code < 65536; code++)
        CHECK(decode_one((uint16_t)code, PV_BY_PARENT, 0) == (shape_of((uint16_t)code) ? 0 : -EPROTO));

    put_header(&plan);
    put_record(&plan, PV_PAUSE, PV_BY_PARENT, 0);
    put_record(&plan, PV_REMOVE, PV_BY_PARENT, PV_RECORD_UNDO);
    put_record(&plan, PV_REMOVE, PV_BY_PARENT, PV_RECORD_UNDO);
    finish(&plan, 3);
    CHECK(decode_copy(&plan, plan.size) == -EPROTO, "two undos of one step");

    for (uint32_t slot = 0; slot < 300; slot++) {
        put_header(&plan);
        put_record(&plan, PV_SETNS, PV_BY_INIT, 0);
        finish(&plan, 1);
        patch_u32(plan.data + PV_HEADER_SIZE + PV_RECORD_HEADER_SIZE, slot);
        CHECK(decode_copy(&plan, plan.size) == (slot < PV_SLOTS ? 0 : -EPROTO), "slot %u", slot);
    }

    make_small_plan(&plan);
    plan.data[6]++;
    CHECK(decode_copy(&plan, plan.size) == -EPROTO, "another version");
    make_small_plan(&plan);
    plan.data[plan.size++] = 0;
    CHECK(decode_copy(&plan, plan.size) == 0, "bytes after the plan are not its");
    patch_u32(plan.data + 8, (uint32_t)plan.size);
    CHECK(decode_copy(&plan, plan.size) == -EPROTO, "bytes after the last record");
    uint8_t *text = memmem(plan.data, plan.size, "some text", 9);
    text[4] = '\0';
    CHECK(decode_copy(&plan, plan.size - 1) == -EPROTO, "a NUL in a text");
}

static int load_file(const char *path, int flags) {
    struct pv_plan plan;
    int fd = open(path, flags | O_CLOEXEC);
    int rc = pv_plan_load(fd, &plan);
    if (rc == 0)
        pv_plan_free(&plan);
    close(fd);
    return rc;
}

static void test_loading(void) {
    static struct bytes plan;
    make_full_plan(&plan);
    put_file("plan", plan.data, plan.size);
    CHECK(load_file("plan", O_RDONLY) == 0);
    put_file("plan", plan.data, 15);
    CHECK(load_file("plan", O_RDONLY) == -EPROTO);
    put_file("plan", "", 0);
    CHECK(load_file("plan", O_RDONLY) == -EPROTO);
    CHECK(truncate("plan", (64 << 20) + 1) == 0 && load_file("plan", O_RDONLY) == -EPROTO);
    CHECK(load_file(".", O_RDONLY) == -EPROTO);
    CHECK(load_file("none", O_RDONLY) == -EBADF);
    CHECK(mkfifo("fifo", 0600) == 0 && load_file("fifo", O_RDWR) == -EPROTO);
}

/* A copy of the bytes that ends where its memory does, taken as a hand-over. */
static int take_message(const struct bytes *message, size_t size, struct pv_run *run) {
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, message->data, size);
    memset(run, 0, sizeof *run);
    int rc = pv_take_hand_over(run, copy, size);
    if (rc == 0)
        pv_plan_free(&run->plan);
    free(copy);
    return rc;
}

/* Whatever the program hands over: arguments and a plan, or -EPROTO. */
static void test_hand_over(void) {
    static struct bytes plan, message;
    static struct pv_run run;
    make_full_plan(&plan);
    put_number(&message, 2, 4);
    put_text(&message, "internal-report");
    put_text(&message, "");
    size_t arguments = message.size;
    put(&message, plan.data, plan.size);
    CHECK(take_message(&message, message.size, &run) == 0 && run.handed_size == plan.size);
    CHECK(run.reporter[1] && run.reporter[2] && !run.reporter[3]);
    for (size_t size = 0; size < arguments + 16; size++)
        CHECK(take_message(&message, size, &run) == -EPROTO);
    for (uint32_t count = 0; count < 100; count++) {
        patch_u32(message.data, count);
        CHECK((take_message(&message, message.size, &run) == 0) == (count == 2));
    }
    for (int round = 0; round < 20000; round++) {
        static struct bytes bent;
        bent = message;
        patch_u32(bent.data, 2);
        for (uint32_t i = 0, changes = 1 + check_random(3); i < changes; i++)
            bent.data[check_random((uint32_t)arguments)] = (uint8_t)check_random(256);
        int rc = take_message(&bent, bent.size, &run);
        CHECK(rc == 0 || rc == -EPROTO);
    }
}

int main(void) {
    enter_scratch();
    test_truncations();
    test_lies();
    test_rules();
    test_loading();
    test_hand_over();
    fuzz(make_small_plan, 1.0, 100000);
    fuzz(make_full_plan, 0.5, 5000);
    return check_result();
}
