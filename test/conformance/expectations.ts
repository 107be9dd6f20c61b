// Why a program need not pass, in words. An entry that does not hold on this machine explains
// nothing there, and a program that passes in spite of its entry is reported.

import { existsSync, readFileSync } from "node:fs";
import { sharesCgroups } from "./programs.ts";

export type Expectation = {
  readonly why: string;
  /** Where it holds; absent: everywhere. */
  readonly when?: () => boolean;
  /** The outcome is a matter of luck: that a peer passed says nothing. */
  readonly race?: true;
};

const lacks = (path: string) => (): boolean => !existsSync(path);

/** Every capability that this kernel knows is one that this process may hand on. */
function holdsAllCapabilities(): boolean {
  const last = Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return BigInt(`0x${bounding ?? "0"}`) === (1n << BigInt(last + 1)) - 1n;
}

/** The programs know version 1 alone. */
const noVersion1 = (): boolean => !/ - cgroup /.test(readFileSync("/proc/self/mountinfo", "utf8"));

const leafWeight =
  "it sets blkio.weight and blkio.leaf_weight of a disk 8:0: these files went with the kernel's CFQ scheduler (Linux 5.0), and the spec lets a runtime fail when a limit cannot be set";
const noLeafWeight = lacks("/sys/fs/cgroup/blkio/blkio.leaf_weight");
const kernelMemory =
  "it looks for memory.kmem.limit_in_bytes as it was configured, and the kernel has ignored that limit since Linux 5.16; the spec has advised against it since 1.1";
const hugetlb = "this kernel has huge pages and no hugetlb cgroup of version 1 to limit them by";
const noHugetlb = lacks("/sys/fs/cgroup/hugetlb");
const network = "this machine has no net_cls and net_prio cgroups mounted, which it sets and reads";
const noNetwork = lacks("/sys/fs/cgroup/net_cls");

const explained: Readonly<Record<string, Expectation>> = {
  delete: {
    why: "it wants `delete` to refuse a container that is created but not started; every engine deletes such a one, and runc and crun let it",
  },
  hooks: {
    why: "it compares what the hooks wrote with a text that they do not write (`post-start1` for `post-start1 called`), so that no order satisfies it",
  },
  linux_cgroups_blkio: { why: leafWeight, when: noLeafWeight },
  linux_cgroups_hugetlb: { why: hugetlb, when: noHugetlb },
  linux_cgroups_memory: { why: kernelMemory },
  linux_cgroups_network: { why: network, when: noNetwork },
  linux_cgroups_relative_blkio: { why: leafWeight, when: noLeafWeight },
  linux_cgroups_relative_hugetlb: { why: hugetlb, when: noHugetlb },
  linux_cgroups_relative_memory: { why: kernelMemory },
  linux_cgroups_relative_network: { why: network, when: noNetwork },
  linux_process_apparmor_profile: {
    why: "it names a profile of AppArmor, acme_secure_profile, that no machine has loaded; running without it would be worse than failing",
  },
  misc_props: {
    why: "its first container runs /runtimetest, which it forgets to put into the root: a runtime passes that does not tell of a program that cannot be executed",
  },
  pidfile: {
    why: "its container runs `true`, and it wants `kill` to succeed after `start` and `state`, while the program `kill` wants an error for a container that has ended. It passes when `true` is late: seldom with pivot, whose `start` returns when the program was executed; more often with runc and crun, which do not wait for that",
    race: true,
  },
  poststart: {
    why: "it compares what the process wrote with what the hook wrote just after the process was executed: which is first is for the scheduler to say",
    race: true,
  },
  prestart: {
    why: "it wants prestart hooks during `start`; runtime.md has had them during `create` since 1.0.2, and config.md since 1.1",
  },
  process_capabilities: {
    why: "it gives the container every capability there is, and this machine has not got them all: pivot leaves out what it lacks, with a warning as the spec wants it since 1.1; runc and crun fail",
    when: () => !holdsAllCapabilities(),
  },
  process_capabilities_fail: {
    why: "it wants an error for the unknown capability CAP_TEST; since 1.1 the spec wants a warning, and that the container runs",
  },
  process_rlimits: {
    why: "it looks at RLIMIT_NOFILE from a program in Go, whose run-time has raised the soft limit to the hard one itself since Go 1.19",
  },
  start: {
    why: "it wants `create` and `start` to succeed without `process`; the spec wants an error from `start`, and the program has the two mixed up. pivot, runc and crun refuse it in `create` already",
  },
};

export const explainedPrograms: readonly string[] = Object.keys(explained);

/** Why the program need not pass here; undefined: it has to. */
export function expectationOf(program: string): Expectation | undefined {
  if (sharesCgroups(program) && noVersion1()) {
    return { why: "it reads the files of cgroup version 1, and this machine has version 2 alone" };
  }
  const found = explained[program];
  return found?.when === undefined || found.when() ? found : undefined;
}
