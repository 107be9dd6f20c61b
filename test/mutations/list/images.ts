// Images, registries, and files in and out of containers.

import type { Mutation } from "../mutation.ts";

export const ofImages: readonly Mutation[] = [
  {
    name: "a digest is not compared",
    file: "src/image/blob.ts",
    find: "  if (found.digest !== promised.digest) {",
    replace: "  if (found.digest.length !== promised.digest.length) {",
    tests: [["src/image/import.test.ts"], ["src/registry/pull.test.ts"]],
  },
  {
    name: "credentials go to another host",
    file: "src/registry/client.ts",
    find: "authorization: url.origin === base.origin ? authorization : undefined,",
    replace: "authorization,",
    tests: [["src/registry/auth.test.ts"], ["src/registry/push.test.ts"]],
  },
  {
    name: "credentials follow a redirect",
    file: "src/registry/exchange.ts",
    find: "    const isSameOrigin = url.origin === current.url.origin;",
    replace: '    const isSameOrigin = url.origin !== "";',
    tests: [["src/registry/auth.test.ts", "another origin gets no credentials"]],
    rows: ["CVE-2020-15157"],
  },
  {
    name: "a realm that is not encrypted is given the password",
    file: "src/registry/token.ts",
    find: '  if (realm.protocol === "http:" && !(isUnverified',
    replace: '  if (realm.protocol === "never:" && !(isUnverified',
    tests: [["src/registry/auth.test.ts", "not without encryption"]],
  },
  {
    name: "a key that occurs twice is taken",
    file: "src/image/duplicate-key.ts",
    find: "        throw new ImageError(",
    replace: '        if (document === "") throw new ImageError(',
    tests: [["src/image/manifest.test.ts", "duplicate keys"]],
    rows: ["CVE-2021-41190"],
  },
  {
    name: "a layer brings a whiteout of overlayfs's",
    file: "native/unpack-apply.c",
    find: "    if (r->type == UNPACK_CHAR && device == makedev(0, 0))",
    replace: "    if (r->type == UNPACK_CHAR && device == makedev(9, 0))",
    tests: [["src/image/unpack-record.test.ts", "character device 0:0"]],
  },
  {
    name: "a build binds what a link of its context leads to",
    file: "src/build/bind-source.ts",
    find: "      if (real !== root && !real.startsWith(`${root}/`)) return",
    replace: '      if (real === "") return',
    tests: [["src/build/bind-source.test.ts"]],
    rows: ["CVE-2024-23651"],
  },
  {
    name: "a part of a volume leads out of it",
    file: "src/planner/volumes.ts",
    find: "use.subpath === null ? slot(root) : { in: root, path: use.subpath };",
    replace: "use.subpath === null ? slot(root) : onHost(`${use.directory}/_data/${use.subpath}`);",
    rows: ["CVE-2024-42472"],
  },
  {
    name: "a layer's links lead out of it",
    file: "native/unpack-resolve.c",
    find: ".resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,",
    replace: ".resolve = 0,",
    and: [
      {
        find: "        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);",
        replace: `        const char *below = path + strspn(path, "/");
        int fd = (int)syscall(SYS_openat2, root, *below ? below : ".", &how, sizeof how);`,
      },
    ],
    tests: [["src/image/hostile-layer.test.ts", "symlink"]],
    rows: ["CVE-2021-32760"],
  },
  {
    name: "a layer is unpacked in memory",
    file: "src/image/decompress.ts",
    find: "      for await (const chunk of plain) {\n        expanded += chunk.length;",
    replace: `      const whole: Buffer[] = [];
      for await (const chunk of plain) whole.push(Buffer.from(chunk));
      for (const chunk of [Buffer.concat(whole)]) {
        expanded += chunk.length;`,
    rows: ["CVE-2017-14992"],
  },
  {
    name: "the store can be entered by others",
    file: "src/image/blob.ts",
    find: "  await mkdir(store.root, { recursive: true, mode: 0o700 });",
    replace: "  await mkdir(store.root, { recursive: true, mode: 0o755 });",
    and: [
      {
        file: "src/engine/database.ts",
        find: "  mkdirSync(dataRoot, { recursive: true, mode: 0o700 });",
        replace: "  mkdirSync(dataRoot, { recursive: true, mode: 0o755 });",
      },
    ],
    rows: ["CVE-2021-41103"],
  },
  {
    name: "a volume is filled with what a link of the image leads to",
    file: "native/fill.c",
    find: "    int from = pv_place_open(run, &op->from, O_RDONLY | O_DIRECTORY, 0);",
    replace: `    const char *below = op->from.path + strspn(op->from.path, "/");
    int from = pv_result(openat(pv_slot(run, op->from.slot), below, O_RDONLY | O_DIRECTORY | O_CLOEXEC));`,
    rows: ["CVE-2022-23648"],
  },
  {
    name: "who copies goes where a link leads",
    file: "native/transfer.c",
    find: '    if (fchdir(root) < 0 || chroot(".") < 0)',
    replace: "    if (fchdir(root) < 0)",
    and: [
      {
        find: 'int own = pv_result(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));',
        replace: 'int own = pv_result(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));',
      },
      {
        file: "native/pack.c",
        find: "        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,",
        replace: "        .resolve = 0,",
      },
      {
        file: "native/pack.c",
        find: "        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);",
        replace: `        const char *below = path + strspn(path, "/");
        int fd = (int)syscall(SYS_openat2, root, *below ? below : ".", &how, sizeof how);`,
      },
      {
        file: "native/unpack-into.c",
        find: ".resolve = RESOLVE_NO_MAGICLINKS | resolve};",
        replace: ".resolve = resolve & 0};",
      },
      {
        file: "native/unpack-into.c",
        find: "        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);",
        replace: `        const char *below = path + strspn(path, "/");
        int fd = (int)syscall(SYS_openat2, root, *below ? below : ".", &how, sizeof how);`,
      },
    ],
    rows: ["CVE-2018-15664", "CVE-2026-41568"],
  },
  {
    name: "a program of the container says which processes it has",
    file: "src/host/process-table.ts",
    find: '  const { stdout, status, error, stderr } = spawnSync("ps", args, {',
    replace: `  const pid = /-q(\\d+)/.exec(args.join(" "))?.[1] ?? "1";
  const { stdout, status, error, stderr } = spawnSync("chroot", [\`/proc/\${pid}/root\`, "ps"], {`,
    rows: ["CVE-2026-41567"],
  },
  {
    name: "cp keeps set-user-id bits",
    file: "src/transfer/copy.ts",
    find: 'record.type === "file" ? record.mode & ~setIds : record.mode;',
    replace: 'record.type === "file" ? record.mode & ~0 : record.mode;',
    rows: ["CVE-2021-41089"],
  },
  {
    name: "who exports opens a directory that has become a link",
    file: "native/pack-walk.c",
    find: "    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);",
    // It was looked at before: the time between is what an attacker has.
    replace:
      "    usleep(2000);\n    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);",
    and: [
      {
        file: "native/transfer.c",
        find: '    if (fchdir(root) < 0 || chroot(".") < 0)',
        replace: "    if (fchdir(root) < 0)",
      },
      {
        file: "native/transfer.c",
        find: 'int own = pv_result(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));',
        replace: 'int own = pv_result(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));',
      },
    ],
    rows: ["CVE-2023-0778"],
  },
  {
    name: "layers that are unpacked at once have one directory",
    file: "src/image/temporary.ts",
    find: "  return `${temporaryPrefix}${owner}-${randomBytes(6)",
    replace:
      '  if (owner !== "") return `${temporaryPrefix}1-1-ab`;\n  return `${temporaryPrefix}${owner}-${randomBytes(6)',
    rows: ["CVE-2025-47290"],
  },
  {
    name: "an image for another platform will do",
    file: "src/container/find-image.ts",
    find: "  if (platform === undefined || runsOn(image.config, platform)) return null;",
    replace: "  if (platform === undefined || runsOn(platform, platform)) return null;",
    tests: [["src/container/find-image.test.ts"]],
  },
];
