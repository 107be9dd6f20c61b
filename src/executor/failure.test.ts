import { expect, test } from "bun:test";
import type { Plan } from "../plan/op.ts";
import { slot, write } from "../planner/step.ts";
import { decodePlan } from "./decode.ts";
import { encodePlan } from "./encode.ts";
import { describeFailure } from "./failure.ts";

const plan: Plan = {
  version: 1,
  steps: [
    {
      by: "parent",
      why: "",
      op: {
        op: "open",
        at: { in: "host", path: "/etc/passwd" },
        flags: ["read"],
        into: "namespace",
      },
    },
    { by: "init", why: "", op: { op: "setns", namespace: "namespace", type: "uts" } },
    {
      by: "parent",
      why: "",
      op: { op: "attach", mount: "a", at: { in: "b", path: "/c" }, create: "matching" },
    },
  ],
};

const words = (step: number, errno: number) => {
  const { plan: decoded } = decodePlan(encodePlan(plan));
  return describeFailure(decoded, { step, errno, text: "" });
};

test("a namespace that is none is named, also in a plan that has lost its slots' names", () => {
  expect(words(1, 22)).toBe(
    "cannot join the uts namespace (step 2 of 3, setns): EINVAL: Invalid argument; /etc/passwd is no uts namespace",
  );
});

test("a path below a slot without a name speaks for itself", () => {
  expect(words(2, 17)).toBe(
    "cannot attach a mount to /c (step 3 of 3, attach): EEXIST: File exists",
  );
});

test("a file that is to be mounted on a directory is said to be so", () => {
  expect(words(2, 22)).toEndWith("; a directory goes on a directory, and a file on a file");
});

test("words that an image may have said can do nothing to a terminal", () => {
  const line = describeFailure(plan, { step: 0, errno: 1, text: "red \u001b[31m\u009bc\r\n" });
  expect(line).toContain("red ?[31m?c??");
  expect(line).not.toMatch(/\p{Cc}/u);
});

test("who runs under a profile of AppArmor's hears of it where nothing else explains a refusal", () => {
  const refused = (errno: number, profile: string | null) =>
    describeFailure(plan, { step: 2, errno, text: "" }, () => profile);
  expect(refused(13, "box")).toMatch(/EACCES: [^;]*; the AppArmor profile box, .* may forbid it/);
  expect(refused(13, null)).toEndWith("EACCES: Permission denied");
  expect(refused(22, "box")).toEndWith("a directory goes on a directory, and a file on a file");
  expect(refused(17, "box")).toEndWith("EEXIST: File exists");
});

test("a cgroup that may not be joined is said to be out of reach", () => {
  const joining: Plan = {
    version: 1,
    steps: [
      {
        by: "parent",
        why: "",
        op: {
          op: "open",
          at: { in: "host", path: "/sys/fs/cgroup/a/cgroup.procs" },
          flags: ["write"],
          into: "cgroup0",
        },
      },
      { by: "init", why: "", op: write(slot("cgroup0"), "0") },
    ],
  };
  expect(describeFailure(joining, { step: 1, errno: 13, text: "" })).toContain(
    "outside of the cgroups that were delegated to its user: start it by `systemd-run",
  );
});
