/* The reader of the unpacker's records, with their attributes, holes and content. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unpack-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct unpack u; /* large */
    static int content = -1;
    if (content < 0)
        content = memfd_create("content", MFD_CLOEXEC);
    int input = memfd_create("records", MFD_CLOEXEC);
    if (input < 0 || content < 0 || write(input, data, size) != (ssize_t)size || lseek(input, 0, SEEK_SET) < 0)
        abort();
    memset(&u, 0, sizeof u);
    u.parent = -1;
    u.input.fd = input;
    u.where = u.record.path;
    if (unpack_read_magic(&u) == 0)
        while (unpack_read_record(&u) == 0 && u.record.type != UNPACK_END)
            if (u.record.type == UNPACK_FILE) {
                if (ftruncate(content, 0) < 0 || lseek(content, 0, SEEK_SET) < 0)
                    abort();
                if (unpack_read_content(&u, content) < 0)
                    break;
            }
    free(u.record.xattrs);
    free(u.record.segments);
    close(input);
    return 0;
}
