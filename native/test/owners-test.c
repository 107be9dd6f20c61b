/* Ids by the maps of a user namespace, there and back, in owners and in extended attributes. */
#include "check.h"

#include "../owner-ids.c"

static const struct pv_owners owners = {
    .uids = {2, {{0, 100000, 1000}, {1000, 0, 1}}},
    .gids = {1, {{5, 200000, 10}}},
};

static void test_ids(void) {
    CHECK(pv_outside(&owners.uids, 0) == 100000);
    CHECK(pv_outside(&owners.uids, 999) == 100999);
    CHECK(pv_outside(&owners.uids, 1000) == 0);
    CHECK(pv_outside(&owners.uids, 1001) == ~0u);
    CHECK(pv_inside(&owners.uids, 100999) == 999);
    CHECK(pv_inside(&owners.uids, 0) == 1000);
    CHECK(pv_inside(&owners.uids, 1) == ~0u);
    CHECK(pv_is_mapped(&owners.gids, 200009) && !pv_is_mapped(&owners.gids, 200010));
    /* The last id that there is does not run over. */
    struct pv_map last = {1, {{0xfffffff0u, 0xfffffff0u, 15}}};
    CHECK(pv_outside(&last, 0xfffffffeu) == 0xfffffffeu);
    CHECK(pv_outside(&last, 0xffffffffu) == ~0u && pv_outside(&last, 0) == ~0u);
}

static void test_the_root_is_whoever_there_is(void) {
    uid_t uid;
    gid_t gid;
    pv_root_of(&owners, &uid, &gid);
    CHECK(uid == 100000 && gid == 200000);
}

/* cap_net_bind_service+ep: of the host's root it is of use to nobody in the namespace. */
static void test_capabilities(void) {
    const char *name = "security.capability";
    unsigned char value[64] = {1, 0, 0, 2, 0, 4};
    unsigned char before[20];
    memcpy(before, value, sizeof before);
    CHECK(pv_shift_xattr(name, value, 20, sizeof value, &owners) == 24);
    CHECK(value[3] == 3 && value[0] == 1 && value[5] == 4);
    CHECK(memcmp(value + 20, "\xa0\x86\x01\x00", 4) == 0);
    /* Those of another namespace stay another's. */
    CHECK(pv_shift_xattr(name, value, 24, sizeof value, &owners) == 24);
    CHECK(pv_unshift_xattr(name, value, 24, &owners) == 20);
    CHECK(memcmp(value, before, sizeof before) == 0);
    value[3] = 3;
    memset(value + 20, 1, 4);
    CHECK(pv_unshift_xattr(name, value, 24, &owners) == 24);
    CHECK(pv_shift_xattr(name, value, 3, sizeof value, &owners) == 3);
}

static void test_lists(void) {
    /* version 2; a user, a group, the mask */
    unsigned char list[] = {2, 0, 0, 0, 2, 0, 7, 0, 1, 0, 0, 0, 8, 0, 5, 0, 6, 0, 0, 0,
                            0x10, 0, 7, 0, 0xff, 0xff, 0xff, 0xff};
    unsigned char before[sizeof list];
    memcpy(before, list, sizeof list);
    const char *name = "system.posix_acl_access";
    CHECK(pv_shift_xattr(name, list, sizeof list, sizeof list, &owners) == sizeof list);
    CHECK(memcmp(list + 8, "\xa1\x86\x01\x00", 4) == 0);
    CHECK(memcmp(list + 16, "\x41\x0d\x03\x00", 4) == 0);
    CHECK(memcmp(list + 24, before + 24, 4) == 0);
    CHECK(pv_unshift_xattr(name, list, sizeof list, &owners) == sizeof list);
    CHECK(memcmp(list, before, sizeof list) == 0);
    /* One that is cut off, and another attribute. */
    CHECK(pv_shift_xattr(name, list, 9, sizeof list, &owners) == 9);
    CHECK(pv_shift_xattr("user.x", list, sizeof list, sizeof list, &owners) == sizeof list);
    CHECK(memcmp(list, before, sizeof list) == 0);
}

int main(void) {
    test_ids();
    test_the_root_is_whoever_there_is();
    test_capabilities();
    test_lists();
    return check_result();
}
