/*
 * Who the process becomes. Names are the container's own: its /etc/passwd and /etc/group are read
 * here, after the change of root, as what they are: hostile, so a regular file, a bounded part of
 * it, and numbers that are checked.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <linux/capability.h>

#include "calls.h"
#include "executor.h"

#define PV_GROUPS 1024
#define PV_DATABASE (1u << 20) /* as much of a file as is read */
#define PV_FIELDS 8

static char database[PV_DATABASE + 1];
static int database_root = -1; /* in which the files are; -1: our own */

struct identity {
    uid_t uid;
    gid_t gid;
    gid_t groups[PV_GROUPS];
    int count;
    char name[256]; /* of the user, when /etc/passwd knows it */
};

/*
 * A descriptor of a regular file, or -ENOENT when there is none: only to open a device can have
 * effects. Another errno says that there may be one: who goes on then could be somebody else.
 */
static int open_regular(const char *path) {
    const uint64_t looks[] = {O_PATH | O_CLOEXEC, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC};
    int fd = -1;
    for (int i = 0; i < 2; i++) {
        struct open_how how = {
            .flags = looks[i],
            .resolve = RESOLVE_NO_MAGICLINKS | (database_root < 0 ? 0 : RESOLVE_IN_ROOT),
        };
        struct stat st;
        if (fd >= 0)
            close(fd);
        fd = pv_openat2(database_root < 0 ? AT_FDCWD : database_root, path, &how);
        if (fd == -ENOTDIR || fd == -ELOOP || fd == -EXDEV)
            return -ENOENT;
        if (fd < 0)
            return fd;
        int rc = pv_result(fstat(fd, &st));
        if (rc < 0 || !S_ISREG(st.st_mode)) {
            close(fd);
            return rc < 0 ? rc : -ENOENT;
        }
    }
    return fd;
}

/* The file's text in `database`, empty when it is not there or no regular file. */
static int read_database(struct pv_run *run, const char *path) {
    size_t size = 0;
    database[0] = '\0';
    int fd = open_regular(path);
    if (fd == -ENOENT)
        return 0;
    ssize_t n = fd < 0 ? fd : 1;
    while (n > 0 && size < PV_DATABASE) {
        n = pv_result(read(fd, database + size, PV_DATABASE - size));
        size += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return pv_say(run, (int)n, "reading the container's %s", path);
    /* Of a line that is cut off the numbers would be wrong. */
    if (size == PV_DATABASE)
        while (size > 0 && database[size - 1] != '\n')
            size--;
    database[size] = '\0';
    /* A NUL would end the text for strchr: nothing that follows one is looked at. */
    return 0;
}

/* Splits the line at `*text` into fields and moves on; 0 at the end. */
static int next_line(char **text, char *fields[PV_FIELDS]) {
    while (**text) {
        char *line = *text;
        char *end = strchrnul(line, '\n');
        *text = *end ? end + 1 : end;
        *end = '\0';
        if (line[0] == '\0' || line[0] == '#' || line[0] == ':')
            continue; /* what has no name is nobody */
        int count = 0;
        for (char *at = line; at && count < PV_FIELDS; count++) {
            fields[count] = at;
            at = strchr(at, ':');
            if (at)
                *at++ = '\0';
        }
        while (count < PV_FIELDS)
            fields[count++] = (char *)"";
        return 1;
    }
    return 0;
}

/* A whole decimal number below 2^32 - 1 (which means "no change" to setresuid). */
static int parse_id(const char *text, uint32_t *id) {
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 10)
        return 0;
    uint64_t value = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *id = (uint32_t)value;
    return value < 0xffffffffu;
}

static int all_digits(const char *text) {
    return text[0] && text[strspn(text, "0123456789")] == '\0';
}

/* A number is never matched against names: a user who is *called* 1000 is not the user 1000. */
static int find_user(struct pv_run *run, const char *user, struct identity *who, int lookup) {
    int number = all_digits(user);
    if (number && !parse_id(user, &who->uid))
        return pv_say(run, -EINVAL, "the user %.32s: ids end at 4294967294", user);
    int found = 0;
    int rc = lookup ? read_database(run, "/etc/passwd") : 0;
    if (rc < 0)
        return rc;
    char *text = database, *f[PV_FIELDS];
    while (lookup && !found && next_line(&text, f)) {
        uint32_t uid, gid;
        if (!parse_id(f[2], &uid) || !parse_id(f[3], &gid))
            continue;
        if (number ? uid != who->uid : strcmp(f[0], user) != 0)
            continue;
        found = 1;
        who->uid = uid;
        who->gid = gid;
        if (strlen(f[0]) < sizeof who->name)
            strcpy(who->name, f[0]);
        if (strlen(f[5]) < sizeof run->home)
            strcpy(run->home, f[5]);
    }
    if (!found && !number)
        return pv_say(run, -ENOENT, "no user %.64s in the container's /etc/passwd", user);
    if (lookup && run->home[0] == '\0')
        strcpy(run->home, "/");
    return 0;
}

static int add_group(struct identity *who, gid_t gid) {
    for (int i = 0; i < who->count; i++)
        if (who->groups[i] == gid)
            return 0;
    if (who->count == PV_GROUPS)
        return -E2BIG;
    who->groups[who->count++] = gid;
    return 0;
}

static int is_member(const char *members, const char *name) {
    size_t length = strlen(name);
    while (length && *members) {
        size_t part = strcspn(members, ",");
        if (part == length && memcmp(members, name, length) == 0)
            return 1;
        members += part + (members[part] == ',');
    }
    return 0;
}

/* The number of a group by name or number. */
static int find_group(struct pv_run *run, const char *group, gid_t *gid, int lookup) {
    if (all_digits(group))
        return parse_id(group, gid)
                   ? 0
                   : pv_say(run, -EINVAL, "the group %.32s: ids end at 4294967294", group);
    int rc = lookup ? read_database(run, "/etc/group") : 0;
    if (rc < 0)
        return rc;
    char *text = database, *f[PV_FIELDS];
    while (lookup && next_line(&text, f))
        if (strcmp(f[0], group) == 0 && parse_id(f[2], gid))
            return 0;
    return pv_say(run, -ENOENT, "no group %.64s in the container's /etc/group", group);
}

static int find_groups(struct pv_run *run, const struct pv_set_user *op, struct identity *who) {
    int rc = 0;
    if (op->group[0])
        rc = find_group(run, op->group, &who->gid, (int)op->lookup);
    if (rc == 0 && op->primary)
        rc = add_group(who, who->gid);
    /* Who names a group gets that one; otherwise those that list the user. */
    if (rc == 0 && op->lookup && !op->group[0] && who->name[0]) {
        rc = read_database(run, "/etc/group");
        char *text = database, *f[PV_FIELDS];
        gid_t gid;
        while (rc == 0 && next_line(&text, f))
            if (is_member(f[3], who->name) && parse_id(f[2], &gid))
                rc = add_group(who, gid);
    }
    for (uint32_t i = 0; rc == 0 && i < op->groups.count; i++) {
        gid_t gid;
        rc = find_group(run, op->groups.items[i], &gid, (int)op->lookup);
        if (rc == 0)
            rc = add_group(who, gid);
    }
    return rc;
}

int pv_find_ids(struct pv_run *run, int root, const char *user, uid_t *uid, gid_t *gid) {
    static struct identity who;
    char name[256];
    const char *colon = strchrnul(user, ':');
    size_t length = (size_t)(colon - user);
    if (length >= sizeof name)
        return -ENAMETOOLONG;
    memcpy(name, user, length);
    name[length] = '\0';
    memset(&who, 0, sizeof who);
    database_root = root;
    int rc = length == 0 ? 0 : find_user(run, name, &who, 1);
    if (rc == 0 && *colon && colon[1])
        rc = find_group(run, colon + 1, &who.gid, 1);
    database_root = -1;
    run->home[0] = '\0';
    *uid = who.uid;
    *gid = who.gid;
    return rc;
}

/* setresuid takes the effective capabilities away, which the steps up to `capset` still need. */
static int raise_permitted(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        data[i].effective = data[i].permitted;
    return pv_result(syscall(SYS_capset, &header, data));
}

/* In a user namespace only those ids exist that its maps name; user_namespaces(7). */
static int no_such_id(struct pv_run *run, int rc, const char *what, unsigned id) {
    if (rc != -EINVAL)
        return pv_say(run, rc, "becoming the %s %u", what, id);
    return pv_say(run, rc, "the %s %u does not exist in its user namespace", what, id);
}

/*
 * Where the user namespace has a single id, groups can neither be taken nor given up: those that the
 * image's /etc/group lists are left out then, those that somebody asked for are missed.
 */
static int set_groups(struct pv_run *run, const struct pv_set_user *op, const struct identity *who) {
    if (setgroups((size_t)who->count, who->groups) == 0)
        return 0;
    int rc = -errno;
    if (rc == -EPERM && op->groups.count == 0)
        return 0;
    if (rc == -EPERM)
        return pv_say(run, rc, "groups cannot be set in a user namespace of a single id");
    if (rc != -EINVAL)
        return pv_say(run, rc, "setgroups");
    for (int i = 0; i < who->count; i++)
        if (setgroups(1, &who->groups[i]) < 0)
            return no_such_id(run, rc, "group", who->groups[i]);
    return pv_say(run, rc, "setgroups");
}

int pv_do_set_user(struct pv_run *run, const struct pv_set_user *op) {
    static struct identity who;
    memset(&who, 0, sizeof who);
    int rc = find_user(run, op->user, &who, (int)op->lookup);
    if (rc == 0)
        rc = find_groups(run, op, &who);
    if (rc < 0)
        return rc;
    rc = who.uid == 0 ? 0 : pv_give_streams(run, who.uid);
    if (rc < 0)
        return rc == -EINVAL
                   ? no_such_id(run, rc, "user", who.uid)
                   : pv_say(run, rc, "giving the standard streams to uid %u", who.uid);
    rc = set_groups(run, op, &who);
    if (rc < 0)
        return rc;
    if (setresgid(who.gid, who.gid, who.gid) < 0)
        return no_such_id(run, -errno, "group", who.gid);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(who.uid, who.uid, who.uid) < 0)
        return no_such_id(run, -errno, "user", who.uid);
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    pv_end_with_executor(run);
    return raise_permitted();
}

int pv_do_become_root(struct pv_run *run) {
    /* The host's groups mean nothing inside; where setgroups(2) is denied, none are there to use. */
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return pv_say(run, -errno, "setgroups");
    if (setresgid(0, 0, 0) < 0 && errno != EINVAL)
        return pv_say(run, -errno, "setresgid");
    if (setresuid(0, 0, 0) < 0 && errno != EINVAL)
        return pv_say(run, -errno, "setresuid");
    pv_end_with_executor(run);
    return 0;
}
