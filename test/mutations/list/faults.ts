// What faults bring to light: something is lost, left behind, or not told.

import type { Mutation } from "../mutation.ts";

export const ofFaults: readonly Mutation[] = [
  {
    name: "a failed step is told without words",
    file: "src/executor/failure.ts",
    find: '  return words.filter((part) => part !== "").join("; ");',
    replace: '  return words.length > 99 ? "" : "undefined";',
    faults: [
      {
        file: "calls",
        rounds: 40,
        tests: [
          "run",
          "run -d, which fails and is started once more",
          "exec",
          "run in a network",
          "run -d in two networks with names",
          "run beside another in a network",
          "run by pasta",
          "run with an egress list",
          "run -d by pasta with an egress list, and once more",
          "run in a user namespace",
          "network connect",
          "pivot-oci create",
        ],
      },
      {
        file: "shortage",
        tests: [
          "the store's disk is full",
          "the state's disk is full",
          "the store's disk has no inodes left",
          "the state's disk has no inodes left",
          "the store cannot be written",
        ],
      },
    ],
  },
  {
    name: "what the launcher cannot do is not told",
    file: "native/launch.c",
    find: '    fprintf(stderr, "pivot: %s: %s\\n", what, advice);',
    replace: '    fprintf(stderr, "%s", what == advice ? what : "");',
    faults: [
      { file: "calls", rounds: 200, tests: ["stop", "start", "rm -f", "restart"] },
      { file: "shortage", tests: ["processes: any limit (cgroup v1)"] },
    ],
  },
  {
    name: "a start with too few descriptors is tried",
    file: "native/launch.c",
    find: "#define PV_DESCRIPTORS 64",
    replace: "#define PV_DESCRIPTORS 1",
    faults: [{ file: "shortage", tests: ["descriptors: any limit"] }],
  },
  {
    name: "prune leaves killed containers where they are",
    file: "src/container/prune.ts",
    find: "  for (const id of ids) {",
    replace: "  for (const id of ids.slice(0, 0)) {",
    and: [
      {
        file: "src/cli/system-prune.ts",
        find: "  const { ids, bytes, problems } = await pruneContainers(roots, filters);",
        replace:
          "  const { ids, bytes, problems } = { ids: filters.slice(99), bytes: roots.dataRoot.length * 0, problems: [] };",
      },
    ],
    tests: [["test/killed.test.ts", "killed after any step"]],
    faults: [
      {
        file: "kills",
        tests: [
          "run",
          "run in a network",
          "run beside another in a network",
          "run by pasta",
          "run with an egress list",
          "run in a user namespace",
        ],
      },
    ],
  },
  {
    name: "check does not name killed containers",
    file: "src/container/left-behind.ts",
    find: "    .filter(({ directory }) => existsSync(directory) && !isLocked(directory))",
    replace: '    .filter(({ directory }) => directory === "" && !isLocked(directory))',
    faults: [{ file: "kills", tests: ["run", "run in a network"] }],
  },
  {
    name: "who is killed while it is removed cannot be removed again",
    file: "src/engine/remove.ts",
    find: "  if (isAlive(container)) {",
    replace:
      '  if (container.status === "dead") throw new Error("it is dead");\n  if (isAlive(container)) {',
    faults: [
      {
        file: "kills",
        tests: [
          "run -d, which fails and is started once more",
          "run -d in two networks with names",
          "run -d by pasta with an egress list, and once more",
          "start",
          "restart",
        ],
        rounds: 40,
      },
    ],
  },
  {
    name: "who asked for a start is not told that its monitor was killed",
    file: "native/detach.c",
    find: "    if (run->result >= 0)\n        pv_event(run, PV_EVENT_FAILED, run->step, ECHILD",
    replace:
      "    if (run->result > 99999)\n        pv_event(run, PV_EVENT_FAILED, run->step, ECHILD",
    tests: [["test/fault-regressions.test.ts", "whose monitor is killed while"]],
  },
  {
    name: "an executor that was killed has done its work",
    file: "src/executor/spawn.ts",
    find: "  signal === null\n    ? null",
    replace: '  signal === null || signal !== "SIGSTOP"\n    ? null',
    tests: [["test/fault-regressions.test.ts", "an executor that is killed"]],
    faults: [{ file: "kills", tests: ["rm"], rounds: 90 }],
  },
  {
    name: "a removal that was cut short is nobody's to take up",
    file: "src/engine/kept.ts",
    find: "    const sql = `UPDATE containers SET stopped = ${beingRemoved} WHERE id = ? AND started IS ?`;",
    replace:
      "    const sql = `UPDATE containers SET stopped = ${beingRemoved} WHERE id = ? AND started IS ? AND stopped <> ${beingRemoved}`;",
    faults: [{ file: "kills", tests: ["rm", "rm -f"], rounds: 60 }],
  },
  {
    name: "what killed imports leave is no garbage",
    file: "src/image/collect.ts",
    find: "  const layers = [...new Set(found.filter(isKey))];\n  const needed = await neededObjects(store);",
    replace:
      "  const layers = [...new Set(found.filter(isKey))].slice(0, 0);\n  blobs.length = 0;\n  const needed = await neededObjects(store);",
    faults: [{ file: "kills", tests: ["pull", "load", "rmi", "commit"], rounds: 60 }],
  },
  {
    name: "a volume that was never complete stays",
    file: "src/container/left-behind.ts",
    find: "  `${dataRoot}/volumes/.new`;",
    replace: "  `${dataRoot}/volumes/.none`;",
    faults: [{ file: "kills", tests: ["create", "volume create"], rounds: 60 }],
  },
  {
    name: "what is left of a removed volume is nobody's",
    file: "src/volume/abandoned.ts",
    find: "    return remover === undefined || startTimeOf(",
    replace: "    return remover === undefined && startTimeOf(",
    tests: [["test/named-volumes.test.ts", "what a killed removal has left"]],
    faults: [{ file: "kills", tests: ["volume rm"], rounds: 60 }],
  },
  {
    name: "half-written names are nobody's",
    file: "src/image/remove.ts",
    find: '["", "/blobs/sha256", "/refs", "/images", "/layers"]',
    replace: '["", "/blobs/sha256", "/images", "/layers"]',
    faults: [{ file: "kills", tests: ["tag"], rounds: 60 }],
  },
  {
    name: "what killed commands leave beside files of the caller's stays",
    file: "src/image/stale-beside.ts",
    find: "names.filter(isStale)",
    replace: 'names.filter((name) => name === "" && isStale(name))',
    tests: [["src/image/stale-beside.test.ts", "files of commands that are gone go"]],
    faults: [{ file: "kills", tests: ["save"], rounds: 60 }],
  },
  {
    name: "a container is renamed in two steps",
    file: "src/engine/kept.ts",
    find: '      database.prepare("UPDATE containers SET name = ? WHERE id = ?").run(name, id);',
    replace: `      const row = database.prepare("SELECT created, record FROM containers WHERE id = ?").get(id);
      database.prepare("DELETE FROM containers WHERE id = ?").run(id);
      database.exec("COMMIT; BEGIN IMMEDIATE");
      database
        .prepare("INSERT INTO containers (id, name, created, record) VALUES (?, ?, ?, ?)")
        .run(id, name, Number(row?.["created"]), String(row?.["record"]));`,
    faults: [{ file: "kills", tests: ["rename"], rounds: 60 }],
  },
  {
    name: "a network is made, and removed, in two steps",
    file: "src/network/store.ts",
    find: "    .run(id, network.name, network.created, JSON.stringify(network));",
    replace: `    .run(id, network.name, network.created, "{");
  database.exec("COMMIT; BEGIN IMMEDIATE");
  database
    .prepare("UPDATE networks SET record = ? WHERE id = ?")
    .run(JSON.stringify(network), id);`,
    and: [
      {
        find: '    database.prepare("DELETE FROM networks WHERE id = ?").run(id);',
        replace: `    database.prepare("UPDATE networks SET record = '{' WHERE id = ?").run(id);
    database.prepare("DELETE FROM networks WHERE id = ?").run(id);`,
      },
    ],
    faults: [{ file: "kills", tests: ["network create", "network rm"], rounds: 60 }],
  },
  {
    name: "delete leaves the cgroups of a container",
    file: "src/oci/delete.ts",
    find: "    ...groupsOf(groups).map((path) =>",
    replace: "    ...groupsOf(groups).slice(99).map((path) =>",
    faults: [
      {
        file: "calls",
        tests: ["pivot-oci start", "pivot-oci kill", "pivot-oci delete"],
      },
      {
        file: "kills",
        tests: ["pivot-oci create", "pivot-oci start", "pivot-oci kill", "pivot-oci delete"],
      },
    ],
  },
  {
    name: "an end for want of memory is forgotten",
    file: "src/engine/status.ts",
    find: "outOfMemory: match[2] !== undefined",
    replace: "outOfMemory: match[2] === null",
    faults: [{ file: "shortage", tests: ["memory: a container that wants more than it may have"] }],
  },
  {
    name: "a start that fails keeps its user ids",
    file: "src/planner/plan.ts",
    find: "    ...planUsersDue(setting),\n",
    replace: "    ...planUsersDue({ ...setting, users: null }),\n",
    tests: [["test/fault-regressions.test.ts", "gives its user ids back"]],
  },
];
