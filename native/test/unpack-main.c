/* The unpacker as a program of its own, for its tests: called as the executor would be. */
#include <string.h>

#include "../unpack.h"

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "unpack") == 0)
        return unpack_main(argc - 1, argv + 1);
    return 2;
}
