/*
 * Fills an empty volume with what the image has in its place; once, wholly, and by one at a time.
 *
 *      copy to STAGING/.pivot-filling ─► make `filled` ─► move each name to the data ─► remove both
 *
 * Whoever is killed before `filled` is there has done nothing: the next one copies anew. After it,
 * the next one goes on moving. The volume may be in use by containers that run already, so its data
 * directory itself is never exchanged, and what they have made meanwhile is not replaced.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "calls.h"
#include "entries.h"
#include "executor.h"

#define PV_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PV_FILLING ".pivot-filling"
#define PV_AS_LONG_AS_IT_TAKES 0xffffffffu /* milliseconds: seven weeks */
#define PV_FILLED "filled" /* in the volume's own directory, which no container sees */

/* 1 or 0; what was begun and not ended does not count. */
static int is_empty(int directory) {
    DIR *entries = pv_entries_of(directory);
    if (!entries)
        return -errno;
    int empty = 1, rc = 0;
    for (const char *name; empty && (name = pv_next_entry(entries, &rc));)
        empty = strcmp(name, PV_FILLING) == 0;
    closedir(entries);
    return rc < 0 ? rc : empty;
}

/* Under a directory's names, each as a whole. A name that is taken belongs to who took it. */
static int move_entries(int from, int to) {
    DIR *entries = pv_entries_of(from);
    if (!entries)
        return -errno;
    int rc = 0;
    for (const char *name; rc == 0 && (name = pv_next_entry(entries, &rc));) {
        rc = pv_rename_new(from, name, to, name);
        if (rc == -EEXIST || rc == -ENOENT)
            rc = 0;
    }
    closedir(entries);
    return rc;
}

static int copy_aside(struct pv_run *run, int from, int staging) {
    int rc = pv_mkdir(staging, PV_FILLING, 0700);
    int fd = rc < 0 ? rc : pv_result(openat(staging, PV_FILLING, PV_DIRECTORY));
    if (fd < 0)
        return fd;
    rc = pv_copy_below(run, from, fd, pv_owners_inside());
    if (rc == 0)
        rc = pv_copy_attributes(from, fd, pv_owners_inside());
    close(fd);
    return rc;
}

static int mark_filled(int volume) {
    int fd = openat(volume, PV_FILLED, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int move_all(int volume, int staging, int to) {
    int from = pv_result(openat(staging, PV_FILLING, PV_DIRECTORY));
    int rc = from < 0 ? from : move_entries(from, to);
    if (rc == 0)
        rc = pv_copy_attributes(from, to, NULL);
    if (from >= 0)
        close(from);
    if (rc == 0 || rc == -ENOENT)
        rc = pv_remove_below(staging, PV_FILLING);
    return rc < 0 ? rc : pv_result(unlinkat(volume, PV_FILLED, 0));
}

/* The copy on the side; 1 when there is one to move. */
static int prepare(struct pv_run *run, const struct pv_fill *op, int volume, int staging, int to) {
    struct stat st;
    if (fstatat(volume, PV_FILLED, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    int rc = is_empty(to);
    if (rc <= 0)
        return rc;
    rc = pv_remove_below(staging, PV_FILLING);
    if (rc < 0 || !op->copy)
        return rc;
    int from = pv_place_open(run, &op->from, O_RDONLY | O_DIRECTORY, 0);
    if (from < 0)
        return from == -ENOENT || from == -ENOTDIR ? 0 : from;
    rc = copy_aside(run, from, staging);
    close(from);
    if (rc == 0)
        rc = mark_filled(volume);
    if (rc == 0)
        return 1;
    pv_remove_below(staging, PV_FILLING); /* such as when the disk is full */
    return rc;
}

/* An open file of its own: the lock belongs to it. Who has the lock may copy for as long as that takes. */
static int lock_volume(struct pv_run *run, int slot) {
    int fd = pv_result(openat(slot, ".", PV_DIRECTORY));
    int rc = fd < 0 ? fd : pv_lock_in_time(run, fd, pv_heard_signals(run), PV_AS_LONG_AS_IT_TAKES);
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* For reading, also where the slot has an O_PATH descriptor of it. */
static int open_readable(struct pv_run *run, const struct pv_place *place) {
    int fd = pv_place_open(run, place, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int readable = pv_result(openat(fd, ".", PV_DIRECTORY));
    close(fd);
    return readable;
}

int pv_do_fill(struct pv_run *run, const struct pv_fill *op) {
    int slot = pv_slot(run, op->volume);
    int volume = slot < 0 ? slot : lock_volume(run, slot);
    if (volume < 0)
        return volume;
    int staging = open_readable(run, &op->staging);
    int to = staging < 0 ? staging : open_readable(run, &op->to);
    int rc = to < 0 ? to : prepare(run, op, volume, staging, to);
    if (rc > 0)
        rc = move_all(volume, staging, to);
    if (to >= 0)
        close(to);
    if (staging >= 0)
        close(staging);
    close(volume);
    return rc;
}
