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

test("a profile around us is named where the kernel has no other reason", () => {
  const within = (errno: number, step = 2) =>
    describeFailure(plan, { step, errno, text: "" }, () => "docker-default");
  expect(within(13)).toEndWith(
    "; AppArmor forbids it: leave AppArmor's profile docker-default out: start the container around this with --security-opt apparmor=unconfined, or give the profile `userns,`, `mount,` and `capability,`",
  );
  expect(within(17)).not.toContain("AppArmor");
  expect(within(13, 0)).toContain("; if AppArmor forbids it: leave AppArmor's profile");
});

test("a profile for the program that the one around us does not let in is told as that", () => {
  const labelled: Plan = {
    version: 1,
    steps: [
      {
        by: "init",
        why: "process.apparmorProfile",
        op: write({ in: "proc", path: "attr/apparmor/exec" }, "exec web"),
      },
    ],
  };
  const said = (errno: number, profile: string | null) =>
    describeFailure(labelled, { step: 0, errno, text: "" }, () => profile);
  const around =
    "; AppArmor's profile docker-default, in which pivot itself runs, allows no change to another one: leave the container's profile out, or give docker-default `change_profile -> web,`";
  expect(said(13, "docker-default")).toEndWith(around);
  expect(said(1, "docker-default")).toEndWith(around);
  expect(said(2, "docker-default")).toEndWith("; no AppArmor profile of this name is loaded");
  expect(said(13, null)).toEndWith("EACCES: Permission denied");
});

test("a pid namespace of other users is named as such, and a hidden /proc as that", () => {
  const proc = {
    by: "init",
    why: "",
    op: {
      op: "mount",
      type: "proc",
      source: "",
      options: [],
      attributes: [],
      at: null,
      create: "existing",
      into: "p",
    },
  } as unknown as Plan["steps"][number];
  const pids = {
    by: "parent",
    why: "",
    op: { op: "setns", namespace: "ns.pid", type: "pid" },
  } as const;
  const users = {
    by: "parent",
    why: "",
    op: { op: "user_namespace", uid_map: "", gid_map: "", into: "ns.user" },
  } as const;
  const said = (...steps: Plan["steps"]) =>
    describeFailure({ version: 1, steps: [proc, ...steps] }, { step: 0, errno: 1, text: "" });
  expect(said(users)).toContain("partly hidden");
  expect(said(pids)).toContain("partly hidden");
  expect(said(pids, users)).toEndWith("join that one as well, by --userns container:NAME");
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
