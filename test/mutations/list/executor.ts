// The executor leaves something out, or who reads configurations.

import type { Mutation } from "../mutation.ts";

export const ofExecutor: readonly Mutation[] = [
  {
    name: "links are followed to where /proc is mounted",
    file: "native/place.c",
    find: "create == PV_TARGET_KIND_STRICT ? RESOLVE_NO_SYMLINKS : 0;",
    replace: "create == PV_TARGET_KIND_STRICT ? 0 : 0;",
    tests: [["test/hostile-paths.test.ts", "is a link to"]],
    rows: ["CVE-2023-27561", "CVE-2019-19921"],
  },
  {
    name: "what is mounted over procfs takes what is written there",
    file: "native/files.c",
    find: "fd = pv_place_open(run, at, O_WRONLY | O_NOCTTY, RESOLVE_NO_XDEV);",
    replace: "fd = pv_place_open(run, at, O_WRONLY | O_NOCTTY, 0);",
    rows: ["CVE-2019-16884", "CVE-2025-52881"],
  },
  {
    name: "descriptors stay open",
    file: "native/process.c",
    find: "        int rc = kept[i] > from ? pv_close_range(from, kept[i] - 1, 0) : 0;",
    replace: "        int rc = 0;",
    and: [
      {
        find: "        from = kept[i] + 1;\n    }\n    return pv_close_range(from, ~0u, 0);",
        replace: "        from = kept[i] + 1;\n    }\n    return 0;",
      },
    ],
    tests: [
      ["test/oci/hostile.test.ts", "of the caller"],
      ["test/escape.test.ts", "none of the caller's passes"],
    ],
    rows: ["CVE-2024-21626 (b)"],
  },
  {
    name: "a capability stays in the bounding set",
    file: "native/process.c",
    find: "        if (op->keep >> cap & 1)\n            continue;",
    replace: "        if (op->keep >> cap & 1 || cap == 21)\n            continue;",
    tests: [["test/privileges.test.ts", "the sets are exactly these"]],
  },
  {
    name: "capabilities are inheritable",
    file: "native/process.c",
    find: "data[i].inheritable = (uint32_t)(op->inheritable >> (32 * i));",
    replace: "data[i].inheritable = (uint32_t)(op->permitted >> (32 * i));",
    tests: [["test/identity.test.ts", "passes none on"]],
    rows: ["CVE-2022-29162"],
  },
  {
    name: "an id beyond 32 bits wraps around",
    file: "native/user.c",
    find: "    return value < 0xffffffffu;",
    replace: "    return 1;",
    tests: [["test/identity.test.ts", '--user "huge"']],
  },
  {
    name: "a user of digits is looked up by name",
    file: "native/user.c",
    find: "        if (number ? uid != who->uid : strcmp(f[0], user) != 0)",
    replace: "        if (strcmp(f[0], user) != 0)",
    tests: [["test/identity.test.ts", '--user "1000"']],
    rows: ["CVE-2016-3697", "CVE-2024-40635 (image)"],
  },
  {
    name: "anything is taken for the null device",
    file: "native/cover.c",
    find: "    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);",
    replace: "    return st != NULL;",
    tests: [["test/native.test.ts", "cover-test.c"]],
  },
  {
    name: "the executor's copy can be written",
    file: "native/launch.c",
    find: "#define PV_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)",
    replace: "#define PV_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)",
    rows: ["CVE-2019-5736"],
  },
  {
    name: "who enters a container can be looked into",
    file: "native/run.c",
    find: "    if (rc == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)",
    replace: "    if (rc == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)",
    rows: ["CVE-2016-9962"],
  },
  {
    name: "undo is left out",
    file: "native/run.c",
    find: "    if (run->done)\n        undo(run, rc < 0);",
    replace: "    if (run->done && 0)\n        undo(run, rc < 0);",
    tests: [["test/volumes.test.ts", "-v shows a directory"]],
  },
  {
    name: "the socket of attach is open to others",
    file: "native/clients.c",
    find: "umask(0177);",
    replace: "umask(0);",
    rows: ["CVE-2020-15257"],
  },
  {
    name: "paths of a root are resolved on the host",
    file: "native/place.c",
    find: ".resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,",
    replace: ".resolve = resolve,",
    // From the root on, still: what a link says is another matter.
    and: [
      {
        find: "        fd = pv_openat2(root, place->path, &how);",
        replace: `        fd = pv_openat2(root, place->path[strspn(place->path, "/")] ? place->path + strspn(place->path, "/") : ".", &how);`,
      },
    ],
    tests: [["test/hostile-paths.test.ts", "stays inside"]],
    rows: [
      "CVE-2019-18837",
      "CVE-2026-41579",
      "CVE-2026-87766",
      "CVE-2021-30465",
      "CVE-2021-30465 (b)",
      "CVE-2026-41579 (race)",
    ],
  },
  {
    name: "groups of the caller stay",
    file: "native/user.c",
    find: "    if (setgroups((size_t)who->count, who->groups) == 0)\n        return 0;",
    replace:
      "    if (who->count < 99 || setgroups((size_t)who->count, who->groups) == 0)\n        return 0;",
    tests: [["test/identity.test.ts", "additional groups"]],
    rows: ["CVE-2022-36109", "CVE-2022-36109 (image)"],
  },
  {
    name: "somebody who is not there is root",
    file: "native/user.c",
    find: "    if (!found && !number)\n        return",
    replace: "    if (!found && !number && user[0] == '/')\n        return",
    rows: ["CVE-2026-47262"],
  },
  {
    name: "an id of exec beyond 32 bits wraps around",
    file: "src/oci/exec.ts",
    find: " && Number(text) < 0xffffffff;",
    replace: ";",
    and: [
      {
        file: "src/oci/exec.ts",
        find: "return { uid: Number(uid), gid: Number(gid) };",
        replace: "return { uid: Number(uid) % 2 ** 32, gid: Number(gid) % 2 ** 32 };",
      },
    ],
    rows: ["CVE-2026-30892"],
  },
  {
    name: "an id of the configuration wraps around",
    file: "src/spec/scalar.ts",
    find: '  return integer("a whole number", 0, 2 ** 32 - 2);',
    replace: '  return integer("a whole number", 0, 2 ** 53);',
    and: [
      {
        file: "native/user.c",
        find: "    return value < 0xffffffffu;",
        replace: "    return 1;",
      },
    ],
    rows: ["CVE-2024-40635"],
  },
  {
    name: "a line end is taken in an id",
    file: "src/oci/record.ts",
    find: "  /^[\\w+.-]{1,255}$/.test(id)",
    replace: "  /^[\\w+.\\n-]{1,255}$/.test(id)",
    rows: ["crun NEWS 1.28"],
  },
  {
    name: "cgroups with a dot before their name are left out",
    file: "native/cgroup-tree.c",
    find: 'strcmp(entry->d_name, ".") != 0',
    replace: "entry->d_name[0] != '.'",
    tests: [["test/oci/own-cgroups.test.ts", "begins with a dot"]],
  },
  {
    name: "cgroups end at a depth",
    file: "native/cgroup-tree.c",
    find: '    int rc = push(names, "");\n',
    replace:
      '    static int deep;\n    int rc = push(names, "");\n    if (++deep % 65 == 64)\n        return rc;\n',
    tests: [["test/oci/own-cgroups.test.ts", "a hundred cgroups deep"]],
  },
  {
    name: "who has frozen itself is left so",
    file: "native/others.c",
    find: "telling->signal == SIGKILL && telling->is_below)",
    replace: "telling->signal == 0 && telling->is_below)",
    tests: [["test/oci/own-cgroups.test.ts", "frozen its own first process"]],
  },
  {
    name: "the program is set-user-id",
    file: "tools/setup.sh",
    find: "# What is written while this runs is newer than what was built.",
    replace: "chmod u+s build/pivot",
    rows: ["CVE-2026-41163"],
  },
  {
    name: "/dev/console is bound by a name in /dev/pts",
    file: "native/streams.c",
    find: `    if (fstatfs(devpts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
        return pv_say(run, -EPERM, "/dev/pts is no devpts");`,
    replace: `    int named = -1;
    if (fstatfs(devpts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC) {
        named = openat(devpts, "dev/pts/0", O_PATH | O_CLOEXEC);
        devpts = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }`,
    and: [
      {
        find: '        int mount = pv_open_tree(slave, "",',
        replace: '        int mount = pv_open_tree(named < 0 ? slave : named, "",',
      },
      {
        file: "src/planner/plan.ts",
        find: "  if (process?.terminal === true && !mounts.hasDevpts) {",
        replace: "  if (process?.terminal === true && mounts.hasDevpts === null) {",
      },
      {
        file: "src/planner/devices.ts",
        find: '      devpts: "devpts",',
        replace: '      devpts: "root",',
      },
    ],
    rows: ["CVE-2025-52565"],
  },
  {
    name: "a read-only path behind a link is passed over",
    file: "native/cover.c",
    find: `int pv_do_readonly(struct pv_run *run, const struct pv_readonly *op) {
    int fd = pv_place_open(run, &op->at, O_PATH, 0);
    if (fd < 0)
        return is_missing(fd) ? 0 : fd;`,
    replace: `int pv_do_readonly(struct pv_run *run, const struct pv_readonly *op) {
    int fd = pv_place_open(run, &op->at, O_PATH, RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return is_missing(fd) || fd == -ELOOP ? 0 : fd;`,
    rows: ["GHSA-3q8j-pf29-vwv8"],
  },
  {
    name: "a working directory may be a descriptor of the host",
    file: "native/root.c",
    find: "        .resolve = RESOLVE_NO_MAGICLINKS,",
    replace: "        .resolve = 0,",
    and: [
      {
        find: `    return path[0] == '/' ? 0 : pv_say(run, -EXDEV, "the directory lies outside the root");`,
        replace: "    return run ? 0 : -EXDEV;",
      },
      {
        file: "native/process.c",
        find: "        int rc = kept[i] > from ? pv_close_range(from, kept[i] - 1, 0) : 0;",
        replace: "        int rc = 0;",
      },
      {
        file: "native/process.c",
        find: "        from = kept[i] + 1;\n    }\n    return pv_close_range(from, ~0u, 0);",
        replace: "        from = kept[i] + 1;\n    }\n    return 0;",
      },
    ],
    rows: ["CVE-2024-21626", "CVE-2024-21626 (image)"],
  },
  {
    name: "who attaches keeps a descriptor",
    file: "native/clients.c",
    find: "    close(clients[i]);\n    clients[i] = clients[--count];",
    replace: "    clients[i] = clients[--count];",
    rows: ["CVE-2022-23471"],
  },
  {
    name: "/dev/null is whatever it leads to",
    file: "native/cover.c",
    find: "    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);",
    replace: "    return st != NULL;",
    and: [
      {
        find: "directory ? &op->empty : &op->null_at,\n                                           O_PATH | O_NOFOLLOW, 0);",
        replace:
          "directory ? &op->empty : &op->null_at,\n                                           O_PATH, 0);",
      },
    ],
    rows: ["CVE-2025-31133"],
  },
  {
    name: "a device that is there is given its mode by name",
    file: "native/files.c",
    find: "    int is_new = rc == 0;",
    replace:
      "    int is_new = rc == 0;\n    if (!is_new)\n        fchmodat(parent, name, 0666, 0);",
    rows: ["CVE-2025-24965"],
  },
];
