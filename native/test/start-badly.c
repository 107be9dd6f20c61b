/*
 * Starts a program as a careless or hostile caller would: with every signal ignored and blocked,
 * and with descriptors of the host's root and of a file at 5 to 40.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
    /* As the kernel has it: the handler comes first, and 1 is SIG_IGN. */
    unsigned long ignore[8] = {1};
    unsigned long every = ~0ul;
    if (argc < 2)
        return 2;
    for (int signal = 1; signal <= 64; signal++)
        syscall(SYS_rt_sigaction, signal, ignore, NULL, 8);
    syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &every, NULL, 8);
    for (int fd = 5; fd <= 40; fd++) {
        int opened = open(fd % 2 ? "/" : "/etc/passwd", O_RDONLY);
        if (opened != fd && (dup2(opened, fd) < 0 || close(opened) < 0))
            return 3;
    }
    execv(argv[1], argv + 1);
    return 4;
}
