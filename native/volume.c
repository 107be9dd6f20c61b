/*
 * Volumes: directories that outlive containers.
 *
 *      VOLUMES/                locked (flock) while one of them comes, goes, or gets or loses a user
 *      VOLUMES/NAME/           appears by rename, complete; goes by rename, before it is emptied
 *          volume.json         what is known of it
 *          _data/              what containers see
 *          users/ID            a container that uses it
 *          filled              there while _data gets what was copied: see fill.c
 *
 * What is below _data is a container's, and hostile; nothing else of it is ever shown to one.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "calls.h"
#include "executor.h"

#define PV_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PV_FRESH ".new"
#define PV_PATIENCE 30000 /* milliseconds; the lock is held for a few system calls */

/* The directory of all volumes, locked until it is closed. */
static int lock_volumes(struct pv_run *run, const struct pv_place *at, const char **name) {
    int volumes = pv_place_parent(run, at, 0, name);
    if (volumes < 0)
        return volumes;
    /* An open file of its own: init must not share the lock. */
    int fd = pv_result(openat(volumes, ".", PV_DIRECTORY));
    close(volumes);
    int rc = fd < 0 ? fd : pv_lock_in_time(run, fd, pv_heard_signals(run), PV_PATIENCE);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

static int write_record(int directory, const char *text) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = pv_result(openat(directory, "volume.json", flags, 0600));
    if (fd < 0)
        return fd;
    int rc = pv_write_whole(fd, text, strlen(text));
    close(fd);
    return rc;
}

/* A new volume, under its name as soon as it is complete. */
static int make_volume(int volumes, const char *name, const char *record) {
    int rc = pv_remove_below(volumes, PV_FRESH); /* of somebody who was killed */
    if (rc == 0)
        rc = pv_mkdir(volumes, PV_FRESH, 0700);
    int fresh = rc < 0 ? rc : pv_result(openat(volumes, PV_FRESH, PV_DIRECTORY));
    if (fresh < 0)
        return fresh;
    rc = write_record(fresh, record);
    if (rc == 0)
        rc = pv_mkdir(fresh, "users", 0700);
    if (rc == 0)
        rc = pv_mkdir(fresh, "_data", 0755);
    if (rc == 0)
        rc = pv_rename_new(volumes, PV_FRESH, volumes, name);
    if (rc == 0)
        return fresh;
    close(fresh);
    pv_remove_below(volumes, PV_FRESH);
    return rc;
}

/* `users/ID` of a volume: made, or taken away; an id is a name, never a path. */
static int note_user(struct pv_run *run, int volume, const char *id, int is_user) {
    if (strchr(id, '/') || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return pv_say(run, -EINVAL, "no id of a container: %.100s", id);
    int users = is_user ? pv_mkdir(volume, "users", 0700) : 0; /* gone if a removal was cut short */
    if (users == 0 || users == -EEXIST)
        users = pv_result(openat(volume, "users", PV_DIRECTORY));
    if (users < 0)
        return users == -ENOENT && !is_user ? 0 : users;
    int rc;
    if (is_user) {
        rc = pv_result(openat(users, id, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (rc >= 0) {
            close(rc);
            rc = 0;
        }
    } else {
        rc = pv_result(unlinkat(users, id, 0));
    }
    close(users);
    return rc == -ENOENT ? 0 : rc;
}

int pv_do_volume(struct pv_run *run, const struct pv_volume *op) {
    const char *name;
    int volumes = lock_volumes(run, &op->at, &name);
    if (volumes < 0)
        return volumes;
    int volume = pv_result(openat(volumes, name, PV_DIRECTORY));
    if (volume == -ENOENT)
        volume = make_volume(volumes, name, op->record);
    int rc = volume < 0 || !op->user[0] ? 0 : note_user(run, volume, op->user, 1);
    close(volumes);
    if (rc < 0)
        close(volume);
    if (rc < 0 || volume < 0)
        return rc < 0 ? rc : volume;
    return pv_keep(run, op->into, volume);
}

/* 0, or -EBUSY when it has users. */
static int give_up(struct pv_run *run, int volume, const struct pv_leave_volume *op) {
    int rc = op->user[0] ? note_user(run, volume, op->user, 0) : 0;
    for (uint32_t i = 0; rc == 0 && i < op->gone.count; i++)
        rc = note_user(run, volume, op->gone.items[i], 0);
    if (rc < 0 || !op->remove)
        return rc;
    /* Only an empty directory goes. */
    rc = pv_result(unlinkat(volume, "users", AT_REMOVEDIR));
    return rc == -ENOENT ? 0 : rc == -ENOTEMPTY || rc == -EEXIST ? -EBUSY : rc;
}

int pv_do_leave_volume(struct pv_run *run, const struct pv_leave_volume *op) {
    const char *name;
    int volumes = lock_volumes(run, &op->at, &name);
    if (volumes < 0)
        return volumes == -ENOENT ? 0 : volumes;
    int volume = pv_result(openat(volumes, name, PV_DIRECTORY));
    if (volume < 0) {
        close(volumes);
        return volume == -ENOENT ? 0 : volume;
    }
    int rc = give_up(run, volume, op);
    close(volume);
    /* Emptying takes its time: under another name, and without the lock. */
    char gone[64];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(gone, sizeof gone, ".gone-%d-%lld.%09ld", (int)getpid(), (long long)now.tv_sec,
             now.tv_nsec);
    if (rc == 0 && op->remove)
        rc = pv_rename_new(volumes, name, volumes, gone);
    int bare = rc < 0 ? -1 : pv_result(openat(volumes, ".", PV_DIRECTORY | O_PATH));
    close(volumes);
    if (rc == 0 && op->remove)
        rc = bare < 0 ? bare : pv_remove_below(bare, gone);
    if (bare >= 0)
        close(bare);
    if (rc == -EBUSY)
        return op->user[0] ? 0 : pv_say(run, rc, "a container uses it");
    return rc;
}
