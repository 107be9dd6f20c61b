// What load brings to light: something grows, gets lost, or takes ever longer.

import type { Mutation } from "../mutation.ts";

export const ofLoad: readonly Mutation[] = [
  {
    name: "cgroups stay when their container ends",
    file: "native/cgroup.c",
    find: "    int rc = remove_once(parent, name);\n    for (long",
    replace: "    int rc = name[0] ? 0 : remove_once(parent, name);\n    for (long",
    faults: [
      {
        file: "shortage",
        tests: [
          "memory and processes: what is entered has none left",
          "memory: any limit (cgroup v1)",
        ],
      },
    ],
    load: ["what is left after them"],
  },
  {
    name: "all containers have the same id",
    file: "src/container/identity.ts",
    find: '  const fd = openSync("/dev/urandom", "r");',
    replace: '  const fd = openSync("/dev/zero", "r");',
    load: ["N runs at once", "N commands on one store, N at a time"],
  },
  {
    name: "each start leaves a mount to the machine",
    file: "native/files.c",
    find: "    int *place = rc < 0 ? NULL : free_lock(run);",
    replace: `    if (rc == 0 && op->at.slot == PV_SLOT_HOST)
        rc = pv_result(mount("none", "/mnt", "tmpfs", 0, NULL));
    int *place = rc < 0 ? NULL : free_lock(run);`,
    and: [
      { find: "#include <string.h>\n", replace: "#include <string.h>\n#include <sys/mount.h>\n" },
    ],
    load: ["mounts of the host beside them"],
  },
  {
    name: "a start takes longer beside others",
    file: "src/cli/remembered-plan.ts",
    find: "    return found.key === key && found.witnesses.every(isUnchanged) ? found : null;",
    replace: `    for (const name of readdirSync(roots.runRoot)) if (name.length === 64) Bun.sleepSync(200);
    return found.key === key && found.witnesses.every(isUnchanged) ? found : null;`,
    load: ["a start beside them", "starts beside them, one right after the other"],
  },
  {
    name: "a start takes longer after others",
    file: "src/cli/remembered-plan.ts",
    find: "    return found.key === key && found.witnesses.every(isUnchanged) ? found : null;",
    replace: `    const counter = \`\${directoryOf(roots)}/counter\`;
    writeFileSync(counter, "1", { flag: "a" });
    Bun.sleepSync(statSync(counter).size * 50);
    return found.key === key && found.witnesses.every(isUnchanged) ? found : null;`,
    load: ["N runs in sequence"],
  },
  {
    name: "ps leaves the last out that runs",
    file: "src/cli/ps.ts",
    find: "  const found = all.filter((each) => (showsAll || isAlive(each)) && passes(each)).toReversed();",
    replace: `  const found = all
    .filter((each) => (showsAll || isAlive(each)) && passes(each))
    .slice(showsAll ? 0 : 1)
    .toReversed();`,
    load: ["N containers together"],
  },
];
