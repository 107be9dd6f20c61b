/*
 * In place of libFuzzer, where clang is not installed: changes files of a corpus by chance, for a time.
 * What is tried lies in a file, so that it is there when the sanitizer ends the program.
 * Usage: SECONDS SEED ARTIFACT FILE…; 0 seconds: each file once, as it is
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 65536
static uint8_t inputs[256][INPUT_MAX];
static size_t sizes[256];
static uint64_t state;

static uint64_t chance(uint64_t below) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return below ? (state * 2685821657736338717ull >> 11) % below : 0;
}

static size_t change(uint8_t *data, size_t size) {
    static const uint64_t odd[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull};
    for (uint64_t i = 1 + chance(8); i > 0 && size > 0; i--) {
        size_t at = chance(size), left = size - at;
        switch (chance(5)) {
        case 0:
            data[at] ^= (uint8_t)(1u << chance(8));
            break;
        case 1: {
            size_t width = (size_t)1 << chance(4);
            uint64_t value = odd[chance(sizeof odd / sizeof *odd)];
            memcpy(data + at, &value, width < left ? width : left);
            break;
        }
        case 2:
            size = chance(4) ? size : at;
            break;
        case 3: {
            size_t from = chance(size), n = chance(64);
            n = n > left ? left : n;
            n = n > size - from ? size - from : n;
            memmove(data + at, data + from, n);
            break;
        }
        default:
            if (size + 64 < INPUT_MAX) {
                size_t n = 1 + chance(63);
                memmove(data + at + n, data + at, left);
                size += n;
            }
        }
    }
    return size;
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    time_t end = time(NULL) + atol(argv[1]);
    state = strtoull(argv[2], NULL, 10) * 2654435761u + 88172645463325252ull;
    int artifact = open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int count = 0;
    for (int i = 4; i < argc && count < 256; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file)
            return 2;
        sizes[count] = fread(inputs[count], 1, INPUT_MAX, file);
        fclose(file);
        LLVMFuzzerTestOneInput(inputs[count], sizes[count]);
        count++;
    }
    unsigned long runs = 0;
    static uint8_t data[INPUT_MAX];
    for (; count && time(NULL) < end; runs++) {
        size_t of = chance((uint64_t)count);
        memcpy(data, inputs[of], sizes[of]);
        size_t size = change(data, sizes[of]);
        if (pwrite(artifact, data, size, 0) < 0 || ftruncate(artifact, (off_t)size) < 0)
            return 2;
        uint8_t *whole = malloc(size ? size : 1);
        memcpy(whole, data, size);
        LLVMFuzzerTestOneInput(whole, size);
        free(whole);
    }
    unlink(argv[3]);
    printf("%lu runs\n", runs);
    return 0;
}
