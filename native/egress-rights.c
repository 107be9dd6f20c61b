/* What the guard of an egress list gives up before it reads a byte; see egress.c. */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "calls.h"
#include "egress.h"

#define PV_NOBODY 65534

#if defined __x86_64__
#define PV_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define PV_ARCH AUDIT_ARCH_AARCH64
#endif

static const int calls[] = {
    SYS_setsockopt, SYS_connect,    SYS_sendto,       SYS_recvfrom,      SYS_accept4, SYS_read,
    SYS_write,      SYS_pread64,    SYS_close,        SYS_ppoll,         SYS_getrandom, SYS_exit,
    SYS_exit_group, SYS_rt_sigreturn, SYS_clock_gettime, SYS_fcntl,
#ifdef SYS_poll
    SYS_poll,
#endif
};

#define PV_CALLS (sizeof calls / sizeof *calls)
#define PV_JUMP(value, to) \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), (uint8_t)(to), 0)
#define PV_SAY(what) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, (what))

/* Anything else is refused; the guard has no use for it. Its new sockets are those of its questions. */
int pv_keep_guard_calls(void) {
#ifdef PV_ARCH
    struct sock_filter code[PV_CALLS + 11] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PV_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
        /* The lower half: the kernel takes an int. */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        PV_JUMP(AF_INET, PV_CALLS + 3),
        PV_JUMP(AF_INET6, PV_CALLS + 2),
        PV_SAY(SECCOMP_RET_ERRNO | EPERM),
    };
    size_t n = 9;
    for (size_t i = 0; i < PV_CALLS; i++)
        code[n++] = PV_JUMP(calls[i], PV_CALLS - i);
    code[n++] = PV_SAY(SECCOMP_RET_ERRNO | EPERM);
    code[n++] = PV_SAY(SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    return pv_result(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
#else
    return 0;
#endif
}

/* CAP_NET_ADMIN marks questions and admits addresses. */
int pv_keep_guard_rights(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = 1u << CAP_NET_ADMIN,
                                              .permitted = 1u << CAP_NET_ADMIN}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return -errno;
    /* In a user namespace there may be nobody else to become. */
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return -errno;
    if ((setresgid(PV_NOBODY, PV_NOBODY, PV_NOBODY) < 0 && errno != EINVAL) ||
        (setresuid(PV_NOBODY, PV_NOBODY, PV_NOBODY) < 0 && errno != EINVAL))
        return -errno;
    return pv_result(syscall(SYS_capset, &head, data));
}
