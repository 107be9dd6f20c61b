/*
 * Ids by the maps of a user namespace; and those that stand in extended attributes: the root whose
 * rights a file's capabilities are (capabilities(7), "Namespaced file capabilities"), and the users
 * and groups of an access control list (include/uapi/linux/posix_acl_xattr.h). All numbers there are
 * little-endian.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <linux/capability.h>
#include <string.h>

#include "calls.h"
#include "executor.h"

#define PV_ACL_USER 0x02
#define PV_ACL_GROUP 0x08

struct acl_entry {
    uint16_t tag, rights;
    uint32_t id;
};

uint32_t pv_outside(const struct pv_map *map, uint32_t id) {
    for (uint32_t i = 0; i < map->count; i++)
        if (id >= map->lines[i].inside && id - map->lines[i].inside < map->lines[i].size)
            return map->lines[i].outside + (id - map->lines[i].inside);
    return ~0u;
}

uint32_t pv_inside(const struct pv_map *map, uint32_t outside) {
    for (uint32_t i = 0; i < map->count; i++)
        if (outside >= map->lines[i].outside && outside - map->lines[i].outside < map->lines[i].size)
            return map->lines[i].inside + (outside - map->lines[i].outside);
    return ~0u;
}

int pv_is_mapped(const struct pv_map *map, uint32_t outside) {
    return pv_inside(map, outside) != ~0u;
}

void pv_root_of(const struct pv_owners *owners, uid_t *uid, gid_t *gid) {
    *uid = pv_outside(&owners->uids, 0);
    *gid = pv_outside(&owners->gids, 0);
    if (*uid == ~0u)
        *uid = owners->uids.lines[0].outside;
    if (*gid == ~0u)
        *gid = owners->gids.lines[0].outside;
}

/* Of the host's root they would be no rights in the namespace. */
static ssize_t shift_capabilities(void *value, size_t length, size_t room, uid_t root) {
    struct vfs_ns_cap_data data;
    if (length != XATTR_CAPS_SZ_2 || room < sizeof data)
        return (ssize_t)length;
    memset(&data, 0, sizeof data);
    memcpy(&data, value, XATTR_CAPS_SZ_2);
    uint32_t magic = le32toh(data.magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK;
    data.magic_etc = htole32(magic | VFS_CAP_REVISION_3);
    data.rootid = htole32(root);
    memcpy(value, &data, sizeof data);
    return sizeof data;
}

static void shift_list(char *value, size_t length, const struct pv_owners *owners,
                       uint32_t (*shift)(const struct pv_map *, uint32_t)) {
    for (size_t at = 4; at + sizeof(struct acl_entry) <= length; at += sizeof(struct acl_entry)) {
        struct acl_entry entry;
        memcpy(&entry, value + at, sizeof entry);
        uint16_t tag = le16toh(entry.tag);
        if (tag != PV_ACL_USER && tag != PV_ACL_GROUP)
            continue;
        const struct pv_map *map = tag == PV_ACL_USER ? &owners->uids : &owners->gids;
        uint32_t id = shift(map, le32toh(entry.id));
        entry.id = htole32(id == ~0u ? 0 : id);
        memcpy(value + at, &entry, sizeof entry);
    }
}

static int is_list(const char *name) {
    return strcmp(name, "system.posix_acl_access") == 0 || strcmp(name, "system.posix_acl_default") == 0;
}

ssize_t pv_shift_xattr(const char *name, void *value, size_t length, size_t room,
                       const struct pv_owners *owners) {
    uid_t uid;
    gid_t gid;
    if (strcmp(name, "security.capability") == 0) {
        pv_root_of(owners, &uid, &gid);
        return shift_capabilities(value, length, room, uid);
    }
    if (is_list(name))
        shift_list(value, length, owners, pv_outside);
    return (ssize_t)length;
}

ssize_t pv_unshift_xattr(const char *name, void *value, size_t length,
                         const struct pv_owners *owners) {
    struct vfs_ns_cap_data data;
    uid_t uid;
    gid_t gid;
    if (is_list(name))
        shift_list(value, length, owners, pv_inside);
    if (strcmp(name, "security.capability") != 0 || length != sizeof data)
        return (ssize_t)length;
    memcpy(&data, value, sizeof data);
    pv_root_of(owners, &uid, &gid);
    if (le32toh(data.rootid) != uid)
        return (ssize_t)length;
    uint32_t magic = le32toh(data.magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK;
    data.magic_etc = htole32(magic | VFS_CAP_REVISION_2);
    memcpy(value, &data, XATTR_CAPS_SZ_2);
    return XATTR_CAPS_SZ_2;
}
