/*
 * Builds a filter with libseccomp from a plain list of rules, and writes the BPF program to stdout.
 *
 * Input, a line each, all numbers hexadecimal and as libseccomp has them:
 *   default ACTION
 *   arch TOKEN                          besides the machine's own
 *   without TOKEN                       takes one away again
 *   rule ACTION NAME [INDEX OPERATOR A B]...
 *
 * A rule for a name that libseccomp does not know is left out, and said on stderr: unknown NAME.
 */
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *doing, int rc) {
    fprintf(stderr, "%s: %s\n", doing, strerror(-rc));
    exit(1);
}

static void add_rule(scmp_filter_ctx filter) {
    uint32_t action = (uint32_t)strtoul(strtok(NULL, " \n"), NULL, 16);
    const char *name = strtok(NULL, " \n");
    struct scmp_arg_cmp args[6];
    unsigned int count = 0;
    for (const char *word; (word = strtok(NULL, " \n")) != NULL && count < 6; count++) {
        args[count].arg = (unsigned int)strtoul(word, NULL, 16);
        args[count].op = (enum scmp_compare)strtoul(strtok(NULL, " \n"), NULL, 16);
        args[count].datum_a = strtoull(strtok(NULL, " \n"), NULL, 16);
        args[count].datum_b = strtoull(strtok(NULL, " \n"), NULL, 16);
    }
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) {
        fprintf(stderr, "unknown %s\n", name);
        return;
    }
    int rc = seccomp_rule_add_array(filter, action, number, count, args);
    if (rc < 0)
        fail(name, rc);
}

static void read_line(scmp_filter_ctx *filter, const char *kind) {
    int rc = 0;
    if (strcmp(kind, "default") == 0) {
        *filter = seccomp_init((uint32_t)strtoul(strtok(NULL, " \n"), NULL, 16));
        rc = *filter == NULL ? -EINVAL : 0;
    } else if (strcmp(kind, "arch") == 0) {
        rc = seccomp_arch_add(*filter, (uint32_t)strtoul(strtok(NULL, " \n"), NULL, 16));
    } else if (strcmp(kind, "without") == 0) {
        rc = seccomp_arch_remove(*filter, (uint32_t)strtoul(strtok(NULL, " \n"), NULL, 16));
    } else if (strcmp(kind, "rule") == 0) {
        add_rule(*filter);
    }
    if (rc < 0 && rc != -EEXIST)
        fail(kind, rc);
}

int main(void) {
    char line[1024];
    scmp_filter_ctx filter = NULL;
    while (fgets(line, sizeof line, stdin) != NULL) {
        const char *kind = strtok(line, " \n");
        if (kind != NULL)
            read_line(&filter, kind);
    }
    int rc = seccomp_export_bpf(filter, 1);
    if (rc < 0)
        fail("seccomp_export_bpf", rc);
    seccomp_release(filter);
    return 0;
}
