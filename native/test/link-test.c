/*
 * The end of a container's interface on the machine: it is marked when it is that, and nothing else is,
 * whatever a container that may change its own network has put in the interface's place.
 */
#include "check.h"

#include "../link.c"
#include "../netlink.c"

/* The exit status of a line for the shell; what it prints comes into `text`. */
static char text[4096];

static int run_all(const char *commands) {
    int out[2];
    CHECK(pipe(out) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", commands, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    ssize_t n = read(out[0], text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    close(out[0]);
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

/* A container's, which lives as long as its descriptor. */
static int make_namespace(void) {
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(own >= 0 && unshare(CLONE_NEWNET) == 0);
    int made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(made >= 0 && setns(own, CLONE_NEWNET) == 0);
    close(own);
    return made;
}

static int run_inside(int netns, const char *commands) {
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(own >= 0 && setns(netns, CLONE_NEWNET) == 0);
    int rc = run_all(commands);
    CHECK(setns(own, CLONE_NEWNET) == 0);
    close(own);
    return rc;
}

static int has_alias(const char *link) {
    char words[64];
    snprintf(words, sizeof words, "ip -o link show %s", link);
    CHECK(run_all(words) == 0);
    return strstr(text, "alias of ours") != NULL;
}

/* In the container's namespace somebody with CAP_NET_ADMIN can send to our socket, too. */
static void test_forged(int container) {
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(own >= 0 && setns(container, CLONE_NEWNET) == 0);
    int asks = pv_open_netlink(), forges = pv_open_netlink();
    CHECK(asks >= 0 && forges >= 0 && setns(own, CLONE_NEWNET) == 0);
    close(own);
    struct sockaddr_nl at = {.nl_family = AF_NETLINK};
    socklen_t size = sizeof at;
    CHECK(bind(asks, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(getsockname(asks, (struct sockaddr *)&at, &size) == 0);
    struct pv_request r;
    struct ifinfomsg link = {.ifi_index = 77};
    pv_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
    CHECK(sendto(forges, &r, r.header.nlmsg_len, 0, (struct sockaddr *)&at, sizeof at) > 0);
    pv_begin(&r, NLMSG_DONE, 0, &link, sizeof link);
    CHECK(sendto(forges, &r, r.header.nlmsg_len, 0, (struct sockaddr *)&at, sizeof at) > 0);
    struct found found;
    CHECK(find_link(asks, "lo", 0, &found) == 0 && found.index == 1, "%d", found.index);
    close(asks);
    close(forges);
}

int main(void) {
    if (geteuid() != 0 || run_all("ip -V >/dev/null 2>&1") != 0 || unshare(CLONE_NEWNET) < 0) {
        printf("skipped: only root has networks, and ip(8) makes them\n");
        return 0;
    }
    int container = make_namespace();
    char words[512];
    snprintf(words, sizeof words,
             "ip link add br0 type bridge && "
             "ip link add v0 index 40 type veth peer name eth0 index 41 netns /proc/%d/fd/%d && "
             "ip link add w0 index 50 type veth peer name w1 index 51 && "
             "ip link set v0 master br0 && ip link set w0 master br0",
             (int)getpid(), container);
    CHECK(run_all(words) == 0);
    CHECK(pv_mark_link(container, "eth0", "of ours") == 0);
    CHECK(has_alias("v0") && !has_alias("w0"));
    CHECK(run_all("ip link set v0 alias ''") == 0);

    /* Somebody inside gives the name to another, whose peer's number is that of a link of the machine. */
    CHECK(run_inside(container, "ip link set eth0 name x0 && "
                                "ip link add eth0 index 51 type veth peer name y0 index 50") == 0);
    CHECK(pv_mark_link(container, "eth0", "of ours") == -ENODEV);
    CHECK(!has_alias("w0"), "another's link is marked: it would be removed with the container");
    CHECK(run_inside(container, "ip link del eth0 && ip link add eth0 type bridge") == 0);
    CHECK(pv_mark_link(container, "eth0", "of ours") == -ENODEV);
    CHECK(run_inside(container, "ip link del eth0") == 0);
    CHECK(pv_mark_link(container, "eth0", "of ours") == -ENODEV, "there is none of that name");

    CHECK(run_inside(container, "ip link set x0 name eth0") == 0);
    CHECK(pv_mark_link(container, "eth0", "of ours") == 0 && pv_remove_link("of ours") == 0);
    CHECK(run_all("ip link show v0 2>/dev/null >&2") != 0 && !has_alias("w0"));
    test_forged(container);
    close(container);
    return check_result();
}
