/* The reader of plans: whatever bytes it gets, no text that it hands out lies beyond them. */
#define PV_SHAPES
#include "../test/check.h"

#include "../plan.c"

static volatile size_t seen; /* what was read: so that it is */

static void read_field(const void *op, const struct pv_field *field) {
    const char *at = (const char *)op + field->offset;
    switch (field->kind) {
    case PV_KIND_TEXT:
        seen += strlen(*(const char *const *)at);
        break;
    case PV_KIND_TEXTS: {
        const struct pv_texts *texts = (const void *)at;
        for (uint32_t i = 0; i < texts->count; i++)
            seen += strlen(texts->items[i]);
        break;
    }
    case PV_KIND_BYTES: {
        const struct pv_bytes *bytes = (const void *)at;
        for (uint32_t i = 0; i < bytes->size; i++)
            seen += ((const unsigned char *)bytes->data)[i];
        break;
    }
    case PV_KIND_PLACE:
        seen += strlen(((const struct pv_place *)at)->path);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *bytes = malloc(size ? size : 1); /* its end is where the memory ends */
    struct pv_plan plan = {0};
    memcpy(bytes, data, size);
    if (pv_plan_decode(bytes, size, &plan) == 0) {
        for (uint32_t i = 0; i < plan.count; i++) {
            const struct pv_op *op = &plan.records[i].op;
            const struct pv_shape *shape = shape_of(op->code);
            seen += strlen(pv_op_name(op->code));
            for (uint32_t j = 0; shape && j < shape->count; j++)
                read_field(op, &shape->fields[j]);
        }
        pv_plan_free(&plan); /* `bytes` are not the plan's */
    }
    free(bytes);
    return 0;
}
