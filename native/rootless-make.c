/*
 * A new user namespace, and the process that holds it: a child that leaves the caller and waits until
 * nobody uses the namespace any more. Its ids are the user's own as 0, and behind it, as far as
 * newuidmap(1) and newgidmap(1) are there and /etc/subuid says so, the user's subordinate ones.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"
#include "rootless.h"

/* Files of lines with colons; a longer one is not an account's. */
#define PV_LINE 1024

static void add_line(struct pv_id_map *map, int *words, unsigned inside, unsigned outside,
                     unsigned size) {
    size_t used = strlen(map->lines);
    if (*words + 4 > (int)(sizeof map->words / sizeof *map->words) || used + 40 > sizeof map->lines)
        return;
    unsigned numbers[3] = {inside, outside, size};
    for (int i = 0; i < 3; i++) {
        char *word = malloc(12);
        if (!word)
            return;
        snprintf(word, 12, "%u", numbers[i]);
        map->words[(*words)++] = word;
    }
    map->words[*words] = NULL;
    snprintf(map->lines + used, sizeof map->lines - used, "%u %u %u\n", inside, outside, size);
}

/* `NAME:START:COUNT`, as subordinate.ts reads it; 0 for a line that says nothing. */
static int read_range(char *line, const char *name, uid_t uid, unsigned *start, unsigned *size) {
    char number[12], *rest = line, *owner = strsep(&rest, ":"), *first = strsep(&rest, ":");
    snprintf(number, sizeof number, "%u", uid);
    if (!first || !rest || !*first || !*rest ||
        (strcmp(owner, number) != 0 && !(name && strcmp(owner, name) == 0)))
        return 0;
    size_t longest = strlen("4294967295");
    if (strlen(first) > longest || first[strspn(first, "0123456789")] || strlen(rest) > longest ||
        rest[strspn(rest, "0123456789")])
        return 0;
    unsigned long long from = strtoull(first, NULL, 10), count = strtoull(rest, NULL, 10);
    if (count == 0 || from + count > 4294967295ull)
        return 0;
    *start = (unsigned)from;
    *size = (unsigned)count;
    return 1;
}

void pv_read_ranges(struct pv_id_map *map, const char *file, const char *name, uid_t uid, id_t own) {
    int words = 2; /* the program, and the pid */
    unsigned inside = 1, taken[64][2];
    int ranges = 0;
    add_line(map, &words, 0, (unsigned)own, 1);
    FILE *from = fopen(file, "re");
    if (!from)
        return;
    char line[PV_LINE];
    while (fgets(line, sizeof line, from) && ranges < 60) {
        unsigned start, size;
        line[strcspn(line, "\n")] = '\0';
        if (!read_range(line, name, uid, &start, &size))
            continue;
        /* An id may stand once in a map. */
        int is_new = own < start || own - start >= size;
        for (int i = 0; i < ranges; i++)
            is_new = is_new && (start >= taken[i][0] + taken[i][1] || taken[i][0] >= start + size);
        if (!is_new || inside + size < inside)
            continue;
        taken[ranges][0] = start;
        taken[ranges++][1] = size;
        add_line(map, &words, inside, start, size);
        inside += size;
        map->has_range = 1;
    }
    fclose(from);
}

/* The login name of a uid, by /etc/passwd; "" when it has none there. */
static void read_name(uid_t uid, char name[PV_LINE]) {
    char line[PV_LINE], number[12];
    snprintf(number, sizeof number, "%u", uid);
    name[0] = '\0';
    FILE *from = fopen("/etc/passwd", "re");
    while (from && fgets(line, sizeof line, from)) {
        char *rest = line, *who = strsep(&rest, ":");
        strsep(&rest, ":");
        char *id = strsep(&rest, ":");
        if (id && strcmp(id, number) == 0) {
            memcpy(name, who, strlen(who) + 1);
            break;
        }
    }
    if (from)
        fclose(from);
}

/* Runs newuidmap or newgidmap; what it says on an error goes into a file without a name. */
static pid_t start_mapper(struct pv_id_map *map, const char *program, const char *pid, int says) {
    pid_t child = fork();
    if (child != 0)
        return child;
    dup2(says, 1);
    dup2(says, 2);
    map->words[0] = (char *)(uintptr_t)program;
    map->words[1] = (char *)(uintptr_t)pid;
    execvp(program, map->words);
    _exit(errno == ENOENT ? 127 : 126);
}

static int exit_of(pid_t child) {
    int status;
    if (child < 0)
        return 126;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 126;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

/* By the setuid programs, both at once: 0 when both have done it. */
static int map_ranges(struct pv_id_map maps[2], pid_t holder, struct pv_no_namespace *why) {
    char pid[12];
    snprintf(pid, sizeof pid, "%d", (int)holder);
    int says = memfd_create("newuidmap", MFD_CLOEXEC);
    pid_t uids = start_mapper(&maps[0], "newuidmap", pid, says);
    pid_t gids = start_mapper(&maps[1], "newgidmap", pid, says);
    int first = exit_of(uids), second = exit_of(gids);
    ssize_t n = says < 0 ? 0 : pread(says, why->text, sizeof why->text - 1, 0);
    why->text[n < 0 ? 0 : n] = '\0';
    if (says >= 0)
        close(says);
    return first ? first : second;
}

static int write_file(pid_t pid, const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    int rc = write(file, text, strlen(text)) < 0 ? -errno : 0;
    close(file);
    return rc;
}

/* Who maps no more than themselves needs nobody's help, but gives setgroups(2) up. */
static int map_self(pid_t holder, uid_t uid, gid_t gid) {
    char line[32];
    int rc = write_file(holder, "setgroups", "deny");
    snprintf(line, sizeof line, "0 %u 1\n", uid);
    rc = rc ? rc : write_file(holder, "uid_map", line);
    snprintf(line, sizeof line, "0 %u 1\n", gid);
    return rc ? rc : write_file(holder, "gid_map", line);
}

/* What the holder says of itself, in one write. */
struct held {
    pid_t pid;
    int error;
};

/* What ps shows of it, which was the command's that made it. */
static void rename_self(char **argv) {
    static const char name[] = "pivot-namespace";
    size_t room = argv[0] ? strlen(argv[0]) : 0;
    prctl(PR_SET_NAME, name);
    for (size_t i = 0; argv[i]; i++)
        memset(argv[i], 0, strlen(argv[i]));
    memcpy(argv[0], name, room < sizeof name ? room : sizeof name);
}

/* Keeps the namespace until nobody has the lock. `joins`: one that is there, or -1 for a new one. */
static void __attribute__((noreturn)) hold(const struct pv_holder *of, int report, int go) {
    int rc = of->joins < 0 ? unshare(CLONE_NEWUSER) : setns(of->joins, CLONE_NEWUSER);
    struct held held = {getpid(), rc < 0 ? errno : 0};
    int directory = of->directory;
    char byte;
    if (write(report, &held, sizeof held) != sizeof held || held.error)
        _exit(1);
    close(report);
    if (read(go, &byte, 1) != 1) /* the maps could not be written, or the launcher was killed */
        _exit(1);
    rename_self(of->argv);
    int users = openat(directory, "users", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (users < 0)
        _exit(1);
    /* Nothing of the caller's is kept: neither streams, nor its directory, nor what it has open. */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (fchdir(directory) < 0 || dup2(users, 3) < 0)
        _exit(1);
    pv_close_range(4, ~0u, 0);
    while (flock(3, LOCK_EX) < 0)
        if (errno != EINTR)
            _exit(1);
    unlink("holder");
    _exit(0);
}

static int note_holder(int directory, pid_t pid) {
    char text[64];
    uint64_t ticks;
    int rc = pv_start_time(pid, &ticks);
    if (rc < 0)
        return rc;
    int length = snprintf(text, sizeof text, "%d %llu", (int)pid, (unsigned long long)ticks);
    unlinkat(directory, "holder.new", 0);
    int file = openat(directory, "holder.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    rc = pv_write_whole(file, text, (size_t)length);
    close(file);
    if (rc == 0 && renameat(directory, "holder.new", directory, "holder") < 0)
        rc = -errno;
    return rc;
}

static int write_maps(pid_t holder, const struct pv_holder *of, struct pv_no_namespace *why) {
    static struct pv_id_map maps[2];
    char name[PV_LINE];
    uid_t uid = of->uid;
    gid_t gid = of->gid;
    read_name(uid, name);
    pv_read_ranges(&maps[0], "/etc/subuid", *name ? name : NULL, uid, uid);
    pv_read_ranges(&maps[1], "/etc/subgid", *name ? name : NULL, uid, gid);
    const char *single = getenv("PIVOT_SINGLE_ID");
    if (!(single && *single) && maps[0].has_range && maps[1].has_range) {
        int rc = map_ranges(maps, holder, why);
        if (rc == 0)
            return 0;
        /* Not a namespace with half of its ids: the files of the store would get other owners. */
        if (rc != 127) {
            why->stage = "newuidmap";
            why->error = rc;
            return -1;
        }
    }
    why->stage = "maps";
    why->error = -map_self(holder, uid, gid);
    return why->error ? -1 : 0;
}

pid_t pv_make_namespace(const struct pv_holder *of, struct pv_no_namespace *why) {
    int report[2], go[2];
    why->stage = "namespace";
    if (pipe2(report, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0) {
        why->error = errno;
        return -1;
    }
    /* Forked twice: the holder is nobody's child that we would have to reap. */
    pid_t middle = fork();
    if (middle == 0) {
        setsid();
        if (fork() == 0) {
            close(go[1]);
            close(report[0]);
            hold(of, report[1], go[0]);
        }
        _exit(0);
    }
    close(report[1]);
    close(go[0]);
    (void)exit_of(middle);
    struct held held = {-1, EAGAIN};
    if (read(report[0], &held, sizeof held) != sizeof held)
        held.error = EAGAIN;
    close(report[0]);
    why->error = held.error;
    if (held.error == 0 && (of->joins >= 0 || write_maps(held.pid, of, why) == 0)) {
        why->stage = "holder";
        why->error = -note_holder(of->directory, held.pid);
        if (why->error == 0 && write(go[1], "", 1) == 1) {
            close(go[1]);
            return held.pid;
        }
    }
    close(go[1]);
    return -1;
}
