/*
 * Stands in for CRIU where a test is about what the runtime does around it: it ends whom it saves,
 * and whom it brings back is a process that waits. Like CRIU's, that is a child of the caller.
 *
 *   criu check | dump --tree PID --images-dir DIR ... | restore --pidfile FILE --images-dir DIR ...
 *
 * With a file DIR/fail it writes an error to its log, as CRIU words it, and exits 1. With
 * --action-script it starts that as CRIU does, and a script that fails is a failure.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *value_of(char **argv, const char *flag) {
    for (; *argv; argv++)
        if (strcmp(*argv, flag) == 0 && argv[1])
            return argv[1];
    return "";
}

static void copy_file(const char *from, FILE *to) {
    char line[4096];
    FILE *file = fopen(from, "r");
    while (file && fgets(line, sizeof line, file))
        fputs(line, to);
    if (file)
        fclose(file);
}

static int call_script(const char *script, const char *action, long pid) {
    char text[32];
    int status = 0;
    if (!*script)
        return 0;
    snprintf(text, sizeof text, "%ld", pid);
    setenv("CRTOOLS_SCRIPT_ACTION", action, 1);
    setenv("CRTOOLS_INIT_PID", text, 1);
    pid_t child = fork();
    if (child == 0) {
        execl(script, script, (char *)NULL);
        _exit(127);
    }
    return waitpid(child, &status, 0) < 0 || status != 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "check") == 0)
        return 0;
    if (chdir(value_of(argv, "--images-dir")) < 0)
        return 2;
    FILE *log = fopen(value_of(argv, "--log-file"), "w");
    if (!log)
        return 3;
    copy_file("/proc/self/cgroup", log);
    copy_file("/proc/self/mountinfo", log);
    int fails = access("fail", F_OK) == 0;
    if (fails)
        fputs("(00.1) Error (criu/some.c:1): it is to fail\n", log);
    fclose(log);
    if (strcmp(what, "dump") == 0)
        return fails || kill(atoi(value_of(argv, "--tree")), SIGKILL) < 0;
    long child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        if (write(11, "restored\n", 9) != 9)
            _exit(4);
        for (int fd = 3; fd < 100; fd++)
            close(fd);
        pause();
        _exit(5);
    }
    fails |= call_script(value_of(argv, "--action-script"), "pre-restore", child) != 0;
    fails |= call_script(value_of(argv, "--action-script"), "setup-namespaces", child) != 0;
    FILE *file = fopen(value_of(argv, "--pidfile"), "wx");
    if (!file)
        return 6;
    fprintf(file, "%ld", child);
    fclose(file);
    if (fails)
        kill((pid_t)child, SIGKILL);
    return fails;
}
