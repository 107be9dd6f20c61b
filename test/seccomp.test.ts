// The filter of system calls, tried from inside by the calls themselves.

import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { compileC, Ground, whyNot } from "./pivot.ts";

const ground = new Ground("seccomp");
const reason = whyNot ?? (process.arch === "x64" ? undefined : "the numbers are of x86-64");

/** What comes of each call, in a container with these flags. */
function outcomes(flags: readonly string[], calls: readonly string[]): string[] {
  const program = ["-v", `${compileC("calls.c")}:/calls:ro`];
  const ran = ground.run([...program, ...flags, "busybox", "/calls", ...calls]);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return ran.stdout.trim().split("\n");
}

const byName = (names: readonly string[], values: readonly string[]) =>
  Object.fromEntries(names.map((name, i) => [name, values[i]]));

/**
 * Calls that the default profile denies, with arguments with which the kernel itself would answer
 * something else to who has every capability. `<asm/unistd_64.h>` has the numbers.
 */
const denied: Readonly<Record<string, string>> = {
  add_key: "x86_64:248",
  request_key: "x86_64:249",
  keyctl: "x86_64:250:0:-3",
  "unshare of a user namespace": "x86_64:272:0x10000000",
  "unshare of a mount namespace": "x86_64:272:0x20000",
  "clone into a user namespace": "x86_64:56:0x10000011",
  mount: "x86_64:165",
  umount2: "x86_64:166",
  pivot_root: "x86_64:155",
  move_mount: "x86_64:429:-1:0:-1:0",
  open_tree: "x86_64:428:-1",
  fsopen: "x86_64:430",
  fsmount: "x86_64:432:-1",
  mount_setattr: "x86_64:442:-1",
  setns: "x86_64:308:-1",
  bpf: "x86_64:321:-1",
  perf_event_open: "x86_64:298",
  userfaultfd: "x86_64:323:-1",
  io_uring_setup: "x86_64:425",
  io_uring_enter: "x86_64:426:-1",
  io_uring_register: "x86_64:427:-1",
  init_module: "x86_64:175",
  finit_module: "x86_64:313:-1",
  delete_module: "x86_64:176",
  kexec_load: "x86_64:246:0:99999",
  kexec_file_load: "x86_64:320:-1",
  swapon: "x86_64:167",
  swapoff: "x86_64:168",
  reboot: "x86_64:169",
  settimeofday: "x86_64:164:1:1",
  clock_settime: "x86_64:227:-1",
  syslog: "x86_64:103:99",
  acct: "x86_64:163:1",
  quotactl: "x86_64:179:-1",
  open_by_handle_at: "x86_64:304:-1",
  ioperm: "x86_64:173:0:0",
  iopl: "x86_64:172:9",
  vhangup: "x86_64:153",
  get_mempolicy: "x86_64:239",
  mbind: "x86_64:237:1",
  move_pages: "x86_64:279:-1",
  kcmp: "x86_64:312:-1:-1:-1",
  "personality without address randomisation": "x86_64:135:0x40000",
  "socket of AF_ALG": "x86_64:41:38:5:0",
  "socket of AF_VSOCK": "x86_64:41:40:1:0",
  lookup_dcookie: "x86_64:212",
  nfsservctl: "x86_64:180",
  uselib: "x86_64:134",
  ustat: "x86_64:136",
  sysfs: "x86_64:139:9",
};

/** Not a denial: with this answer a C library tries the older call, whose flags can be looked at. */
const missing: Readonly<Record<string, string>> = { clone3: "x86_64:435" };

/** The same doors by the other ways into the kernel, `<asm/unistd_32.h>` and `__X32_SYSCALL_BIT`. */
const sideways: Readonly<Record<string, string>> = {
  "keyctl by int 0x80": "i386:288:0:-3",
  "add_key by int 0x80": "i386:286",
  "unshare by int 0x80": "i386:310:0x10000000",
  "clone by int 0x80": "i386:120:0x10000011",
  "bpf by int 0x80": "i386:357:-1",
  "mount by int 0x80": "i386:21",
  "perf_event_open by int 0x80": "i386:336",
  "io_uring_setup by int 0x80": "i386:425",
  "keyctl of x32": "x32:250:0:-3",
  "unshare of x32": "x32:272:0x10000000",
  "mount of x32": "x32:165",
  "bpf of x32": "x32:321:-1",
};

/** What everyday programs call, with arguments that the kernel answers like this. */
const allowed: Readonly<Record<string, readonly [call: string, answer: string]>> = {
  getpid: ["x86_64:39", "ok"],
  memfd_create: ["x86_64:319:0", "EFAULT"],
  "personality, asked only": ["x86_64:135:0xffffffff", "ok"],
  "personality of Linux": ["x86_64:135:0", "ok"],
  "ptrace, of oneself": ["x86_64:101:0", "ok"],
  name_to_handle_at: ["x86_64:303:-1", "EFAULT"],
  "socket of AF_UNIX": ["x86_64:41:1:1:0", "ok"],
  "socket of AF_NETLINK": ["x86_64:41:16:3:0", "ok"],
  "clone of a process": ["x86_64:56:17", "ok"],
  chroot: ["x86_64:161:0", "EFAULT"],
  "getpid by int 0x80": ["i386:20", "ok"],
};

const rule = (names: string[], action: string, errnoRet?: number) => ({
  names,
  action,
  ...(errnoRet === undefined ? {} : { errnoRet }),
});

/** A kernel may be built or started without 32-bit calls: then a process that makes one is killed. */
const without32BitCalls = (calls: Readonly<Record<string, string>>): Record<string, string> => {
  const [answer] = outcomes(["--security-opt", "seccomp=unconfined"], ["i386:20"]);
  const entries = Object.entries(calls);
  return Object.fromEntries(
    answer === "ok" ? entries : entries.filter(([, call]) => !call.startsWith("i386:")),
  );
};

describe.skipIf(reason !== undefined)(`seccomp (${reason ?? "on x86-64"})`, () => {
  afterAll(() => ground.close());

  test("each denied call answers EPERM, by whichever way it is called", () => {
    const calls = { ...denied, ...without32BitCalls(sideways) };
    const names = Object.keys(calls);
    const expected = names.map(() => "EPERM");
    expect(byName(names, outcomes([], Object.values(calls)))).toEqual(byName(names, expected));
  });

  test("the kernel itself would not have answered EPERM: it is the filter that does", () => {
    const names = Object.keys(denied);
    const flags = ["--security-opt", "seccomp=unconfined", "--cap-add", "ALL"];
    // reboot, vhangup and the like do what they say: not to be tried in earnest.
    const harmless = names.filter((name) => !/reboot|vhangup|acct|swap|settime/.test(name));
    const found = byName(
      harmless,
      outcomes(
        flags,
        harmless.map((name) => denied[name] ?? ""),
      ),
    );
    const [open, filtered] = [true, false].map((isOpen) =>
      harmless.filter((name) => (found[name] !== "EPERM") === isOpen),
    );
    expect(filtered).toEqual([]);
    expect(open).toEqual(harmless);
  });

  test("clone3 is not there, so that clone is called, whose flags can be looked at", () => {
    expect(outcomes([], Object.values(missing))).toEqual(["ENOSYS"]);
  });

  test("a call that no kernel knows yet is missing, not denied", () => {
    expect(outcomes([], ["x86_64:1000"])).toEqual(["ENOSYS"]);
  });

  test("what everyday programs call is allowed", () => {
    const calls = without32BitCalls(
      Object.fromEntries(Object.entries(allowed).map(([name, [call]]) => [name, call])),
    );
    const names = Object.keys(calls);
    const answers = names.map((name) => allowed[name]?.[1] ?? "");
    expect(byName(names, outcomes([], Object.values(calls)))).toEqual(byName(names, answers));
  });

  test("a capability opens the calls that it is for", () => {
    const calls = [denied["bpf"] ?? "", denied["kcmp"] ?? "", denied["syslog"] ?? ""];
    expect(outcomes(["--cap-add", "BPF"], calls)).toEqual(["EINVAL", "EPERM", "EPERM"]);
    expect(outcomes(["--cap-add", "SYS_PTRACE"], calls)).toEqual(["EPERM", "ESRCH", "EPERM"]);
    expect(outcomes(["--cap-add", "SYSLOG"], calls)).toEqual(["EPERM", "EPERM", "EINVAL"]);
  });

  test("the filter is in force for who is not root and for privileges given up, too", () => {
    const keyctl = denied["keyctl"] ?? "";
    for (const flags of [
      ["-u", "1000"],
      ["--cap-drop", "ALL"],
      ["--security-opt", "no-new-privileges"],
      ["--init"],
    ]) {
      expect(outcomes(flags, [keyctl])).toEqual(["EPERM"]);
    }
  });

  test("seccomp=unconfined and --privileged have no filter", () => {
    for (const flags of [["--security-opt", "seccomp=unconfined"], ["--privileged"]]) {
      expect(ground.probe(flags).seccomp).toBe(0);
    }
    expect(ground.probe([]).seccomp).toBe(2);
  });

  test("a profile from a file replaces the default one", () => {
    const file = `${ground.directory}/profile.json`;
    writeFileSync(
      file,
      JSON.stringify({
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        syscalls: [
          rule(["sethostname"], "SCMP_ACT_ERRNO", 95),
          rule(["getppid"], "SCMP_ACT_KILL_PROCESS"),
        ],
      }),
    );
    const flags = ["--security-opt", `seccomp=${file}`];
    const calls = without32BitCalls({
      a: "x86_64:170",
      b: "x86_64:110",
      c: "x86_64:39",
      d: "i386:64",
    });
    const expected = ["EOPNOTSUPP", "killed 31", "ok", "killed 31"];
    const made = Object.values(calls);
    expect(outcomes(flags, made)).toEqual(expected.slice(0, made.length));
  });

  const badProfiles: readonly (readonly [text: string, said: RegExp])[] = [
    ["{", /profile\.json/],
    ["[]", /\[\]|defaultAction|an object/],
    ['{"defaultAction":"SCMP_ACT_NOPE"}', /defaultAction.*SCMP_ACT_NOPE/],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":"x","action":"SCMP_ACT_ALLOW"}]}',
      /syscalls\[?\.?0\]?\.names/,
    ],
  ];
  for (const [text, said] of badProfiles) {
    test(`the profile ${text} is refused in one line`, () => {
      const file = `${ground.directory}/profile.json`;
      writeFileSync(file, text);
      const ran = ground.run(["--security-opt", `seccomp=${file}`, "busybox", "true"]);
      expect(ran).toMatchObject({ code: 125, stdout: "" });
      expect(ran.stderr).toMatch(/^pivot: [^\n]+\n$/);
      expect(ran.stderr).toMatch(said);
    });
  }
});
