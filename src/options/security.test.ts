import { expect, test } from "bun:test";
import type { RunOptions } from "./options.ts";
import { applySecuritySetting, parseSecurityOpt, procMountOptions } from "./security.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["seccomp=unconfined", { kind: "seccomp", profile: "unconfined" }],
  ["seccomp=builtin", { kind: "seccomp", profile: "default" }],
  ["seccomp=default", { kind: "seccomp", profile: "default" }],
  ["seccomp=./a=b.json", { kind: "seccomp-file", path: "./a=b.json" }],
  ["seccomp:unconfined", { kind: "seccomp", profile: "unconfined" }],
  ["no-new-privileges", { kind: "no-new-privileges", on: true }],
  ["no-new-privileges=false", { kind: "no-new-privileges", on: false }],
  ["no-new-privileges:true", { kind: "no-new-privileges", on: true }],
  ["apparmor=my-profile", { kind: "apparmor", profile: "my-profile" }],
  ["label=level:s0:c1,c2", { kind: "label", label: "level:s0:c1,c2" }],
  ["label:disable", { kind: "label", label: "disable" }],
  ["systempaths=unconfined", { kind: "systempaths" }],
  ["mask=/a:/b", { kind: "mask", paths: ["/a", "/b"] }],
  ["unmask=all", { kind: "unmask", paths: "ALL" }],
  ["unmask=/proc/*", { kind: "unmask", paths: ["/proc/*"] }],
  [
    "proc-opts=hidepid=invisible,subset=pid,gid=5",
    { kind: "proc-opts", options: { hidepid: "invisible", subset: "pid", gid: 5 } },
  ],
  ["proc-opts=hidepid=4", { kind: "proc-opts", options: { hidepid: "ptraceable" } }],
])("%s", (given, setting) => {
  expect<unknown>(outcome(parseSecurityOpt(given))).toEqual(setting);
});

const proc =
  "proc-opts are hidepid=invisible (off, noaccess, invisible, ptraceable), subset=pid and gid=NUMBER";

test.each([
  ["", "it looks like NAME=value, or is no-new-privileges"],
  ["seccomp", "it looks like NAME=value, or is no-new-privileges"],
  ["seccomp=", "it looks like NAME=value, or is no-new-privileges"],
  ["no-new-privileges=maybe", "no-new-privileges is true or false"],
  ["systempaths=x", "systempaths is unconfined, or not given"],
  ["mask=proc", "it takes absolute paths with colons between them"],
  ["mask=/a:", "it takes absolute paths with colons between them"],
  [
    "selinux=off",
    "it is one of seccomp, no-new-privileges, apparmor, label, systempaths, mask, unmask, proc-opts",
  ],
  ["proc-opts=hidepid=3", proc],
  ["proc-opts=hidepid", proc],
  ["proc-opts=subset=all", proc],
  ["proc-opts=gid=x", proc],
])("%p is refused", (given, reason) => {
  expect(outcome(parseSecurityOpt(given))).toBe(
    `invalid argument "${given}" for "--security-opt": ${reason}`,
  );
});

test("settings add up", () => {
  const given = [
    "label=type:a",
    "mask=/a",
    "unmask=/proc/kcore",
    "seccomp=unconfined",
    "label=level:s0",
    "mask=/b:/c",
    "seccomp=default",
    "proc-opts=subset=pid",
    "proc-opts=hidepid=2",
    "no-new-privileges",
    "apparmor=x",
    "systempaths=unconfined",
  ];
  let options: RunOptions = { privileged: true };
  for (const text of given) {
    const setting = parseSecurityOpt(text);
    if (!setting.ok || setting.value.kind === "seccomp-file") throw new Error(text);
    options = applySecuritySetting(options, setting.value);
  }
  expect(options).toEqual({
    privileged: true,
    securityOpt: {
      labels: ["type:a", "level:s0"],
      mask: ["/a", "/b", "/c"],
      unmask: ["/proc/kcore"],
      seccomp: "default",
      noNewPrivileges: true,
      apparmor: "x",
      systemPaths: "unconfined",
    },
    procOptions: { subset: "pid", hidepid: "invisible" },
  });
  const all = applySecuritySetting(options, { kind: "unmask", paths: "ALL" });
  const still = applySecuritySetting(all, { kind: "unmask", paths: ["/proc/keys"] });
  expect(still.securityOpt?.unmask).toBe("ALL");
});

test("the options of /proc are numbers, for older kernels", () => {
  expect(procMountOptions({})).toEqual([]);
  expect(procMountOptions({ hidepid: "off" })).toEqual(["hidepid=0"]);
  expect(procMountOptions({ hidepid: "ptraceable", gid: 7, subset: "pid" })).toEqual([
    "hidepid=4",
    "gid=7",
    "subset=pid",
  ]);
});
