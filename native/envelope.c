/*
 * The plan and its outcome by way of the environment: for a command that becomes the executor by
 * execve, where a JavaScript runtime lets no descriptor through; and for the reporter after it.
 *
 * The plan is PIVOT_PLAN_0, PIVOT_PLAN_1, ... in base64, since execve(2) takes at most 128 KiB in
 * one string. The environment of a process is for its owner alone, unlike its arguments. Events
 * become PIVOT_EVENTS in hexadecimal.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "executor.h"

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes until the text ends or pads; the bytes written, or -EPROTO. */
static ssize_t base64_decode(const char *text, uint8_t *to) {
    size_t written = 0;
    uint32_t bits = 0;
    int held = 0;
    for (; *text && *text != '='; text++) {
        int digit = base64_digit(*text);
        if (digit < 0)
            return -EPROTO;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            to[written++] = (uint8_t)(bits >> held);
        }
    }
    return (ssize_t)written;
}

int pv_plan_from_environment(struct pv_plan *plan) {
    char name[32];
    const char *part;
    size_t longest = 0;
    for (int i = 0; snprintf(name, sizeof name, "PIVOT_PLAN_%d", i), (part = getenv(name)); i++)
        longest += strlen(part) / 4 * 3 + 3;
    uint8_t *bytes = malloc(longest + 1);
    if (!bytes)
        return -ENOMEM;
    size_t size = 0;
    for (int i = 0; snprintf(name, sizeof name, "PIVOT_PLAN_%d", i), (part = getenv(name)); i++) {
        ssize_t n = base64_decode(part, bytes + size);
        if (n < 0) {
            free(bytes);
            return (int)n;
        }
        size += (size_t)n;
    }
    /* The bytes stay for as long as the plan does, which is as long as the process. */
    int rc = pv_plan_decode(bytes, size, plan);
    if (rc < 0)
        free(bytes);
    return rc;
}

int pv_events_to_environment(const struct pv_event *events, uint32_t count) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = (const uint8_t *)events;
    size_t size = count * sizeof *events;
    char *text = malloc(2 * size + 1);
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    int rc = pv_result(setenv("PIVOT_EVENTS", text, 1));
    free(text);
    return rc;
}
