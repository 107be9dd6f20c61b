/*
 * The launcher: starts the program, which is written in JavaScript, as its child, and becomes the
 * executor of the plan that the child hands over (see follow.c).
 *
 *     launcher ── fork ──► program: plans ────────── plan ──┐
 *        │ looks for newer sources (in a clone)             │
 *        └ becomes a sealed copy of itself ──► executor ◄───┘ takes the steps
 *
 * A child, since a JavaScript runtime does to itself what a container must not inherit: it closes
 * or marks descriptors, raises the limit of open files and ignores signals. And what the launcher
 * has to do takes no time while the runtime starts on another processor.
 *
 *   - BUN_* and NODE_OPTIONS would run other people's code in the program: they go.
 *   - A working directory that is gone, or no /proc, would end the runtime without a word.
 *   - Who is not root becomes root of a user namespace of their own first: a runtime with threads could
 *     not enter one (rootless.c).
 *   - The executor is this very file, as a sealed copy in memory: so nothing in a container can
 *     ever write to the file on the disk through /proc/PID/exe (CVE-2019-5736).
 */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"
#include "launch.h"
#include "rootless.h"

extern char **environ;

#define PV_ARGUMENTS 4096
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

/* With fewer it would fail halfway, and not even undoing what is done or telling of it can be done then. */
#define PV_DESCRIPTORS 64

static void look_at_limits(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < PV_DESCRIPTORS)
        give_up("too few open files are allowed", "raise `ulimit -n` to 64 or more");
}

void pv_open_missing_streams(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
            give_up("standard streams are closed", "and /dev/null cannot be opened for them");
}

static void clean_environment(void) {
    static const char *const ours[] = {"PIVOT_NO_CWD", "PIVOT_PLAN_FD", "PIVOT_GO_FD"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        unsetenv(ours[i]);
    unsetenv("NODE_OPTIONS");
    unsetenv("NODE_CHANNEL_FD"); /* the number may be one of ours by now */
    char **kept = environ;
    for (char **entry = environ; *entry; entry++)
        if (strncmp(*entry, "BUN_", 4) != 0)
            *kept++ = *entry;
    *kept = NULL;
}

/* Says in the environment which of our descriptors is which; the caller's keep their numbers. */
static void name_descriptor(const char *name, int fd) {
    char text[16];
    snprintf(text, sizeof text, "%d", fd);
    if (setenv(name, text, 1) < 0 || fcntl(fd, F_SETFD, 0) < 0)
        give_up("cannot start the program", strerror(errno));
}

struct program {
    char path[PATH_MAX];
    pid_t pid;
    int plan; /* where its plan comes from */
    int go;   /* it waits for a byte of this before it does anything; or -1 */
};

static void __attribute__((noreturn)) become_program(const struct program *program, char **argv,
                                                     pid_t parent, int plan, int go) {
    /* Whoever ends the launcher means the program. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        give_up("cannot start the program", strerror(errno));
    if (getppid() != parent)
        _exit(125);
    name_descriptor("PIVOT_PLAN_FD", plan);
    if (go >= 0)
        name_descriptor("PIVOT_GO_FD", go);
    execv(program->path, argv);
    give_up(program->path, strerror(errno));
}

/* A pipe out of the way of the numbers that people use: `3<file`, process substitution. */
static void make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0)
        give_up("too many open files", "close some, or raise `ulimit -n`");
    for (int i = 0; i < 2; i++) {
        int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, 100);
        if (moved < 0)
            continue; /* a low limit: then it stays where it is */
        close(ends[i]);
        ends[i] = moved;
    }
}

static void start_program(struct program *program, char **argv, int waits) {
    int plan[2], go[2] = {-1, -1};
    make_pipe(plan);
    if (waits)
        make_pipe(go);
    pid_t parent = getpid();
    /* CLONE_VFORK: what the launcher does meanwhile would slow the child before it has its own
     * processor, so it waits for the execve. */
    program->pid = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
    if (program->pid < 0)
        give_up("cannot start another process", strerror(errno));
    if (program->pid == 0)
        become_program(program, argv, parent, plan[1], go[0]);
    close(plan[1]);
    if (waits)
        close(go[0]);
    program->plan = plan[0];
    program->go = go[1];
}

/* The build is older than its sources: makes it anew, and starts from the beginning. */
static void __attribute__((noreturn)) start_again(const struct program *program, char **argv,
                                                  const char *repository) {
    kill(program->pid, SIGKILL);
    while (waitpid(program->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (pv_set_up(repository) < 0)
        exit(125);
    execv(argv[0], argv); /* this very file may be another one by now */
    give_up(argv[0], strerror(errno));
}

static void __attribute__((noreturn)) become_executor(struct program *program, int use) {
    static char plan[16], pid[16], used[16];
    snprintf(plan, sizeof plan, "%d", program->plan);
    snprintf(pid, sizeof pid, "%d", (int)program->pid);
    snprintf(used, sizeof used, "%d", use);
    char *argv[] = {(char *)"pivot-executor", (char *)"follow", plan, pid, program->path, used, NULL};
    if (fcntl(program->plan, F_SETFD, 0) < 0)
        give_up("cannot become the executor", strerror(errno));
    environ = argv + 6; /* an empty one: the program has the caller's */
    int rc = pv_seal_self(argv);
    give_up("cannot make a file in memory",
            rc == -EACCES ? "vm.memfd_noexec, or an AppArmor profile without flags=(attach_disconnected), forbids it"
                          : strerror(-rc));
}

/* Called `pivot-oci`, the program speaks the grammar of runc: as `pivot oci` does. */
static char **with_grammar(char **argv) {
    static char *longer[PV_ARGUMENTS];
    const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argv[0];
    if (!name || strcmp(name, "pivot-oci") != 0)
        return argv;
    size_t count = 0;
    while (argv[count])
        count++;
    if (count + 2 > PV_ARGUMENTS)
        give_up("too many arguments", "a command line of the OCI runtime is short");
    longer[0] = argv[0];
    longer[1] = (char *)"oci";
    memcpy(longer + 2, argv + 1, count * sizeof *argv);
    return longer;
}

/* A plan calls back with `--if-there FILE` before the arguments: without the file there is nothing to do,
 * and no JavaScript runtime is started to find that out. */
static char **only_if_there(char **argv) {
    if (!argv[0] || !argv[1] || strcmp(argv[1], "--if-there") != 0 || !argv[2])
        return argv;
    if (access(argv[2], F_OK) < 0)
        exit(0);
    argv[2] = argv[0];
    return argv + 2;
}

int pv_launch_main(char **argv) {
    static struct program program;
    argv = only_if_there(argv);
    /* Called by the script of a clone: `--from-source DIRECTORY` stands before the arguments. */
    const char *repository = NULL;
    if (argv[0] && argv[1] && strcmp(argv[1], "--from-source") == 0 && argv[2]) {
        repository = argv[2];
        argv[2] = argv[0];
        argv += 2;
    }
    argv = with_grammar(argv);
    clean_environment();
    pv_open_missing_streams();
    look_at_limits();
    ssize_t length = readlink("/proc/self/exe", program.path, sizeof program.path - sizeof "-program");
    if (length < 0)
        give_up("/proc is not mounted", "mount it: mount -t proc proc /proc");
    strcpy(program.path + length, "-program");
    pv_try_kept(argv, program.path, repository);
    int use = pv_enter_namespace(argv);
    char directory[PATH_MAX];
    if (!getcwd(directory, sizeof directory)) {
        setenv("PIVOT_NO_CWD", "1", 1);
        if (chdir("/") < 0)
            give_up("the working directory is gone", "cd somewhere else");
    }
    start_program(&program, argv, repository != NULL);
    if (repository) {
        if (pv_is_stale(repository))
            start_again(&program, argv, repository);
        if (write(program.go, "", 1) < 0) {
            /* It has ended already, which is seen below. */
        }
        close(program.go);
    }
    become_executor(&program, use);
}
