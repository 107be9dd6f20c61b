/* cgroups: the device rules of version 2, and taking one away with what still runs in it. */
#define _GNU_SOURCE
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "calls.h"
#include "cgroup-tree.h"
#include "executor.h"

/* Kills every process of one cgroup; -EBUSY when there was one, so that the caller looks again. */
static int kill_processes(int cgroup) {
    int fd = pv_result(openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    char buffer[4096];
    ssize_t n = read(fd, buffer, sizeof buffer - 1);
    close(fd);
    if (n < 0 && errno == EOPNOTSUPP)
        return -EBUSY; /* a threaded cgroup: its processes are those of one above, and killed there */
    if (n < 0)
        return errno == ENODEV ? 0 : -errno; /* ENODEV: removed in the meantime */
    buffer[n] = '\0';
    int found = 0;
    for (char *line = buffer, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end)
            break; /* cut off by the buffer; the next look finds it */
        int pid = atoi(line);
        /* 0 stands for a process that this pid namespace cannot see. */
        if (pid > 1 && pid != getpid()) {
            kill(pid, SIGKILL);
            found = 1;
        }
    }
    return found ? -EBUSY : 0;
}

/* A frozen cgroup holds its SIGKILLs back. Which of the files is there depends on the version. */
static void thaw(int cgroup) {
    static const char *const files[][2] = {
        {"cgroup.freeze", "0"}, {"freezer.state", "THAWED"}, {"cgroup.kill", "1"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int fd = openat(cgroup, files[i][0], O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (write(fd, files[i][1], strlen(files[i][1])) < 0) {
            /* Not frozen, or killed one by one below. */
        }
        close(fd);
    }
}

static int end_processes(int cgroup, void *unused) {
    (void)unused;
    thaw(cgroup);
    return kill_processes(cgroup);
}

static int remove_one(int parent, const char *name) {
    int rc = pv_result(unlinkat(parent, name, AT_REMOVEDIR));
    return rc == -ENOENT ? 0 : rc;
}

/* Removes what lies below a cgroup, then itself; -EBUSY while processes are still ending. */
static int remove_once(int parent, const char *name) {
    static const struct pv_cgroup_visit emptying = {.enter = end_processes, .leave = remove_one};
    int rc = remove_one(parent, name);
    if (rc != -EBUSY)
        return rc;
    int cgroup = pv_result(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (cgroup < 0)
        return cgroup == -ENOENT ? 0 : cgroup;
    rc = pv_visit_cgroups(cgroup, &emptying);
    return rc < 0 ? rc : remove_one(parent, name);
}

#define PV_CGROUP_PATIENCE 8000000000 /* nanoseconds */

int pv_do_remove_cgroup(struct pv_run *run, const struct pv_remove_cgroup *op) {
    const char *name;
    int parent = pv_place_parent(run, &op->at, 0, &name);
    if (parent < 0)
        return parent == -ENOENT ? 0 : parent;
    /* Killed processes leave their cgroup a moment later, on a busy machine after seconds. */
    int rc = remove_once(parent, name);
    for (long wait = 100000, waited = 0; rc == -EBUSY && waited < PV_CGROUP_PATIENCE; waited += wait) {
        wait = wait < 400000000 ? wait * 2 : wait;
        nanosleep(&(struct timespec){0, wait}, NULL);
        rc = remove_once(parent, name);
    }
    close(parent);
    return rc;
}

/* As many as the kernel lets one cgroup have for one purpose (BPF_CGROUP_MAX_PROGS). */
#define PV_CGROUP_PROGRAMS 64

/* The numbers of the programs that a cgroup has itself; how many. */
static int list_programs(int cgroup, uint32_t *numbers) {
    union bpf_attr query;
    memset(&query, 0, sizeof query);
    query.query.target_fd = (uint32_t)cgroup;
    query.query.attach_type = BPF_CGROUP_DEVICE;
    query.query.prog_ids = (uintptr_t)numbers;
    query.query.prog_cnt = PV_CGROUP_PROGRAMS;
    int rc = pv_result(syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof query));
    return rc < 0 ? rc : (int)query.query.prog_cnt;
}

static int detach_program(int cgroup, uint32_t number) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_id = number;
    int program = pv_result(syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof attr));
    if (program < 0)
        return program;
    memset(&attr, 0, sizeof attr);
    attr.target_fd = (uint32_t)cgroup;
    attr.attach_bpf_fd = (uint32_t)program;
    attr.attach_type = BPF_CGROUP_DEVICE;
    int rc = pv_result(syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof attr));
    close(program);
    return rc;
}

int pv_do_device_filter(struct pv_run *run, const struct pv_device_filter *op) {
    int cgroup = pv_slot(run, op->cgroup);
    if (cgroup < 0)
        return cgroup;
    /* All of the union must be zero, not only the member in use: hence no initializer. */
    union bpf_attr load, attach;
    memset(&load, 0, sizeof load);
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insn_cnt = op->program.size / sizeof(struct bpf_insn);
    load.insns = (uintptr_t)op->program.data;
    load.license = (uintptr_t) "GPL";
    int program = pv_result(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load));
    if (program < 0)
        return pv_say(run, program, "BPF_PROG_LOAD");
    memset(&attach, 0, sizeof attach);
    attach.target_fd = (uint32_t)cgroup;
    attach.attach_bpf_fd = (uint32_t)program;
    attach.attach_type = BPF_CGROUP_DEVICE;
    attach.attach_flags = BPF_F_ALLOW_MULTI;
    /* Those of before, which an update replaces: all of a cgroup's programs must agree. */
    uint32_t before[PV_CGROUP_PROGRAMS];
    int count = list_programs(cgroup, before);
    /* The cgroup holds the program from here on; both go together. */
    int rc = pv_result(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach));
    close(program);
    if (rc < 0 || count < 0)
        return pv_say(run, rc < 0 ? rc : count, rc < 0 ? "BPF_PROG_ATTACH" : "BPF_PROG_QUERY");
    for (int i = 0; i < count && rc == 0; i++)
        rc = detach_program(cgroup, before[i]);
    return rc < 0 ? pv_say(run, rc, "BPF_PROG_DETACH") : 0;
}
