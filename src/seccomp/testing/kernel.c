/*
 * Makes system calls under a filter that the kernel runs, and tells what came back.
 *
 *   kernel FILTER FLAGS                 reads calls from stdin, a line each: ABI NR [ARG]...
 *   kernel FILTER FLAGS COMMAND [ARG]...  runs a command under the filter
 *
 * FILTER is a file of struct sock_filter. ABI is x86_64 (any native call) or x86 (int $0x80). Each
 * call is made in a process of its own, and its answer printed: `ok`, `errno N` or `signal N`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter instructions[4096];

static struct sock_fprog read_filter(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t count = fread(instructions, sizeof instructions[0], 4096, file);
    fclose(file);
    return (struct sock_fprog){.len = (unsigned short)count, .filter = instructions};
}

static void filter_self(const struct sock_fprog *program, unsigned int flags) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
    if (result < 0) {
        perror("seccomp");
        _exit(2);
    }
    /* A listener that nobody has any more: the kernel answers ENOSYS instead of asking it. */
    if (result > 0)
        close((int)result);
}

#ifdef __x86_64__
static long call_x86(uint32_t nr, const uint64_t *args) {
    long result;
    __asm__ volatile("int $0x80"
             : "=a"(result)
             : "a"(nr), "b"(args[0]), "c"(args[1]), "d"(args[2]), "S"(args[3]),
               "D"(args[4])
             : "memory", "r8", "r9", "r10", "r11");
    return (int32_t)result;
}
#endif

/* The answer of the call travels in the exit status, so that no other call than exit_group is made. */
static int call(const char *abi, uint32_t nr, const uint64_t *args) {
#ifdef __x86_64__
    if (strcmp(abi, "x86") == 0) {
        long result = call_x86(nr, args);
        return result < 0 && result > -255 ? (int)-result : 0;
    }
#endif
    (void)abi;
    errno = 0;
    long result = syscall((long)(int32_t)nr, args[0], args[1], args[2], args[3], args[4], args[5]);
    return result == -1 ? errno : 0;
}

static void probe(const struct sock_fprog *program, unsigned int flags, char *line) {
    const char *abi = strtok(line, " \n");
    uint32_t nr = (uint32_t)strtoul(strtok(NULL, " \n"), NULL, 0);
    uint64_t args[6] = {0};
    int i = 0;
    for (const char *word; i < 6 && (word = strtok(NULL, " \n")) != NULL; i++)
        args[i] = strtoull(word, NULL, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        filter_self(program, flags);
        syscall(SYS_exit_group, call(abi, nr, args));
    }
    int status;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        printf("signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        printf("errno %d\n", WEXITSTATUS(status));
    else
        printf("ok\n");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: kernel FILTER FLAGS [COMMAND]\n");
        return 2;
    }
    struct sock_fprog program = read_filter(argv[1]);
    unsigned int flags = (unsigned int)strtoul(argv[2], NULL, 0);
    if (argc > 3) {
        filter_self(&program, flags);
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        return 127;
    }
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL)
        if (line[0] != '\n')
            probe(&program, flags, line);
    return 0;
}
