import { expect, test } from "bun:test";
import type { Capability } from "../plan/constants.ts";
import { checkKernelFiles } from "./check-kernel-files.ts";
import { checkNamespaces } from "./check-namespaces.ts";
import { MountTable } from "./mount-table.ts";
import type { HostSeen, Seen } from "./seen.ts";

const host: HostSeen = { pid: 1, mounts: new MountTable([], -1), sensitive: [] };

function seen(isNowhere: boolean, effective: readonly Capability[]): Seen {
  return {
    pid: 4711,
    name: "program",
    uid: 0,
    namespaces: [
      { type: "mount", shared: true },
      { type: "user", shared: true },
    ],
    uids: [],
    capabilities: { inheritable: [], permitted: [], effective, bounding: [], ambient: [] },
    seccomp: 0,
    noNewPrivs: false,
    isDumpable: null,
    label: null,
    root: { isHost: false, isChroot: false, isNowhere, readonly: false, beneath: null },
    mounts: new MountTable([], -1),
    table: [],
    isCut: false,
    descriptors: [],
    workingDirectory: null,
    nodes: [],
    devices: null,
    limits: { memory: null, pids: null, cpus: null },
  };
}

const ofMounts = (of: Seen) =>
  checkNamespaces(of, host).find(({ about }) => about === "mount namespace");

test("the host's mount namespace is open, unless the root is not in it and the way there is closed", () => {
  expect(ofMounts(seen(false, []))).toMatchObject({ level: "open" });
  expect(ofMounts(seen(true, []))).toMatchObject({ level: "note" });
  expect(ofMounts(seen(true, ["CAP_SYS_ADMIN"]))).toMatchObject({ level: "note" });
  const both = ofMounts(seen(true, ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"]));
  expect(both).toMatchObject({ level: "open", says: expect.stringContaining("setns(2)") });
});

test("of a root that is in no namespace nothing is said to be well", () => {
  const found = checkKernelFiles(seen(true, []), host);
  expect(found.map(({ level, about }) => [level, about])).toEqual([["weak", "mounts"]]);
  expect(checkKernelFiles(seen(false, []), host).map(({ level }) => level)).toContain("ok");
});
