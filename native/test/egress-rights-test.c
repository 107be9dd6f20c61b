/* What the guard has given up, it has not: tried in children, one for each. */
#include "check.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "../egress-rights.c"

static int try_socket(int family) {
    return pv_result(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0 ? errno : 0;
}
static int ipv4(void) {
    return try_socket(AF_INET);
}
static int ipv6(void) {
    return try_socket(AF_INET6);
}
static int local(void) {
    return try_socket(AF_UNIX);
}
static int netlink(void) {
    return try_socket(AF_NETLINK);
}
static int packet(void) {
    return try_socket(AF_PACKET);
}
static int look_up(void) {
    return open("/", O_RDONLY) < 0 ? errno : 0;
}
static int run_program(void) {
    char *argv[] = {NULL};
    return execve("/bin/true", argv, argv) < 0 ? errno : 0;
}
static int other_numbers(void) { /* a system call by its x32 number: 41 is socket */
#ifdef __x86_64__
    return syscall(0x40000000L | 41, AF_INET, SOCK_DGRAM, 0) < 0 ? errno : 0;
#else
    return EPERM;
#endif
}

/* The errno that comes of it behind the filter. */
static int behind(int (*what)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || pv_keep_guard_calls() < 0)
            _exit(255);
        syscall(SYS_exit_group, what()); /* the sanitizer's _exit asks for more */
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void) {
    CHECK(behind(ipv4) == 0);
    CHECK(behind(ipv6) == 0 || behind(ipv6) == EAFNOSUPPORT);
    CHECK(behind(local) == EPERM, "sockets of the machine have names that it could reach");
    CHECK(behind(netlink) == EPERM && behind(packet) == EPERM);
    CHECK(behind(look_up) == EPERM && behind(run_program) == EPERM);
    CHECK(behind(other_numbers) == EPERM);
    return check_result();
}
