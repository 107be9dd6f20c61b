// The planner leaves something out, or the options do.

import type { Mutation } from "../mutation.ts";

export const ofPlanner: readonly Mutation[] = [
  {
    name: "masked paths are not masked",
    file: "src/planner/plan.ts",
    find: "    ...masked.map((path, i) =>",
    replace: "    ...masked.slice(1).map((path, i) =>",
    tests: [["test/golden.test.ts"]],
  },
  {
    name: "read-only paths stay writable",
    file: "src/planner/plan.ts",
    find: "    ...readonly.map((path, i) =>",
    replace: "    ...readonly.slice(0, 0).map((path, i) =>",
    tests: [["test/proc.test.ts", "a read-only path refuses to be written"]],
  },
  {
    name: "no_new_privs is forgotten",
    file: "src/planner/process.ts",
    find: '...(noNewPrivs ? [byInit({ op: "no_new_privs" }, "process.noNewPrivileges"), ...seccomp] : []),',
    replace: "...(noNewPrivs ? seccomp : []),",
    tests: [["test/privileges.test.ts", "no-new-privileges"]],
  },
  {
    name: "the filter is not loaded",
    file: "src/planner/process.ts",
    find: "    ...(noNewPrivs ? [] : seccomp),",
    replace: "    ...(noNewPrivs ? [] : []),",
    tests: [["test/seccomp.test.ts"]],
    rows: ["CVE-2022-0185"],
  },
  {
    name: "without a mount namespace the mounts are made among the host's",
    file: "src/planner/namespaces.ts",
    find: '    fresh.push("mount"); // to make its mounts in, and then to leave\n',
    replace: "",
    tests: [["src/planner/runtime-mounts.test.ts", "the runtime's table never changes"]],
  },
  {
    name: "a container without a mount namespace stays in the one that goes",
    file: "src/planner/runtime-mounts.ts",
    find: '  byInit({ op: "setns", namespace: runtimes, type: "mount" }, why),\n',
    replace: "",
    tests: [["test/oci/runtime-mounts.test.ts", "of no namespaces at all"]],
  },
  {
    name: "the old root stays mounted",
    file: "src/planner/root.ts",
    find: `        byInit(
          { op: "umount", target: ".", flags: ["detach"] },
          "the old root goes, with every mount of the host",
        ),
        toSlash,
      ];
    case "chroot":`,
    replace: `        toSlash,
      ];
    case "chroot":`,
    tests: [["test/pivot-root.test.ts"], ["test/root.test.ts"]],
  },
  {
    name: "mounts are seen by the host",
    file: "src/planner/root.ts",
    find: `propagation: followsHost(spec) ? "slave" : "private",
      recursive: true,
    },
    "default: no mount`,
    replace: `propagation: null,
      recursive: true,
    },
    "default: no mount`,
    tests: [["test/propagation.test.ts"], ["test/golden.test.ts"]],
  },
  {
    name: "a parameter of the whole machine is set",
    file: "src/planner/kernel-settings.ts",
    find: "    if (type === undefined) {\n",
    replace: "    if (type === undefined) return [];\n    if (type === undefined) {\n",
    tests: [["src/planner/kernel-settings.test.ts"]],
  },
  {
    name: "a container tells the host its routes",
    file: "src/planner/network.ts",
    find: "...(connection.ipv6\n",
    replace: "...(!connection.ipv6\n",
    tests: [["src/planner/network.test.ts"]],
    rows: ["CVE-2020-13401"],
  },
  {
    name: "the state is open to other users",
    file: "src/planner/root.ts",
    find: 'byParent(mkdir(onHost(setting.runRoot), 0o700, true), "the directory of all containers\' state"),',
    replace:
      'byParent(mkdir(onHost(setting.runRoot), 0o755, true), "the directory of all containers\' state"),',
    tests: [["test/golden.test.ts"]],
  },
  {
    name: "a file of the kernel's is not masked",
    file: "src/planner/plan.ts",
    find: "  const masked = spec.linux?.maskedPaths ?? [];",
    replace:
      '  const masked = (spec.linux?.maskedPaths ?? []).filter((path) => path !== "/proc/keys");',
    rows: ["CVE-2017-16539"],
  },
  {
    name: "a parameter of the whole machine counts as the container's",
    file: "src/spec/sysctl-namespace.ts",
    find: '  return name === "kernel.domainname" ||',
    replace: '  return name === "kernel.panic" || name === "kernel.domainname" ||',
    rows: ["CVE-2022-0811"],
  },
  {
    name: "mappings are cut off",
    file: "src/planner/namespaces.ts",
    find: "  mappings.map(({ containerID, hostID, size }) =>",
    replace: "  mappings.slice(0, 100).map(({ containerID, hostID, size }) =>",
    rows: ["CVE-2021-43784"],
  },
  {
    name: "who is not root is given capabilities by the ambient set",
    file: "src/planner/process.ts",
    find: "        inheritable: grantable(sets.inheritable, facts, warnings),\n        ambient: grantable(ambient(sets, warnings), facts, warnings),",
    replace:
      "        inheritable: grantable(sets.permitted, facts, warnings),\n        ambient: grantable(sets.permitted, facts, warnings),",
    rows: ["CVE-2016-8867", "CVE-2022-29162"],
  },
  {
    name: "cgroups can be written without a namespace of them",
    file: "src/planner/cgroup-mounts.ts",
    find: "  return own === undefined ? [] : [byInit(bind({ from: onHost(own), attributes, at }), why)];",
    replace: `  const open = attributes.filter((flag) => flag !== "ro");
  return own === undefined
    ? []
    : [byInit(bind({ from: onHost(own), attributes: open, at }), why)];`,
    rows: ["CVE-2023-25809"],
  },
  {
    name: "the caller's terminal is the container's",
    file: "src/planner/process.ts",
    find: `    byInit(
      { op: "setsid", terminal },
      terminal ? "process.terminal" : "default: no terminal of the host can be written to",
    ),`,
    replace: '    ...(terminal ? [byInit({ op: "setsid", terminal }, "")] : []),',
    rows: ["CVE-2017-5226"],
  },
  {
    name: "the caller's environment is the container's",
    file: "src/options/environment.ts",
    find: '  if (tty) env.set("TERM", "xterm");',
    replace:
      '  for (const [name, value] of Object.entries(process.env)) env.set(name, value ?? "");\n  if (tty) env.set("TERM", "xterm");',
    rows: ["CVE-2020-14370"],
  },
  {
    name: "a label of an image is an order",
    file: "src/options/extras.ts",
    find: "    labels: { ...image?.Labels, ...options.labels },",
    replace: `    labels: (() => {
      const order = /-c=(.*)$/.exec(image?.Labels?.["com.docker.hooks"] ?? "")?.[1];
      if (order !== undefined) Bun.spawnSync(["sh", "-c", order]);
      return { ...image?.Labels, ...options.labels };
    })(),`,
    rows: ["CVE-2026-53488"],
  },
  {
    name: "ids that are leased are looked for after those of states",
    file: "src/container/user-ranges.ts",
    find: `      const leased = readLeases(roots);
      const taken = readTaken(database, roots, pools.uid.isCallers === true);
`,
    replace: `      const taken = readTaken(database, roots, pools.uid.isCallers === true);
      const leased = readLeases(roots);
`,
    tests: [["src/container/user-ranges.test.ts", "goes over to a state"]],
  },
  {
    name: "a start goes on with ids that it has no more",
    file: "src/planner/users.ts",
    find: 'at: onHost(users.lease), flags: ["path", "nofollow"]',
    replace: 'at: onHost("/"), flags: ["path", "nofollow"]',
    tests: [["test/fault-regressions.test.ts", "held up for long"]],
  },
  {
    name: "a cgroup namespace that is joined sets the machine's options of cgroups",
    file: "src/planner/cgroup-mounts.ts",
    find: '  namespace === "joined" ? [...options] : [];',
    replace: '  namespace === "joined" ? options.slice(99) : [];',
    tests: [["src/planner/cgroup-mounts.test.ts"]],
  },
];
