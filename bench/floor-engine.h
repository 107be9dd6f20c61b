/* Of the floor: what an engine adds to a container. A part of floor.c, by its own functions. */

/* What an engine writes for a container: a record of it, and the files of name resolution. */
static const struct { const char *name, *text, *target; } engine_files[] = {
    {"state.json", "{\"version\":1,\"id\":\"floor\"}", NULL},
    {"command", "[\"true\"]", NULL},
    {"hostname", "floor\n", "etc/hostname"},
    {"hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", "etc/hosts"},
    {"resolv.conf", "nameserver 127.0.0.1\n", "etc/resolv.conf"},
};

/* docker's: nothing but these, and to make any. The first line takes all away. */
static const char *const device_rules[] = {
    "a",         "c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm",   "c 1:7 rwm",    "c 1:8 rwm",
    "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm",
};

static void write_text(const char *path, int flags, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
    must(fd, "open", path);
    must((int)write(fd, text, strlen(text)), "write", path);
    close(fd);
}

static const char *base_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* A host's file is only seen before the root is changed. */
static void bind_engine_files(const struct container *c, const char *root)
{
    char from[PATH_MAX + 16], to[PATH_MAX + 16];
    for (size_t i = 0; c->engine[0] && i < ARRAY_LENGTH(engine_files); i++) {
        if (!engine_files[i].target)
            continue;
        snprintf(from, sizeof from, "%s/%s", c->engine, engine_files[i].name);
        snprintf(to, sizeof to, "%s/%s", root, engine_files[i].target);
        must(mount(from, to, NULL, MS_BIND, NULL), "bind", to);
    }
}

/* The container's own cgroups, read only, as its /sys/fs/cgroup. */
static void mount_cgroups(const struct container *c)
{
    const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    char target[PATH_MAX], data[PATH_MAX];

    mount_fs("tmpfs", "/sys/fs/cgroup", quiet, "mode=755");
    for (size_t i = 0; c->cgroups[i]; i++) {
        char hierarchy[PATH_MAX];
        snprintf(hierarchy, sizeof hierarchy, "%s", c->cgroups[i]);
        for (int up = 0; up < 2; up++)
            *strrchr(hierarchy, '/') = '\0';
        const char *name = base_of(hierarchy);
        snprintf(target, sizeof target, "/sys/fs/cgroup/%s", name);
        snprintf(data, sizeof data, "%s%s", strcmp(name, "systemd") == 0 ? "name=" : "", name);
        must(mkdir(target, 0755), "mkdir", target);
        mount_fs("cgroup", target, quiet | MS_RDONLY, data);
    }
    must(mount(NULL, "/sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | quiet, NULL),
         "make read-only", "/sys/fs/cgroup");
}

/* What an engine adds, of which nothing needs the container. */
static void prepare_engine(struct container *c, const char *state)
{
    char path[PATH_MAX + 16];
    snprintf(c->engine, sizeof c->engine, "%s/engine.%d", state, getpid());
    must(mkdir(c->engine, 0755), "mkdir", c->engine);
    for (size_t i = 0; i < ARRAY_LENGTH(engine_files); i++) {
        snprintf(path, sizeof path, "%s/%s", c->engine, engine_files[i].name);
        write_text(path, O_CREAT | O_EXCL, engine_files[i].text);
    }
    for (size_t i = 0; c->cgroups[i]; i++) {
        if (!strstr(c->cgroups[i], "/devices/"))
            continue;
        for (size_t rule = 0; rule < ARRAY_LENGTH(device_rules); rule++) {
            snprintf(path, sizeof path, "%s/devices.%s", c->cgroups[i], rule ? "allow" : "deny");
            write_text(path, 0, device_rules[rule]);
        }
    }
}

static void write_pid(const struct container *c, pid_t child)
{
    char path[PATH_MAX + 16], text[16];
    if (!c->engine[0])
        return;
    snprintf(path, sizeof path, "%s/pid", c->engine);
    snprintf(text, sizeof text, "%d", child);
    write_text(path, O_CREAT | O_EXCL, text);
}
