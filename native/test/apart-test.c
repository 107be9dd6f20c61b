/*
 * Bridges that do not reach one another: the rules are there with the first, complete however often they
 * are asked for, and gone with the last. That packets are dropped is a matter of test/network.test.ts.
 */
#include "check.h"

#include "../apart.c"
#include "../netlink.c"
#include "../nfnetlink.c"
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void change_bridge(unsigned long request, const char *name) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && ioctl(fd, request, name) == 0, "%s", name);
    close(fd);
}

static int ask_table(uint16_t what, uint16_t table_attribute, pv_taker take, void *into) {
    struct pv_request ask;
    struct nfgenmsg message = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    int socket = pv_open_nfnetlink();
    pv_begin(&ask, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), NLM_F_DUMP, &message, sizeof message);
    pv_add_text(&ask, table_attribute, table);
    int rc = pv_ask(socket, &ask, take, into);
    close(socket);
    return rc;
}

static int count(const struct nlmsghdr *message, void *into) {
    (void)message;
    (*(int *)into)++;
    return 0;
}

static int rules(void) {
    int found = 0;
    CHECK(ask_table(NFT_MSG_GETRULE, NFTA_RULE_TABLE, count, &found) == 0);
    return found;
}

/* Of these names, how many are elements of the first set. */
struct looked_for {
    const char *name;
    int found;
};

static int look(const struct nlmsghdr *message, void *into) {
    struct looked_for *it = into;
    char key[IFNAMSIZ] = "";
    memcpy(key, it->name, strlen(it->name));
    it->found += memmem(message, message->nlmsg_len, key, sizeof key) != NULL;
    return 0;
}

static int is_known(const char *name) {
    struct pv_request ask;
    struct nfgenmsg message = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    struct looked_for it = {name, 0};
    int known = 1;
    for (int i = 0; i < 2; i++, it.found = 0) {
        int socket = pv_open_nfnetlink();
        pv_begin(&ask, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP, &message, sizeof message);
        pv_add_text(&ask, NFTA_SET_ELEM_LIST_TABLE, table);
        pv_add_text(&ask, NFTA_SET_ELEM_LIST_SET, i == 0 ? bridges : within);
        known &= pv_ask(socket, &ask, look, &it) == 0 && it.found > 0;
        close(socket);
    }
    return known;
}

int main(void) {
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
        printf("skipped: only root makes network namespaces\n");
        return 0;
    }
    int rc = pv_keep_apart("first");
    if (rc == -EOPNOTSUPP) {
        printf("skipped: this kernel has no nf_tables\n");
        return 0;
    }
    CHECK(rc == 0, "%d", rc);
    CHECK(rules() == 4 && is_known("first") && !is_known("second"));
    CHECK(pv_keep_apart("first") == 0 && rules() == 4 && is_known("first"), "twice is once");
    change_bridge(SIOCBRADDBR, "second");
    CHECK(pv_keep_apart("second") == 0 && is_known("first") && is_known("second") && rules() == 4);
    CHECK(pv_forget_bridges() == 0);
    CHECK(!is_known("first") && is_known("second") && rules() == 4, "that one was never made");
    CHECK(pv_keep_apart("a_name_too_long_") == -ENAMETOOLONG);
    CHECK(pv_keep_apart("fifteen_letters") == 0 && is_known("fifteen_letters"));
    for (int i = 0; i < 40; i++) {
        char name[IFNAMSIZ];
        snprintf(name, sizeof name, "pv-%012d", i);
        CHECK(pv_keep_apart(name) == 0);
    }
    CHECK(pv_forget_bridges() == 0 && !is_known("pv-000000000039") && is_known("second"));
    change_bridge(SIOCBRDELBR, "second");
    CHECK(pv_forget_bridges() == 0 && rules() == 0, "the table went with the last");
    CHECK(ask_table(NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, count, &(int){0}) == 0);
    CHECK(pv_forget_bridges() == 0, "there is nothing to forget");
    return check_result();
}
