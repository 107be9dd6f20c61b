import { expect, test } from "bun:test";
import type { Op } from "../plan/op.ts";
import { planContainer } from "./plan.ts";
import type { UsersSetting } from "./setting.ts";
import { plainFacts as facts } from "./testing/facts.ts";
import { plainSetting } from "./testing/setting.ts";

const noCgroup = { make: [], clone: null, join: [], paths: [] };

function opsOf(users: UsersSetting | null, chown: readonly string[] = []): readonly Op[] {
  const planned = planContainer(
    {
      ociVersion: "1.3.0",
      root: { path: "/r" },
      process: { cwd: "/", args: ["true"], user: { uid: 0, gid: 0 } },
      mounts: [{ destination: "/data", type: "bind", source: "/d", options: ["rbind"] }],
      linux: {
        namespaces: [{ type: "mount" }, { type: "user" }],
        uidMappings: [{ containerID: 0, hostID: 5000, size: 10 }],
        gidMappings: [{ containerID: 0, hostID: 6000, size: 10 }],
      },
    },
    { ...plainSetting, root: { kind: "overlay", layers: ["/l/0", "/l/1"] }, users, chown },
    facts,
    noCgroup,
  );
  if (!planned.ok) throw new Error(planned.problems.join());
  return planned.plan.steps.map(({ op }) => op);
}

const at = (ops: readonly Op[], name: Op["op"]): number => ops.findIndex(({ op }) => op === name);

test("the namespace is there before the root, and the root before anybody", () => {
  const ops = opsOf({ owners: "mapped", lease: "/run/lease" });
  const order = [
    "open",
    "remove",
    "user_namespace",
    "user_overlay",
    "clone",
    "attach",
    "become_root",
  ] as const;
  const places = order.map((name) => at(ops, name));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(ops[at(ops, "user_namespace")]).toMatchObject({
    uid_map: "0 5000 10\n",
    gid_map: "0 6000 10\n",
  });
  expect(ops[at(ops, "user_overlay")]).toMatchObject({ mapped: true });
  expect(ops[at(ops, "clone")]).toMatchObject({ user: "ns.user", namespaces: ["mount"] });
  // The maps are written once: by whoever makes the namespace.
  expect(ops.filter((op) => op.op === "write" && op.at?.path === "uid_map")).toEqual([]);
});

test("copies lie with what the container writes, which is its root's", () => {
  const ops = opsOf({ owners: "copied", lease: null });
  const copies = ops.flatMap((op) => (op.op === "user_copy" ? [[op.from?.path, op.to?.path]] : []));
  expect(copies.map(([from]) => from)).toEqual(["/l/0", "/l/1"]);
  const overlay = ops[at(ops, "user_overlay")];
  if (overlay?.op !== "user_overlay") throw new Error("there is no overlay");
  expect(overlay.mapped).toBe(false);
  const options = overlay.options.join();
  for (const [, to] of copies) expect(options).toContain(to ?? "nowhere");
  expect(options).not.toContain("/l/0");
  expect(ops.flatMap((op) => (op.op === "own" ? [op.at?.path.split("/").at(-1)] : []))).toEqual([
    "upper",
    "work",
  ]);
});

test("where nobody is somebody else nothing is mapped", () => {
  const same = opsOf({ owners: "same", lease: null });
  expect(same[at(same, "user_overlay")]).toMatchObject({ mapped: false });
  expect(at(same, "user_copy")).toBe(-1);
  // Of an ordinary user, or of a bundle: the kernel's own way.
  expect(at(opsOf(null), "user_overlay")).toBe(-1);
});

test("what is given away is the very mount that is attached, by who has the rights", () => {
  const ops = opsOf({ owners: "mapped", lease: null }, ["/data"]);
  expect(ops[at(ops, "own")]).toMatchObject({ at: { in: "bind0" }, deep: true, root: "root" });
  expect(at(ops, "own")).toBeLessThan(at(ops, "clone"));
  const without = opsOf(null, ["/data"]);
  expect(at(without, "own")).toBeGreaterThan(at(without, "clone"));
});
