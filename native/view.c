/* The view's command line, the look-ups that it shares, and the patch of one file. */
#define _GNU_SOURCE
#include "view.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "calls.h"

/* Of the engine's own making, or a mount point of the host. */
int view_open_root(const char *path) {
    return pv_result(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* EXDEV: another file system is mounted on the way. ELOOP: a link is. */
int view_open_below(int root, const char *path, int flags) {
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    int fd, tries = 0;
    do
        fd = pv_openat2(root, path[0] ? path : ".", &how);
    while (fd == -EAGAIN && ++tries < 1000);
    return fd;
}

/* The directory that a path lies in; its last name is left in `base`, which for the root is ".". */
int view_open_parent(int root, const char *path, const char **base) {
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof directory)
        return -ENAMETOOLONG;
    memcpy(directory, path, length);
    directory[length] = '\0';
    *base = slash ? slash + 1 : path[0] ? path : ".";
    return view_open_below(root, directory, O_RDONLY | O_DIRECTORY);
}

/* A regular file at a number that diff is told, or none. */
static int open_for_diff(const char *root_path, const char *path, int number) {
    int root = view_open_root(root_path);
    if (root < 0)
        return root;
    int fd = view_open_below(root, path, O_RDONLY | O_NONBLOCK);
    close(root);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return fd < 0 ? fd : -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    return fd == number ? pv_result(fcntl(fd, F_SETFD, 0)) : pv_result(dup2(fd, number));
}

/* From standard input, since it need not be text; diff gets no input. */
static int read_path(char path[PATH_MAX]) {
    size_t length = 0;
    for (ssize_t n; (n = read(0, path + length, PATH_MAX - length)) != 0; length += (size_t)n)
        if (n < 0 || length + (size_t)n >= PATH_MAX)
            return n < 0 ? -errno : -ENAMETOOLONG;
    path[length] = '\0';
    return 0;
}

/* argv: UPPER HOST LETTER LABEL LABEL */
static int patch(char **argv) {
    static char path[PATH_MAX];
    const char *letter = argv[2];
    int rc = read_path(path);
    if (rc >= 0 && letter[0] != 'A')
        rc = open_for_diff(argv[1], path, 10);
    if (rc >= 0 && letter[0] != 'D')
        rc = open_for_diff(argv[0], path, 11);
    if (rc < 0) {
        fprintf(stderr, "%s\n", strerror(-rc));
        return 2;
    }
    const char *old = letter[0] == 'A' ? "/dev/null" : "/dev/fd/10";
    const char *new = letter[0] == 'D' ? "/dev/null" : "/dev/fd/11";
    execlp("diff", "diff", "-u", "--label", argv[3], "--label", argv[4], "--", old, new, NULL);
    fprintf(stderr, "diff: %s\n", strerror(errno));
    return 3;
}

/* Two descriptors are open for each directory on the way down. */
static void raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int view_main(int argc, char **argv) {
    raise_open_files();
    if (argc == 4 && strcmp(argv[1], "list") == 0)
        return view_list(argv[2], argv[3]);
    if (argc >= 3 && strcmp(argv[1], "apply") == 0)
        return view_apply(argc - 2, argv + 2);
    if (argc == 7 && strcmp(argv[1], "patch") == 0)
        return patch(argv + 2);
    fputs("usage: view list UPPER HOST\n"
          "       view apply [--check] [--privileged] LOCK [UPPER HOST]...\n"
          "       view patch UPPER HOST LETTER LABEL LABEL\n",
          stderr);
    return 2;
}
