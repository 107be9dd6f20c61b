/* The unpacker as a program of its own, for its tests: called as the executor would be. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>

#include "../unpack.h"

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "unpack") == 0)
        return unpack_main(argc - 1, argv + 1);
    /* into ROOT PATH: without the change of root, so links are not followed. */
    if (argc == 4 && strcmp(argv[1], "into") == 0) {
        int root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return root < 0 ? 2 : unpack_into(root, argv[3], 0);
    }
    return 2;
}
