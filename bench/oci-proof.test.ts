import { expect, test } from "bun:test";
import { ociContradiction } from "./oci-proof.ts";

const own = ["mnt:[1]", "pid:[2]", "net:[3]", "ipc:[4]", "uts:[5]", "cgroup:[6]"];
const inside = "mnt:[11]\npid:[12]\nnet:[13]\nipc:[14]\nuts:[15]\ncgroup:[16]\nSeccomp:\t2\n";
const printed = `${inside}/\n/proc\n/proc/kcore\n`;

test("the mounts that were asked for have to be there, others may", () => {
  const mounted = ["/proc", "/proc/kcore"];
  expect(ociContradiction(printed, { seccomp: true, mounted }, own)).toBeUndefined();
  expect(ociContradiction(printed, { seccomp: true, mounted: ["/sys", "/proc"] }, own)).toBe(
    "nothing is mounted on /sys",
  );
});

test("namespaces and filter are looked at first", () => {
  expect(ociContradiction(printed, { seccomp: false, mounted: [] }, own)).toContain("seccomp");
  expect(ociContradiction("", { seccomp: true, mounted: [] }, own)).toContain("did not run");
});
