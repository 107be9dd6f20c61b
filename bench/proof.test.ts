import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { contradiction, ownNamespaces, proof } from "./proof.ts";

const own = ["mnt:[1]", "pid:[2]", "net:[3]", "ipc:[4]", "uts:[5]", "cgroup:[6]"];
const inside = "mnt:[11]\npid:[12]\nnet:[13]\nipc:[14]\nuts:[15]\ncgroup:[16]\nSeccomp:\t2\n";

test("a payload in six namespaces with a filter contradicts only a lesser claim", () => {
  expect(contradiction(inside, { shares: [], seccomp: true }, own)).toBeUndefined();
  expect(contradiction(inside, { shares: [], seccomp: false }, own)).toContain("with a seccomp");
  expect(contradiction(inside, { shares: ["net"], seccomp: true }, own)).toContain(
    "net namespace is another than the host's",
  );
});

test("a namespace of the host is found out", () => {
  const printed = inside.replace("net:[13]", "net:[3]");
  expect(contradiction(printed, { shares: [], seccomp: true }, own)).toBe(
    "the payload's net namespace is the host's",
  );
  expect(contradiction(printed, { shares: ["net"], seccomp: true }, own)).toBeUndefined();
});

test("a program that only says it succeeded is found out", () => {
  const claim = { shares: [], seccomp: false };
  expect(contradiction("", claim, own)).toContain("did not run");
  expect(contradiction("ok\n", claim, own)).toContain('"ok\\n"');
});

test("the payload itself, run without a container, is in the host's namespaces", () => {
  const [shell = "", ...args] = proof.argv;
  const { stdout } = spawnSync(shell, args, { encoding: "utf8" });
  const host = { shares: ["mnt", "pid", "net", "ipc", "uts", "cgroup"] } as const;
  const wrong = [true, false].map((seccomp) =>
    contradiction(stdout, { ...host, seccomp }, ownNamespaces()),
  );
  // The test itself may run under a filter or not, but not both.
  expect(wrong.filter((each) => each === undefined)).toHaveLength(1);
});
