/*
 * The launcher: what must happen before a JavaScript runtime starts, and cannot happen inside it.
 *
 *   - BUN_* and NODE_OPTIONS would run other people's code in the program: they go.
 *   - The runtime raises the limit of open files and ignores some signals for itself: what the
 *     caller had is written down in PIVOT_NOFILE, and the executor resets the signals.
 *   - A working directory that is gone, or no /proc, would end the runtime without a word.
 *   - The executor will be this very file, as a sealed copy in memory: so nothing in a container
 *     can ever write to the file on the disk through /proc/PID/exe (CVE-2019-5736).
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "calls.h"
#include "launch.h"

extern char **environ;

#define PV_MFD_EXEC 0x10u
#define PV_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int pv_sealed_copy(int fd) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    /* Where vm.memfd_noexec is set, execution must be asked for; before Linux 6.3 it cannot be. */
    int copy = pv_result(memfd_create("pivot-executor", flags | PV_MFD_EXEC));
    if (copy == -EINVAL)
        copy = pv_result(memfd_create("pivot-executor", flags));
    if (copy < 0)
        return copy;
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(copy, fd, NULL, (size_t)left);
        if (n <= 0) {
            int rc = n < 0 ? -errno : -EIO;
            close(copy);
            return rc;
        }
        left -= n;
    }
    if (fchmod(copy, 0555) < 0 || fcntl(copy, F_ADD_SEALS, PV_SEALS) < 0) {
        int rc = -errno;
        close(copy);
        return rc;
    }
    return copy;
}

int pv_seal_self(char **argv) {
    int self = pv_result(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    if (self < 0)
        return self;
    int seals = fcntl(self, F_GET_SEALS);
    if (seals >= 0 && (seals & PV_SEALS) == PV_SEALS) {
        close(self);
        return 0;
    }
    int copy = pv_sealed_copy(self);
    close(self);
    if (copy < 0)
        return copy;
    syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
    return -errno;
}

static void __attribute__((noreturn)) give_up(const char *what, const char *advice) {
    fprintf(stderr, "pivot: %s: %s\n", what, advice);
    exit(125);
}

void pv_open_missing_streams(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
            give_up("standard streams are closed", "and /dev/null cannot be opened for them");
}

/* Puts the copy at the number that the program knows; who had that number is moved away. */
static void place_executor(int copy) {
    if (copy != PV_EXECUTOR_FD) {
        if (fcntl(PV_EXECUTOR_FD, F_GETFD) >= 0) {
            char text[16];
            int moved = fcntl(PV_EXECUTOR_FD, F_DUPFD, 10);
            if (moved < 0)
                give_up("too many open files", "close some, or raise `ulimit -n`");
            snprintf(text, sizeof text, "%d", moved);
            setenv("PIVOT_MOVED_FD", text, 1);
        }
        if (dup2(copy, PV_EXECUTOR_FD) < 0)
            give_up("too many open files", "close some, or raise `ulimit -n`");
        close(copy);
    }
    fcntl(PV_EXECUTOR_FD, F_SETFD, 0);
}

static void clean_environment(void) {
    static const char *const ours[] = {"PIVOT_NOFILE", "PIVOT_MOVED_FD", "PIVOT_NO_CWD"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        unsetenv(ours[i]);
    unsetenv("NODE_OPTIONS");
    unsetenv("NODE_CHANNEL_FD"); /* the number may be the executor's by now */
    char **kept = environ;
    for (char **entry = environ; *entry; entry++)
        if (strncmp(*entry, "BUN_", 4) != 0)
            *kept++ = *entry;
    *kept = NULL;
}

static void note_limits(void) {
    struct rlimit files;
    char text[64];
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)files.rlim_cur,
             (unsigned long long)files.rlim_max);
    setenv("PIVOT_NOFILE", text, 1);
}

/* Called by the script of a clone: `--from-source DIRECTORY` stands before the arguments. */
static char **refresh(char **argv) {
    if (!argv[0] || !argv[1] || strcmp(argv[1], "--from-source") != 0 || !argv[2])
        return argv;
    int rc = pv_refresh(argv[2]);
    if (rc < 0)
        exit(125);
    argv[2] = argv[0];
    if (rc > 0) {
        execv(argv[0], argv + 2); /* this very file may be another one by now */
    }
    return argv + 2;
}

int pv_launch_main(char **argv) {
    char program[PATH_MAX];
    argv = refresh(argv);
    clean_environment();
    pv_open_missing_streams();
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - sizeof "-program");
    if (length < 0)
        give_up("/proc is not mounted", "mount it: mount -t proc proc /proc");
    strcpy(program + length, "-program");
    char directory[PATH_MAX];
    if (!getcwd(directory, sizeof directory)) {
        setenv("PIVOT_NO_CWD", "1", 1);
        if (chdir("/") < 0)
            give_up("the working directory is gone", "cd somewhere else");
    }
    note_limits();
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int copy = self < 0 ? -errno : pv_sealed_copy(self);
    if (copy < 0)
        give_up("cannot make a file in memory", strerror(-copy));
    close(self);
    place_executor(copy);
    execv(program, argv);
    give_up(program, strerror(errno));
}
