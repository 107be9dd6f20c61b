import { expect, test } from "bun:test";
import { ociConfig, type SeccompProfile, seccompSection } from "./bundle.ts";

const profile: SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 38,
  archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
  syscalls: [
    { names: ["read"], action: "SCMP_ACT_ALLOW", args: null, includes: {}, excludes: {} },
    { names: ["held"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_CHOWN"] } },
    { names: ["missing"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_SYS_ADMIN"] } },
    { names: ["denied"], action: "SCMP_ACT_ERRNO", errnoRet: 1, excludes: { caps: ["CAP_BPF"] } },
    { names: ["not denied"], action: "SCMP_ACT_ERRNO", excludes: { caps: ["CAP_CHOWN"] } },
    { names: ["arch_prctl"], action: "SCMP_ACT_ALLOW", includes: { arches: ["amd64", "x32"] } },
    { names: ["s390_call"], action: "SCMP_ACT_ALLOW", includes: { arches: ["s390"] } },
  ],
};

test("a profile is resolved for the machine and docker's capabilities", () => {
  expect(seccompSection(profile, "x64")).toEqual({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    syscalls: [
      { names: ["read"], action: "SCMP_ACT_ALLOW", args: [], errnoRet: undefined },
      { names: ["held"], action: "SCMP_ACT_ALLOW", args: [], errnoRet: undefined },
      { names: ["denied"], action: "SCMP_ACT_ERRNO", args: [], errnoRet: 1 },
      { names: ["arch_prctl"], action: "SCMP_ACT_ALLOW", args: [], errnoRet: undefined },
    ],
  });
});

test("an unknown architecture is refused by name", () => {
  expect(() => seccompSection(profile, "mips")).toThrow("mips");
});

test("cgroups and seccomp are in the configuration only where asked for", () => {
  const bare = JSON.stringify(ociConfig({ root: "/r", argv: ["/bin/true"] }));
  expect(bare).not.toContain("cgroupsPath");
  expect(bare).not.toContain("seccomp");
  const full = ociConfig({
    root: "/r",
    argv: ["/bin/true"],
    cgroupsPath: "/p/c",
    seccomp: seccompSection(profile, "x64"),
  });
  expect(full.linux).toMatchObject({ cgroupsPath: "/p/c", seccomp: { defaultErrnoRet: 38 } });
});

test("with an engine's files there are its mounts and its rules of devices", () => {
  const options = { root: "/r", argv: ["/bin/true"], cgroupsPath: "/p/c" };
  const { mounts, linux } = ociConfig({ ...options, engineFiles: "/files" });
  expect(mounts.map(({ destination }) => destination)).toContain("/sys/fs/cgroup");
  expect(mounts).toContainEqual({
    destination: "/etc/hosts",
    type: "bind",
    source: "/files/hosts",
    options: ["rbind", "rprivate"],
  });
  const rules = JSON.stringify(linux.resources?.devices);
  expect(rules).toContain('{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}');
  expect(JSON.stringify(ociConfig(options))).not.toContain("/sys/fs/cgroup");
});
