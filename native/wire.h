/*
 * The wire format of a plan: what the TypeScript encoder writes and the executor reads.
 *
 *   plan    "PVPLAN" u16 version, u32 total bytes, u32 records, then the records
 *   record  u16 opcode, u8 actor, u8 flags, u32 bytes of the whole record, then its fields in the
 *           catalogue's order
 *   fields  u32 · u64 · text: u32 length, bytes, NUL · texts: u32 count, each a text ·
 *           bytes: u32 length, bytes · slot: u32 · place: slot, text
 *
 * All numbers are little-endian, nothing is aligned. A record with PV_RECORD_UNDO takes away what
 * the record before it made: always, or with PV_RECORD_ON_FAILURE only if the start failed.
 */
#ifndef PV_WIRE_H
#define PV_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define PV_MAGIC "PVPLAN"
#define PV_RECORD_UNDO 1
#define PV_RECORD_ON_FAILURE 2
#define PV_SLOTS 1024
#define PV_SLOT_HOST 0xffffffffu
#define PV_SLOT_NONE 0xfffffffeu

struct pv_texts {
    uint32_t count;
    char **items; /* ends with NULL, as argv does */
};

struct pv_bytes {
    uint32_t size;
    const uint8_t *data;
};

struct pv_place {
    uint32_t slot; /* PV_SLOT_HOST, PV_SLOT_NONE or an index below PV_SLOTS */
    const char *path;
};

enum pv_kind {
    PV_KIND_U32,
    PV_KIND_U64,
    PV_KIND_TEXT,
    PV_KIND_TEXTS,
    PV_KIND_BYTES,
    PV_KIND_SLOT,
    PV_KIND_PLACE,
};

struct pv_field {
    enum pv_kind kind;
    size_t offset;
};

struct pv_shape {
    const char *name;
    uint32_t count;
    const struct pv_field *fields;
};

#endif
